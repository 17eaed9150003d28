"""A narrower model cut out of a wider one of the same architecture: which channels stay, and the weights they keep.

Rules, for each group of channels that belong together:

    weight       |what scales the channel| * |weights that read it|
    activation   mean magnitude of the channel's signal
    first        the order in which they stand
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from dfkd_core.errors import ConfigError
from dfkd_core.models.base import Student
from dfkd_core.models.channels import Axis, Channels, Role, Stretch

Scores = dict[str, Tensor]  # group -> (member,), large where a member matters


@dataclass(frozen=True)
class Cut:
    """What a narrower model takes of a wider one: for each of its weights whose, and which numbers along which axes."""

    takes: Mapping[str, tuple[str, tuple[tuple[int, tuple[tuple[Tensor, float], ...]], ...]]]

    @classmethod
    def of(cls, parent: Student, student: Student, scores: Mapping[str, Tensor], *, ranks: bool = False) -> Cut:
        """Of each group the members of the parent with the highest scores, in the parent's order.

        `ranks`: the best first, so that what is cut out of the student later begins with them; it computes the same.
        ConfigError: a group of the parent has fewer members than the student's, or it has no such group; or what is
        said of the channels leaves a weight in another shape than the student's.
        """
        wide, narrow = channels_of(parent), channels_of(student)
        theirs = in_parent(student, parent)
        kept = {}
        for name, members in narrow.groups.items():
            group = theirs(name)
            found = len(scores[group]) if group in scores else 0
            if found < members:
                raise ConfigError(f"is narrower than the student: {group} has {found} channels, not {members}")
            best = scores[group].argsort(descending=True, stable=True)[:members]
            kept[group] = best if ranks else best.sort().values
        takes, held = {}, parent.state_dict()
        for name, value in student.state_dict().items():
            axes = {}
            try:
                left = list(held[theirs(name)].shape)
                for dim, (_, axis) in enumerate(narrow.uses.get(name, ())):
                    if axis.stretches:
                        own = Axis(tuple(replace(stretch, group=theirs(stretch.group)) for stretch in axis.stretches))
                        axes[dim] = tuple(own.kept_in(wide.uses[theirs(name)][dim][1], kept))
                        left[dim] = axis.length
            except LookupError as error:
                rule = f"must have what the student is cut from, but has nothing for {name} as `channels()` tells it"
                raise ConfigError(f"{rule}; mend that of {type(student).__name__}, or name a deeper model") from error
            if tuple(left) != tuple(value.shape):
                rule = f"`channels()` of {type(student).__name__} must name every axis that a slice cuts, but leaves"
                remedy = "say with `layer` what reads and writes there"
                raise ConfigError(f"{rule} {name} at {tuple(left)}, not {tuple(value.shape)}; {remedy}")
            takes[name] = theirs(name), tuple(axes.items())
        return cls(takes)

    def __call__(self, held: Mapping[str, Tensor], name: str) -> Tensor:
        """One of the student's weights out of those of the parent, by its names; gradients go back into them."""
        source, axes = self.takes[name]
        value = held[source]
        for dim, taken in axes:
            parts = ((value.index_select(dim, index.to(value.device)), scale) for index, scale in taken)
            value = torch.cat([part if scale == 1.0 else part * scale for part, scale in parts], dim)
        return value


@torch.no_grad()
def sliced(
    parent: Student, student: Student, scores: Mapping[str, Tensor], *, ranks: bool = False
) -> dict[str, Tensor]:
    """The student's state: of each group the members of the parent with the highest scores, as `Cut` takes them."""
    cut, held = Cut.of(parent, student, scores, ranks=ranks), parent.state_dict()
    return {name: cut(held, name).clone() for name in cut.takes}


