"""What every student is: a module from noisy to estimate, built from its own typed config."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Self

from pydantic import ConfigDict
from torch import Tensor, nn

from dfkd_core.base.schema import Config
from dfkd_core.models.channels import Channels
from dfkd_core.models.mac_counting import count_macs
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.stft import Framing

FLOAT_BYTES = 4


class StudentBase(Config):
    """What every student's config has: the name of its architecture."""

    model: str


class CustomStudentConfig(StudentBase):
    """A student of the user's own, `model: "package.module:Class"`; other fields go to its constructor."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Student(nn.Module, ABC):
    """Maps noisy (batch, time) to an estimate of the clean speech (batch, time), any length from one sample on.

    Subclasses name their config class as `Config`, take one instance of it in their constructor, and claim
    a look-ahead; what a device pays for beside the layers (transforms, streaming state) they state themselves.
    """

    Config: ClassVar[type[StudentBase]]
    sample_rate_hz: ClassVar[int] = SAMPLE_RATE_HZ
    resizable: ClassVar[frozenset[str]] = frozenset(
        {"width"}
    )  # config fields that only say how many channels there are
    framing: Framing | None = None  # of the spectra that it works on; None: it works on none

    @abstractmethod
    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate (batch, time) of the clean speech in `noisy` (batch, time)."""

    @property
    @abstractmethod
    def look_ahead_samples(self) -> float:
        """Samples of the future that an output sample may depend on; inf when it sees the whole clip."""

    @property
    @abstractmethod
    def state_bytes(self) -> float:
        """Bytes at float32 that streaming carries from one hop to the next; inf when it needs the whole clip."""

    @property
    def latency_samples(self) -> float:
        """Samples that pass from a sample to its estimate, frame by frame; inf where nothing here runs it so."""
        return math.inf

    def macs(self, num_samples: int) -> int:
        """Multiply-adds of a forward pass over that many samples; here by running one, better by formula."""
        return count_macs(self, num_samples)

    def channels(self) -> Channels | None:
        """What a narrower student of this class needs to begin as a slice of this one; None: it cannot."""
        return None

    def slices(self, parent: Self) -> list[Callable[[], dict[str, Tensor]]] | None:
        """Every state that this one may have as a slice of a wider one, each computed when asked for.

        For architectures whose layers can share but some choices of channels; None: `channels` says it all.
        ConfigError: there is no such choice.
        """
        return None

    def stages(self, parent: Self) -> dict[str, str]:
        """Which modules of a deeper one stand for which of these, by name; those not named stand for themselves."""
        return {}

    def extra_macs(self, num_samples: int) -> int:
        """The part of them that no layer of this module does, such as a transform."""
        return 0
