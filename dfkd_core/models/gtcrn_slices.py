"""Narrower GTCRNs as slices of wider ones: which channels can stay, and the weights they keep.

A block sends the first half of its channels through convolutions and lets the second half pass; with h the half,
channel 2 i of its output is its own output i and channel 2 i + 1 is the channel h + i that passed. Skips and residuals
ask for the same channels at every layer. So a choice s, in the order of the slice, must satisfy

    s[2 i + 1] = 2 (s[k + i] - h) + 1,   s[2 i] even,   s[j] < h for j < k, else s[j] >= h

with k half of the slice's channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, islice

import torch
from torch import Tensor

Weights = Mapping[str, Tensor]
Selection = tuple[int, ...]

MOST = 100  # of each half's choices: all that there are up to 32 channels; of 64 there are millions


@torch.no_grad()
def cut(wide: Weights, choice: Selection) -> dict[str, Tensor]:
    """The state of a GTCRN whose layers all have the chosen channels of a wider one, whose state `wide` is.

    What lies inside a block or a recurrent layer and concerns nobody else (depthwise channels, units) is kept in as
    large a share, the numbers with the largest weights behind them.
    """
    return _Cut(wide, choice).state


class _Cut:
    """Walks through the layers; weights that have no channels stay whole."""

    def __init__(self, wide: Weights, choice: Selection) -> None:
        self.wide, self.state = wide, dict(wide)
        num_wide, self.num_narrow = len(wide["encoder.en_convs.0.bn.weight"]), len(choice)
        self.half = num_wide // 2
        kept = torch.tensor(choice)
        self.kept, self.low, self.high = kept, kept[: len(kept) // 2], kept[len(kept) // 2 :] - self.half
        for end in ("encoder.en_convs.0", "encoder.en_convs.1", "decoder.de_convs.3"):
            self._take(f"{end}.conv.bias", kept)
            self._norm(f"{end}.bn", kept)
        self._take("encoder.en_convs.0.conv.weight", kept)
        self._take("decoder.de_convs.4.conv.weight", kept)
        for grouped in ("encoder.en_convs.1", "decoder.de_convs.3"):  # each half of the rows has its own columns
            weight = wide[f"{grouped}.conv.weight"]
            parts = (weight[self.low][:, self.low], weight[self.half + self.high][:, self.high])
            self.state[f"{grouped}.conv.weight"] = torch.cat(parts)
        for block in ("encoder.en_convs.2", "encoder.en_convs.3", "encoder.en_convs.4"):
            self._block(block, out=0, into=1)
        for block in ("decoder.de_convs.0", "decoder.de_convs.1", "decoder.de_convs.2"):
            self._block(block, out=1, into=0)
        for path in ("dpgrnn1", "dpgrnn2"):
            self._recurrent(f"{path}.intra", ("", "_reverse"))
            self._recurrent(f"{path}.inter", ("",))

    def _take(self, name: str, *axes: Tensor | None) -> None:
        """Keep these numbers along the first axes of a weight; None keeps all."""
        for dim, index in enumerate(axes):
            if index is not None:
                self.state[name] = self.state[name].index_select(dim, index)

    def _norm(self, name: str, index: Tensor) -> None:
        for number in ("weight", "bias", "running_mean", "running_var"):
            self._take(f"{name}.{number}", index)

    def _best(self, numbers: Tensor) -> Tensor:
        """As large a share of all numbers (number,) as the choice is of the channels: the largest, in their order."""
        share = len(numbers) * self.num_narrow // (2 * self.half)
        return numbers.argsort(descending=True, stable=True)[:share].sort().values

    def _block(self, name: str, out: int, into: int) -> None:
        """`out` and `into`: which axis of a pointwise weight holds outputs, which inputs."""
        made = self.kept[0::2] // 2
        seen = (3 * self.low[:, None] + torch.arange(3)).flatten()
        second, scale = self.wide[f"{name}.point_conv2.weight"], self.wide[f"{name}.depth_bn.weight"]
        reading = second.index_select(out, made).square().sum((out, 2, 3)).sqrt()
        within = self._best(scale.abs() * reading)
        first_axes, second_axes = [within, seen], [made, within]
        self._take(f"{name}.point_conv1.weight", first_axes[out], first_axes[into])
        self._take(f"{name}.point_conv2.weight", second_axes[out], second_axes[into])
        for layer in ("point_conv1.bias", "depth_conv.weight", "depth_conv.bias"):
            self._take(f"{name}.{layer}", within)
        self._norm(f"{name}.point_bn1", within)
        self._norm(f"{name}.depth_bn", within)
        self._take(f"{name}.point_conv2.bias", made)
        self._norm(f"{name}.point_bn2", made)
        units = self._best(self.wide[f"{name}.tra.att_fc.weight"][made].square().sum(0))
        self._gru(f"{name}.tra.att_gru", "", made, units)
        self._take(f"{name}.tra.att_fc.weight", made, units)
        self._take(f"{name}.tra.att_fc.bias", made)

    def _gru(self, name: str, way: str, inputs: Tensor, units: Tensor) -> None:
        count = self.wide[f"{name}.weight_hh_l0{way}"].shape[1]
        rows = (count * torch.arange(3)[:, None] + units).flatten()
        self._take(f"{name}.weight_ih_l0{way}", rows, inputs)
        self._take(f"{name}.weight_hh_l0{way}", rows, units)
        for kind in ("ih", "hh"):
            self._take(f"{name}.bias_{kind}_l0{way}", rows)

    def _recurrent(self, name: str, ways: tuple[str, ...]) -> None:
        """Two GRUs, each on its half of the channels, what mixes their outputs, and the norm behind it."""
        weight = self.wide[f"{name}_fc.weight"]
        outputs, start = [], 0
        for layer, inputs in (("rnn1", self.low), ("rnn2", self.high)):
            for way in ways:
                count = self.wide[f"{name}_rnn.{layer}.weight_hh_l0{way}"].shape[1]
                units = self._best(weight[self.kept, start : start + count].square().sum(0))
                self._gru(f"{name}_rnn.{layer}", way, inputs, units)
                outputs.append(start + units)
                start += count
        self._take(f"{name}_fc.weight", self.kept, torch.cat(outputs))
        self._take(f"{name}_fc.bias", self.kept)
        for number in ("weight", "bias"):
            self._take(f"{name}_ln.{number}", None, self.kept)


def consistent_choices(wide: int, narrow: int) -> list[Selection]:
    """Choices of `narrow` of `wide` channels that all layers can share, each set once; empty: there is none.

    All of them, or those of the first MOST of each half.
    """
    if narrow == wide:
        return [tuple(range(wide))]
    half = narrow // 2
    own = [*islice(combinations(range(0, wide // 2, 2), half // 2), MOST)]
    found: dict[frozenset[int], Selection] = {}
    for behind in islice(_passing(wide, narrow, half), MOST):
        ahead = [2 * (behind[i] - wide // 2) + 1 for i in range(half // 2)]
        for evens in own:
            first = [0] * half
            first[0::2], first[1::2] = evens, ahead
            choice = (*first, *behind)
            found.setdefault(frozenset(choice), choice)
    return sorted(found.values())


def _passing(wide: int, narrow: int, half: int) -> Iterator[Selection]:
    """The second halves of all choices, slot by slot from the last, on which those before it depend."""

    def before(slot: int, chosen: dict[int, int]) -> Iterator[Selection]:
        if slot < half:
            yield tuple(chosen[j] for j in range(half, narrow))
            return
        # The channel that a slot of the output's first half is made from lies in the first quarter that passes.
        lowest, highest = (wide // 2, 3 * wide // 4) if slot - half < half // 2 else (3 * wide // 4, wide)
        if slot == narrow - 1:
            options = [wide - 1]  # the last passes to the last
        elif slot % 2:
            options = [2 * (chosen[half + slot // 2] - wide // 2) + 1]
        else:
            options = [*range(lowest + lowest % 2, highest, 2)]
        for option in options:
            if lowest <= option < highest and option not in chosen.values():
                yield from before(slot - 1, chosen | {slot: option})

    return before(narrow - 1, {})
