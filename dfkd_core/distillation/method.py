"""What every distillation method is: a module from three signals to a loss and its diagnostics."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.errors import ConfigError

Diagnostics = dict[str, float]


class Method(nn.Module, ABC):
    """A distillation loss; running state is kept in buffers, so that a checkpoint carries it."""

    def __init__(self, config: DistillationConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def needs_teacher(self) -> bool:
        """Whether a teacher's estimate must be given."""
        return self.config.target == "teacher"

    @classmethod
    def reads_clean(cls, config: DistillationConfig) -> tuple[str, str, str] | None:
        """The setting by which the method reads clean speech: key, value and remedy; None when it reads none.

        `target: clean` is none of these: it is said of every method.
        """
        return None

    @abstractmethod
    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD as a scalar and what to log, from estimates and clean speech, each (batch, time).

        The gradient flows into the student only. `teacher` may be None where `needs_teacher` is false.
        """

    def target(self, teacher: Tensor | None, clean: Tensor) -> Tensor:
        """The signal to come near to (batch, time), without gradient: the teacher's estimate or clean speech."""
        return clean.detach() if self.config.target == "clean" else self.taught(teacher)

    def taught(self, teacher: Tensor | None) -> Tensor:
        """The teacher's estimate without gradient; ConfigError where there is none."""
        if teacher is None:
            raise ConfigError(
                f"is required by distillation.method {self.config.method}, but there is none; "
                "name a teacher, or set distillation.target: clean",
                key="teacher",
            )
        return teacher.detach()
