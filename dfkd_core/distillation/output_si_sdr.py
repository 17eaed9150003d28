"""SI-SDR of the student against the teacher's output, a control."""

from __future__ import annotations

from torch import Tensor

from dfkd_core.distillation.method import Diagnostics, Method
from dfkd_core.losses.si_sdr import si_sdr


class OutputSISDR(Method):
    """L_KD = -SI-SDR(student, target) in dB, mean over clips; blind to the student's gain."""

    def forward(self, student: Tensor, teacher: Tensor | None, clean: Tensor) -> tuple[Tensor, Diagnostics]:
        """L_KD and the ratio in dB, from (batch, time) signals."""
        loss = si_sdr(student, self.target(teacher, clean))
        return loss, {"si_sdr_db": -loss.item()}
