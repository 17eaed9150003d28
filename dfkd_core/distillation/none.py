"""No distillation: the control that every gain is measured against."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.distillation.method import Diagnostics, Method


class NoDistillation(Method):
    """L_KD = 0."""

    @property
    def needs_teacher(self) -> bool:
        """No teacher is read."""
        return False

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """Zero, without gradient."""
        return student.new_zeros(()), {}
