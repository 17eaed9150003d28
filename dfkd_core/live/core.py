"""What every live student is: one frame and the states in, one frame and the states out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from dfkd_core.live.frames import Frames

States = tuple[Tensor, ...]


class Memory:
    """The states of one step: handed out in the order in which layers ask, the new ones kept in the same order.

    Without old states every one is zero: that is how a stream begins, and how shapes become known.
    """

    def __init__(self, old: Sequence[Tensor] | None) -> None:
        self._old: Iterator[Tensor] | None = None if old is None else iter(old)
        self.zeros: list[Tensor] = []
        self.new: list[Tensor] = []

    def state(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """The next old state."""
        if self._old is not None:
            return next(self._old)
        self.zeros.append(like.new_zeros(tuple(shape)))
        return self.zeros[-1]

    def with_past(self, signal: Tensor, num_frames: int) -> Tensor:
        """A signal (batch, channel, 1, ...) behind its last `num_frames` frames, (batch, channel, 1 + past, ...)."""
        if not num_frames:
            return signal
        past = self.state((*signal.shape[:2], num_frames, *signal.shape[3:]), signal)
        window = torch.cat((past, signal), dim=2)
        self.new.append(window[:, :, 1:])
        return window

    def delayed(self, signal: Tensor, num_frames: int) -> Tensor:
        """The signal of `num_frames` frames ago."""
        return self.with_past(signal, num_frames)[:, :, :1]

    def lstm(self, layer: nn.LSTM, signal: Tensor) -> Tensor:
        """One frame (1, batch, feature) through an LSTM of one layer."""
        shape = (1, signal.shape[1], layer.hidden_size)
        hidden, cell = self.state(shape, signal), self.state(shape, signal)
        output: Tensor
        output, (hidden, cell) = layer(signal, (hidden, cell))
        self.new += [hidden, cell]
        return output


class Core(Protocol):
    """One frame and the states in, one frame and the states out: a student, or an ONNX graph of one.

    frames: how a signal becomes what a call takes, and back. delay_frames: how many frames later than it was given
    a frame comes out enhanced.
    """

    @property
    def frames(self) -> Frames:
        """The framing."""

    @property
    def delay_frames(self) -> int:
        """Frames between a frame's arrival and its return."""

    def initial_states(self) -> States:
        """The states of a stream that begins."""

    def __call__(self, frame: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """The frame given `delay_frames` ago, enhanced, and the new states, in the order of the old ones."""

    def finish(self, states: States, past_end: int) -> tuple[Tensor, ...]:
        """As a call, in the `past_end`-th step behind the last frame, counted from 1: what is still delayed."""


def latency_samples(core: Core) -> int:
    """How late a sample comes out at the latest: the frame that it waits for, and delayed frames."""
    return core.frames.window_samples + core.delay_frames * core.frames.hop_samples


class LiveCore(nn.Module, ABC):
    """A student in evaluation mode as a `Core`."""

    frames: Frames
    delay_frames: int = 0

    @abstractmethod
    def step(self, frame: Tensor, memory: Memory, past_end: int | Tensor) -> Tensor:
        """Enhance a frame; in the `past_end`-th step behind a signal's end (else 0) the frame is silence."""

    def forward(self, frame: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        """As `Core` says."""
        memory = Memory(states)
        enhanced = self.step(frame, memory, 0)
        return enhanced, *memory.new

    def finish(self, states: States, past_end: int | Tensor) -> tuple[Tensor, ...]:
        """As `Core` says."""
        memory = Memory(states)
        enhanced = self.step(self.frames.silence(), memory, past_end)
        return enhanced, *memory.new

    def initial_states(self) -> States:
        """Zeros."""
        memory = Memory(None)
        with torch.no_grad():
            self.step(self.frames.silence(), memory, 0)
        return tuple(memory.zeros)
