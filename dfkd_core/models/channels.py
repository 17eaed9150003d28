"""Which numbers of which weights belong to the same channel: what a narrower model needs to begin as a slice.

A student says it once, beside its layers (`Student.channels`). Channels that are kept or dropped together are a group:
the outputs of a layer, with all that is added to them, multiplied by them or normed with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import torch
from torch import Tensor, nn

from dfkd_core.errors import ConfigError
from dfkd_core.models.norms import CumulativeLayerNorm, SequenceNorm


@dataclass(frozen=True)
class Stretch:
    """Part of an axis: a group's members, `copies` times one behind the other, `each` numbers a member.

    scale_power: what a slice takes from there is multiplied by (members / members of the wider model) to this power.
    """

    group: str
    members: int
    copies: int = 1
    each: int = 1
    scale_power: float = 0.0

    @property
    def length(self) -> int:
        """Numbers along the axis."""
        return self.copies * self.members * self.each


@dataclass(frozen=True)
class Axis:
    """Stretches one behind the other; none: an axis without channels, which is kept whole."""

    stretches: tuple[Stretch, ...] = ()

    def __add__(self, behind: Axis) -> Axis:
        return Axis(self.stretches + behind.stretches)

    @property
    def length(self) -> int:
        """Numbers along it; 0 where it has no channels."""
        return sum(stretch.length for stretch in self.stretches)

    def times(self, copies: int) -> Axis:
        """Every stretch so many times over, as the four gates of an LSTM hold its units."""
        return Axis(tuple(replace(s, copies=copies * s.copies) for s in self.stretches))

    def scaled(self, power: float) -> Axis:
        """Every stretch with that `scale_power`."""
        return Axis(tuple(replace(s, scale_power=power) for s in self.stretches))

    def placed(self) -> Iterator[tuple[int, Stretch]]:
        """The stretches, each with the number where it begins."""
        start = 0
        for stretch in self.stretches:
            yield start, stretch
            start += stretch.length

    def kept_in(self, wide: Axis, kept: Mapping[str, Tensor]) -> Iterator[tuple[Tensor, float]]:
        """For each of these stretches which numbers along a wider model's axis it takes, and by what to multiply them.

        `kept`: by group the members that are kept, in their order.
        """
        places: dict[str, list[tuple[int, Stretch]]] = {}
        for start, stretch in wide.placed():
            places.setdefault(stretch.group, []).append((start, stretch))
        for stretch in self.stretches:
            start, of = places[stretch.group].pop(0)  # a group twice along an axis: in the same order in both models
            index = torch.arange(of.length).view(of.copies, of.members, of.each)[:, kept[of.group]].flatten() + start
            yield index, (stretch.members / of.members) ** stretch.scale_power


class Role(Enum):
    """What the numbers along an axis do with its channels."""

    WRITE = auto()  # make them
    READ = auto()  # weigh them in what comes next
    SCALE = auto()  # multiply them one by one, as a norm's weight does


Use = tuple[Role, Axis]
Uses = dict[str, tuple[Use, ...]]  # weight -> use of each of its first axes; those behind are kept whole
WHOLE = Axis()


class Channels:
    """The groups of a model, what its weights do with their members, and where their signals can be seen."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self.groups: dict[str, int] = {}  # name -> members
        self.uses: Uses = {}  # by the weight's name in the model's state
        self.signals: dict[str, tuple[int, Axis]] = {}  # module -> an axis of its output, and what is there

    def as_text(self) -> str:
        """All that it says: the same text for the same declaration, by which what was cut as it says is kept."""
        return repr((self.groups, self.uses, self.signals))

    def group(self, name: str, members: int) -> Axis:
        """Name a group of so many channels; what comes back is an axis that holds each once."""
        self.groups[name] = members
        return Axis((Stretch(name, members),))

    def layer(self, name: str, reads: Axis = WHOLE, writes: Axis = WHOLE) -> None:
        """Say which channels a layer reads and writes; a norm, or a filter for each channel, writes what it scales.

        ConfigError: there is no such layer, or it can only be sliced where it has a `layer_uses(reads, writes)`.
        """
        layer = self._module(name)
        if hasattr(layer, "layer_uses"):
            uses: Uses = layer.layer_uses(reads, writes)  # type: ignore[operator]
        elif (found := next((LAYERS[kind] for kind in type(layer).__mro__ if kind in LAYERS), None)) is None:
            raise self._refusal(f"{name} is a {type(layer).__name__}; give that layer_uses(reads, writes)")
        else:
            try:
                uses = found(layer, reads, writes)
            except ValueError as error:
                raise self._refusal(f"{name} is {error}") from error
        held = layer.state_dict()
        self.uses |= {f"{name}.{weight}": use for weight, use in uses.items() if weight in held}

    def signal(self, name: str, axis: Axis, dim: int = 1) -> None:
        """Say that these channels lie along an axis of a module's output (of its first, where it has several).

        ConfigError: there is no such module.
        """
        self._module(name)
        self.signals[name] = (dim, axis)

    def _module(self, name: str) -> nn.Module:
        try:
            return self._model.get_submodule(name)
        except AttributeError as error:
            raise self._refusal(f"there is no {name}; name another, or leave it out") from error

    def _refusal(self, fact: str) -> ConfigError:
        kind = type(self._model).__name__
        return ConfigError(f"`channels()` of {kind} must name layers that can be sliced, but {fact}")


