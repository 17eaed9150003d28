"""One training for many widths: slices of a student learn with it, so that they work before they are cut out.

The sandwich rule of universally slimmable networks (Yu and Huang, arXiv 1903.05134): each step trains the whole
student, its narrowest slice and two drawn from those between, and the slices learn from the whole one's estimate:

    L = L(whole) + sum over slices of (L_sup / g_sup + weight * L_KD(slice, whole) / g_KD)

A slice is the first channels of every group. It has no weights of its own: gradients go back into the student's.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from dfkd_core.base.machine import mixed_precision
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import CustomStudentConfig, Student, StudentBase
from dfkd_core.models.custom import all_fields
from dfkd_core.training.signals import Batch
from dfkd_core.training.slicing import Cut, channels_of, scores_by_order
from dfkd_core.training.total_loss import TotalLoss

KEY = "training.slimmable"
NUM_DRAWN = 2


class Slices:
    """The slices of a student that train with it, from the widest to the narrowest.

    Their batch norms see each batch's own statistics; running ones are computed when a slice is cut out to stay.
    """

    def __init__(self, config: ExperimentConfig, student: Student, device: torch.device) -> None:
        """ConfigError: a width that no student of this architecture has, or nothing that slices could learn from."""
        self._config, self._device = config, device
        self._whole = student
        self.loss = TotalLoss(config, of_slices=True)
        self.loss.method.to(device)
        narrow = [build_student(one) for one in slice_configs(config, student)]
        best = scores_by_order(student)
        try:
            self._narrow = [(one.to(device).train(), Cut.of(student, one, best)) for one in narrow]
        except ConfigError as error:
            raise error.at(key=KEY) from error

    def __call__(self, batch: Batch, estimate: Tensor, epoch: int, step: int) -> tuple[Tensor, float]:
        """What this step's slices have to learn: the sum of their losses, and its mean for the log.

        `estimate` (batch, time) is the whole student's, of whose gradient nothing is asked.
        """
        held = dict(self._whole.named_parameters())
        losses = []
        for index in self.drawn(epoch, step):
            narrow, cut = self._narrow[index]
            weights = {name: cut(held, name) for name, _ in narrow.named_parameters()}
            with mixed_precision(self._device, self._config.training.precision):
                heard = functional_call(narrow, weights, (batch.noisy,))
            losses.append(self.loss(heard.float(), batch.clean, estimate.detach(), epoch)[0])
        total = torch.stack(losses).sum()
        return total, float(total.detach()) / len(losses)

    def drawn(self, epoch: int, step: int) -> list[int]:
        """The numbers of the slices that train in a step, a function of seed, epoch and step alone."""
        *between, narrowest = range(len(self._narrow))
        draw = np.random.default_rng((self._config.seed, epoch, step))
        some = draw.choice(between, NUM_DRAWN, replace=False).tolist() if len(between) > NUM_DRAWN else between
        return [*sorted(some), narrowest]


def slice_configs(config: ExperimentConfig, student: Student) -> list[StudentBase]:
    """The student blocks of all slices, from the widest to the narrowest; ConfigError as `Slices`."""
    wide, distillation = config.student, config.distillation
    fields = all_fields(wide)
    if "width" not in fields:
        has = ", ".join(name for name in fields if name != "model") or "no fields"
        rule = f"needs a student that has a width of which slices take less, but {wide.model} has {has}"
        own = ", or give the class one" if isinstance(wide, CustomStudentConfig) else ""
        raise ConfigError(f"{rule}; set it to null{own}", key=KEY)
    _sizes(student)
    if distillation.method == "none" or distillation.weight == 0 or distillation.target == "clean":
        got = f"method {distillation.method}, weight {distillation.weight:g}, target {distillation.target}"
        rule = f"has slices learn from the whole student's estimate, which asks for distillation, but got {got}"
        raise ConfigError(f"{rule}; name a method with a weight and target teacher", key=KEY)
    if distillation.schedule != "constant":
        rule = (
            f"needs distillation.schedule constant, but got {distillation.schedule}: slices and student learn at once"
        )
        raise ConfigError(rule, key=KEY)
    found: list[StudentBase] = []
    for width in sorted(config.training.slimmable or (), reverse=True):
        if width >= fields["width"]:
            rule = f"must hold widths below student.width {fields['width']:g}, but got {width:g}"
            raise ConfigError(f"{rule}; leave it out", key=KEY)
        try:
            narrow = type(wide).parse({**wide.model_dump(), "width": width})
        except ConfigError as error:
            raise ConfigError(f"holds {width:g}, of which {error.rule}", key=KEY) from error
        if _sizes(build_student(narrow)) == _sizes(build_student(found[-1] if found else wide)):
            rule = f"must hold widths that take channels away, but {width:g} takes none from the next wider"
            raise ConfigError(f"{rule}; leave it out", key=KEY)
        found.append(narrow)
    return found


def _sizes(student: Student) -> dict[str, int]:
    """Members of every group; ConfigError where the student says nothing of its channels, or what cannot be."""
    try:
        return channels_of(student).groups
    except ConfigError as error:
        raise error.at(key=KEY) from error
