"""A stream of samples through a live student, in chunks of any size."""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.data.config import LowHigh
from dfkd_core.errors import DataError
from dfkd_core.live.core import Core, States, latency_samples
from dfkd_core.live.cores import live_core
from dfkd_core.live.level_follower import LEVELS_DBFS, LevelFollower
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples


class Enhancer:
    """Enhances a stream: `process` hands back the samples that are finished, `finish` the rest.

    All that `process` and `finish` return, laid end to end, is what the student makes of the whole signal, to 1e-4,
    where its level lies within `level_dbfs`. Outside that, `LevelFollower` brings frames to the nearer bound and what
    the student makes of them back, as `dfkd enhance` brings files to one level; an offset is taken out.
    A sample comes out `latency_samples` after it went in at the latest, chunks not counted.
    """

    def __init__(self, model: nn.Module | Core, level_dbfs: LowHigh | None = LEVELS_DBFS) -> None:
        """`level_dbfs`: RMS of what the student was trained on; None: frames are heard as they are.

        ConfigError: the student needs the whole clip.
        """
        self._core: Core = live_core(model) if isinstance(model, nn.Module) else model
        self._level_dbfs = level_dbfs
        self.latency_samples = latency_samples(self._core)
        self.reset()

    def reset(self) -> None:
        """Begin a new stream."""
        frames = self._core.frames
        self._states: States = self._core.initial_states()
        self._input = torch.zeros(1, 0 if frames.is_mirrored else frames.lead_samples)
        self._is_led = not frames.is_mirrored  # whether what lies before the first sample is there
        self._last = torch.zeros(1, 0)  # samples that what lies behind the last one mirrors
        self._sum = torch.zeros(1, frames.window_samples)
        self._weights = torch.zeros(frames.window_samples)
        self._follower = LevelFollower(frames.hop_samples, self._level_dbfs) if self._level_dbfs else None
        self._gains = deque[float]()  # of the frames that the student has heard and not yet given back
        self._num_in = self._num_frames = 0
        self._num_out = -frames.lead_samples  # what lies before the first sample is not handed out

    def process(self, chunk: ArrayLike, rate_hz: int = SAMPLE_RATE_HZ) -> Samples:
        """The samples (time,) that are finished with this chunk (time,) of floats, full scale at 1; none, at times.

        DataError: the chunk is at another rate than 16 kHz, has more than one axis, or holds integers, nan or inf.
        """
        given = np.asarray(chunk)
        if rate_hz != SAMPLE_RATE_HZ:
            raise DataError(
                f"a chunk must be at {SAMPLE_RATE_HZ} Hz, but is at {rate_hz} Hz; resample the stream first"
            )
        if given.dtype.kind in "iu" and given.size:
            rule = f"a chunk must hold floats with full scale at 1, but holds {given.dtype}"
            raise DataError(f"{rule}; divide 16-bit samples by 32768")
        samples = given.astype(np.float32)
        if samples.ndim != 1:
            raise DataError(f"a chunk must have one axis (time,), but has shape {samples.shape}; mix channels down")
        if not np.isfinite(samples).all():
            raise DataError("a chunk must hold finite samples, but holds nan or inf; replace them by zeros")
        self._num_in += len(samples)
        self._hear(torch.from_numpy(samples)[None])
        return self._advance()

    def finish(self) -> Samples:
        """The samples that are left; the next chunk begins a new stream."""
        frames, core = self._core.frames, self._core
        total = frames.num_frames(self._num_in) if self._num_in else 0
        if total and not self._is_led:
            self._hear(torch.zeros(1, frames.lead_samples + 1 - self._num_in))
        missing = (total - self._num_frames - 1) * frames.hop_samples + frames.window_samples - self._input.shape[1]
        if missing > 0:
            mirrored = self._last[:, :-1].flip(1)[:, :missing]
            self._input = F.pad(torch.cat((self._input, mirrored), dim=1), (0, missing - mirrored.shape[1]))
        parts = [self._advance(total)]
        with torch.inference_mode():
            for past_end in range(1, core.delay_frames + 1 if total else 1):
                enhanced, *states = core.finish(self._states, past_end)
                self._states = tuple(states)
                if total + past_end > core.delay_frames:
                    parts.append(self._take(enhanced))
        parts.append(self._released(frames.window_samples))
        rest = np.concatenate(parts)
        rest = rest[: len(rest) - max(0, self._num_out - self._num_in)]
        self.reset()
        return rest

    def _hear(self, samples: Tensor) -> None:
        """Samples (1, time) behind those that are there; what lies before the first one, as soon as it is known."""
        lead = self._core.frames.lead_samples
        self._input = torch.cat((self._input, samples), dim=1)
        if self._core.frames.is_mirrored:
            self._last = torch.cat((self._last, samples), dim=1)[:, -lead - 1 :]
        if not self._is_led and self._input.shape[1] > lead:
            self._input = torch.cat((self._input[:, 1 : lead + 1].flip(1), self._input), dim=1)
            self._is_led = True

    def _advance(self, total: int | None = None) -> Samples:
        """Enhance every frame whose samples are there, up to `total` frames."""
        frames, parts = self._core.frames, [np.zeros(0, np.float32)]
        with torch.inference_mode():
            while (
                self._is_led
                and self._input.shape[1] >= frames.window_samples
                and (total is None or self._num_frames < total)
            ):
                frame = self._input[:, : frames.window_samples]
                gain = 1.0
                if self._follower:
                    gain, offset = self._follower.gain_and_offset(frame[0].numpy())
                    frame = gain * (frame - offset)
                self._gains.append(gain)
                enhanced, *states = self._core(frames.analyse(frame), *self._states)
                self._states, self._input = tuple(states), self._input[:, frames.hop_samples :]
                self._num_frames += 1
                if self._num_frames > self._core.delay_frames:
                    parts.append(self._take(enhanced))
        return np.concatenate(parts)

    def _take(self, enhanced: Tensor) -> Samples:
        """Add a frame at its place; the samples that no later frame reaches."""
        frames = self._core.frames
        self._sum += frames.synthesise(enhanced) / self._gains.popleft()
        self._weights += 1.0 if frames.weights is None else frames.weights
        return self._released(frames.hop_samples)

    def _released(self, count: int) -> Samples:
        weights = 1.0 if self._core.frames.weights is None else self._weights[:count].clamp(min=1e-20)
        done: Samples = (self._sum[0, :count] / weights).numpy()
        self._sum, self._weights = F.pad(self._sum[:, count:], (0, count)), F.pad(self._weights[count:], (0, count))
        before = min(max(0, -self._num_out), count)
        self._num_out += count
        return done[before:]
