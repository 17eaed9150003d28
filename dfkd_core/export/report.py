"""What is known of an exported file: that it computes what the model computes, how fast, how late."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from dfkd_core.errors import DFKDError
from dfkd_core.live import Enhancer
from dfkd_core.live.core import Core
from dfkd_core.models.base import Student
from dfkd_core.models.real_time import real_time_factor as torch_factor
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples

TOLERANCE = 1e-4
MOST_PESQ_LOST = 0.02
LENGTHS_S = (0.1, 0.35, 1.0)
TIMED_S, NUM_TIMED = 1.0, 5

EnhanceSignal = Callable[[Samples], Samples]


@dataclass(frozen=True)
class PesqLost:
    """Mean PESQ-WB on validation clips, of the float graph and of the one in int8."""

    whole: float
    small: float
    num_clips: int

    def __str__(self) -> str:
        lost = self.whole - self.small
        beyond = f", more than {MOST_PESQ_LOST:g}: think twice" if lost > MOST_PESQ_LOST else ""
        scores = f"PESQ-WB {self.small:.3f} on {self.num_clips} validation clips, {self.whole:.3f} before int8"
        return f"{scores} ({lost:+.3f} lost{beyond})"


@dataclass(frozen=True)
class ExportReport:
    """A file, and what was measured on it before it was left behind.

    difference: largest absolute difference from the model over all probe signals. real_time_factor: seconds of
    computing for a second of audio, onnxruntime on one thread; model_factor: PyTorch on whole clips. latency_ms: None
    for a graph of whole signals.
    wheel_factor: as real_time_factor, inside sherpa-onnx; None where it was not run there. pesq_lost: of int8, whose
    difference is that of the graph in floats.
    """

    path: Path
    form: str
    num_bytes: int
    difference: float
    real_time_factor: float
    model_factor: float
    latency_ms: float | None = None
    state_bytes: int | None = None
    wheel_factor: float | None = None
    pesq_lost: PesqLost | None = None

    def __str__(self) -> str:
        live = "" if self.latency_ms is None else f", latency {self.latency_ms:.1f} ms, {self.state_bytes:,} B of state"
        inside = "" if self.wheel_factor is None else f", {self.wheel_factor:.3f} inside sherpa-onnx"
        quality = self.pesq_lost or f"equal to the model to {self.difference:.1e}"
        return (
            f"{self.path}: {self.form}, {self.num_bytes / 1e6:.2f} MB{live}, real-time factor "
            f"{self.real_time_factor:.3f} on one thread{inside}; {quality}"
        )

    def runtimes(self) -> dict[str, dict[str, float]]:
        """What a model's card says of the file, by runtime."""
        measured = {"real_time_factor": self.real_time_factor, "bytes": float(self.num_bytes)}
        if self.latency_ms is not None:
            measured["latency_ms"] = self.latency_ms
        if self.pesq_lost is not None:
            measured["pesq_wb_lost"] = self.pesq_lost.whole - self.pesq_lost.small
        found = {"PyTorch, whole clips": {"real_time_factor": self.model_factor}, f"onnxruntime, {self.form}": measured}
        if self.wheel_factor is not None:
            found[f"inside {self.form}"] = measured | {"real_time_factor": self.wheel_factor}
        return found

    def metadata(self) -> dict[str, str]:
        """What the file itself says of it."""
        measured = {"real_time_factor": f"{self.real_time_factor:.4f}", "difference": f"{self.difference:.1e}"}
        if self.latency_ms is not None:
            measured |= {"latency_ms": f"{self.latency_ms:g}", "states_bytes": str(self.state_bytes)}
        if self.pesq_lost is not None:
            measured |= {"pesq_wb": f"{self.pesq_lost.small:.3f}", "pesq_wb_float": f"{self.pesq_lost.whole:.3f}"}
        if self.wheel_factor is not None:
            measured["sherpa_onnx_real_time_factor"] = f"{self.wheel_factor:.4f}"
        return {f"dfkd.{name}": value for name, value in measured.items()}


class Streamed:
    """A whole signal through a core, frame by frame."""

    def __init__(self, core: Core) -> None:
        self._enhancer = Enhancer(core, None)

    def __call__(self, noisy: Samples) -> Samples:
        """Estimate (time,) of noisy (time,)."""
        return np.concatenate([self._enhancer.process(noisy), self._enhancer.finish()])


def measured(
    path: Path,
    content: bytes,
    form: str,
    exported: EnhanceSignal,
    model: Student,
    *,
    num_samples: int | None = None,
    unheard: int = 0,
    latency_ms: float | None = None,
    state_bytes: int | None = None,
) -> ExportReport:
    """What is to be known of a graph before it becomes the file `path`; DFKDError: it is not the model.

    num_samples: the one length that it takes. unheard: samples at a signal's end that are not compared.
    """

    def whole(noisy: Samples) -> Samples:
        with torch.inference_mode():
            estimate: Samples = model(torch.from_numpy(noisy)[None])[0].numpy()
        return estimate

    difference = largest_difference(exported, whole, path, num_samples, unheard)
    factor = real_time_factor(exported, num_samples)
    in_torch = torch_factor(model).rtf_cpu
    return ExportReport(path, form, len(content), difference, factor, in_torch, latency_ms, state_bytes)


def probe_signals(num_samples: int | None = None) -> Iterator[tuple[str, Samples]]:
    """A gliding voice, silence and noise at full scale, each in three lengths, or in the one that is given."""
    lengths = [round(seconds * SAMPLE_RATE_HZ) for seconds in LENGTHS_S] if num_samples is None else [num_samples]
    for length in lengths:
        time_s = np.arange(length) / SAMPLE_RATE_HZ
        pitch = 2 * np.pi * (140 * time_s + 25 * np.sin(2 * np.pi * 0.7 * time_s))
        voice = sum(np.sin(k * pitch) / k for k in range(1, 20)) * (time_s % 0.6 < 0.45)
        full = np.random.default_rng(0).uniform(-1, 1, length)
        for name, signal in (("a voice", 0.1 * voice), ("silence", 0 * time_s), ("noise at full scale", full)):
            yield f"{name} of {length} samples", np.asarray(signal, np.float32)


def largest_difference(
    exported: EnhanceSignal, model: EnhanceSignal, path: Path, num_samples: int | None = None, unheard: int = 0
) -> float:
    """Over all probe signals; DFKDError naming the first on which an exported file is not the model."""
    worst = 0.0
    for name, signal in probe_signals(num_samples):
        ours, theirs = model(signal), exported(signal)
        apart = np.abs(ours - theirs) if theirs.shape == ours.shape else np.full(1, np.inf)
        difference = float(apart[: max(1, len(apart) - unheard)].max())
        if not difference <= TOLERANCE:
            rule = f"must equal the model to {TOLERANCE:g}, but differs by {difference:.2g} on {name}"
            raise DFKDError(f"{path}: {rule}; nothing was written")
        worst = max(worst, difference)
    return worst


def real_time_factor(exported: EnhanceSignal, num_samples: int | None = None) -> float:
    """Median seconds of computing for a second of noise; the thread's own, other programs' work does not count."""
    length = num_samples or round(TIMED_S * SAMPLE_RATE_HZ)
    noise = np.random.default_rng(1).normal(0, 0.1, length).astype(np.float32)
    times = []
    for _ in range(NUM_TIMED):
        start = time.thread_time()
        exported(noise)
        times.append(time.thread_time() - start)
    return median(times) * SAMPLE_RATE_HZ / length