def weighing(reads: Axis, writes: Axis, *, suffix: str = "") -> Uses:
    """Uses of a weight (out, in, ...) and of a bias."""
    return {f"weight{suffix}": ((Role.WRITE, writes), (Role.READ, reads)), f"bias{suffix}": ((Role.WRITE, writes),)}


def transposed(reads: Axis, writes: Axis, *, suffix: str = "") -> Uses:
    """Uses of a weight (in, out, ...) and of a bias."""
    return {f"weight{suffix}": ((Role.READ, reads), (Role.WRITE, writes)), f"bias{suffix}": ((Role.WRITE, writes),)}


def scaling(writes: Axis) -> Uses:
    """Uses of a weight (channel, ...), a bias and running statistics."""
    others = ("bias", "running_mean", "running_var")
    return {"weight": ((Role.SCALE, writes),), **dict.fromkeys(others, ((Role.WRITE, writes),))}


def _convolution(layer: nn.Conv1d, reads: Axis, writes: Axis) -> Uses:
    if layer.groups == 1:
        return weighing(reads, writes)
    if layer.groups == layer.in_channels == layer.out_channels:
        return scaling(writes)
    raise ValueError("a convolution in groups of several channels; make it a layer of your own with layer_uses")


def _gated(gates: int) -> Callable[[Any, Axis, Axis], Uses]:
    """Of a recurrent layer whose rows are gates of units; `writes` holds the units of each direction."""

    def uses(layer: nn.RNNBase, reads: Axis, writes: Axis) -> Uses:
        if layer.num_layers > 1:
            kind = type(layer).__name__
            raise ValueError(f"{layer.num_layers} layers of {kind}; make each a module of its own")
        found: Uses = {}
        for suffix, stretch in zip(("_l0", "_l0_reverse"), writes.stretches, strict=False):
            units = Axis((stretch,))
            rows = (Role.WRITE, units.times(gates))
            found |= {
                f"weight_ih{suffix}": (rows, (Role.READ, reads)),
                f"weight_hh{suffix}": (rows, (Role.READ, units)),
            }
            found |= {f"bias_{kind}{suffix}": (rows,) for kind in ("ih", "hh")}
        return found

    return uses


LAYERS: dict[type[nn.Module], Callable[[Any, Axis, Axis], Uses]] = {
    nn.Linear: lambda layer, reads, writes: weighing(reads, writes),
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.ConvTranspose1d: lambda layer, reads, writes: transposed(reads, writes),
    nn.ConvTranspose2d: lambda layer, reads, writes: transposed(reads, writes),
    nn.LSTM: _gated(4),
    nn.GRU: _gated(3),
    nn.PReLU: lambda layer, reads, writes: scaling(writes) if layer.num_parameters > 1 else {},
    **dict.fromkeys(
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, CumulativeLayerNorm, SequenceNorm),
        lambda layer, reads, writes: scaling(writes),
    ),
}