def channels_of(model: Student) -> Channels:
    """What a model says of its channels; ConfigError when it says nothing, or what does not fit its weights."""
    channels, state, kind = model.channels(), model.state_dict(), type(model).__name__
    if channels is None:
        raise ConfigError(f"{kind} does not say which channels its weights hold; give it `channels()`")
    for name, uses in channels.uses.items():
        for dim, (_, axis) in enumerate(uses):
            if axis.stretches and _misfits(state[name], dim, axis):
                rule = f"`channels()` of {kind} must fit its weights, but says {axis.length} of axis {dim} of {name}"
                raise ConfigError(f"{rule}, which has {tuple(state[name].shape)}; mend what `layer` is told of it")
    return channels


def in_parent(student: Student, parent: Student) -> Callable[[str], str]:
    """The parent's name for a weight or a group of the student, whose stages may stand elsewhere there."""
    stages = student.stages(parent)

    def theirs(name: str) -> str:
        mine = next((stage for stage in stages if name == stage or name.startswith(f"{stage}.")), None)
        return name if mine is None else stages[mine] + name.removeprefix(mine)

    return theirs


@torch.no_grad()
def scores_by_weight(model: Student) -> Scores:
    """Of each channel the norm of the weights that read it, times that of what scales it on the way."""
    channels, state = channels_of(model), model.state_dict()
    read: Scores = {}
    scale = {name: torch.ones(members) for name, members in channels.groups.items()}
    for weight, uses in channels.uses.items():
        for dim, (role, axis) in enumerate(uses):
            if role is Role.WRITE or not axis.stretches:
                continue
            power = _along(state[weight].square(), dim).sum(1)
            for start, stretch in axis.placed():
                own = _by_member(power[start : start + stretch.length], stretch)
                if role is Role.READ:
                    read[stretch.group] = read.get(stretch.group, 0.0) + own
                else:
                    scale[stretch.group] *= own.sqrt()
    return {name: scaling * read[name].sqrt() if name in read else scaling for name, scaling in scale.items()}


def scores_by_order(model: Student) -> Scores:
    """The first channels are the best."""
    return {name: -torch.arange(members, dtype=torch.float32) for name, members in channels_of(model).groups.items()}


@torch.no_grad()
def scores_by_activation(model: Student, noisy: Iterable[Tensor]) -> Scores:
    """The mean magnitude of each channel's signal over batches of noisy speech (batch, time).

    ConfigError: what the model says of its channels fits its weights or its signals not.
    """
    channels, kind = channels_of(model), type(model).__name__
    total = {name: torch.zeros(members, dtype=torch.float64) for name, members in channels.groups.items()}
    hooks = [
        model.get_submodule(name).register_forward_hook(_adder(total, signal, f"{name} of {kind}"))
        for name, signal in channels.signals.items()
    ]
    try:
        for batch in noisy:
            model.eval()(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: value.float() for name, value in total.items()}


def _adder(total: Scores, where: tuple[int, Axis], place: str) -> Callable[[nn.Module, Any, Any], None]:
    dim, axis = where

    def add(module: nn.Module, inputs: Any, output: Any) -> None:
        signal: Tensor = output if isinstance(output, Tensor) else output[0]
        if _misfits(signal, dim, axis):
            rule = f"`channels()` must fit the signals, but says {axis.length} of axis {dim} of the output of {place}"
            raise ConfigError(f"{rule}, which has {tuple(signal.shape)}; mend what `signal` is told of it")
        size = _along(signal.abs().double(), dim).mean(1)
        for start, stretch in axis.placed():
            total[stretch.group] += _by_member(size[start : start + stretch.length], stretch)

    return add


def _misfits(value: Tensor, dim: int, axis: Axis) -> bool:
    """Whether a tensor has other numbers along an axis than are said to be there."""
    return dim >= value.dim() or value.shape[dim] != axis.length


def _along(value: Tensor, dim: int) -> Tensor:
    """One axis, and all others as one behind it."""
    return value.movedim(dim, 0).reshape(value.shape[dim], -1)


def _by_member(values: Tensor, stretch: Stretch) -> Tensor:
    """Sums over the numbers of a stretch that belong to the same member."""
    return values.view(stretch.copies, stretch.members, stretch.each).sum((0, 2))
