"""GRUs side by side, each on its share of the features, that take every step together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dfkd_core.models.own_gradients import own_gradients_apply


def side_by_side(layers: Sequence[nn.GRU], signal: Tensor, state: Tensor) -> Tensor:
    """Outputs (step, batch, feature) of GRUs of one layer each, one behind the other along the features.

    signal (step, batch, feature) is shared out evenly among the layers, which are alike; state (batch, feature) is
    what they start from, in the order of the outputs: layer by layer, forward before backward. torch walks through
    the steps layer by layer and one way after the other, with ten small operations a step that are all recorded.
    """
    ways = ("", "_reverse") if layers[0].bidirectional else ("",)
    starts = state.view(len(state), len(layers), len(ways), layers[0].hidden_size)
    if not own_gradients_apply(signal):  # accelerators, half precision and tracers have their own
        parts = zip(layers, signal.chunk(len(layers), 2), starts.unbind(1), strict=True)
        return torch.cat([layer(part, start.transpose(0, 1).contiguous())[0] for layer, part, start in parts], 2)
    shared = torch.unflatten(signal, 2, (len(layers), 1, -1)).expand(-1, -1, -1, len(ways), -1)
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = [getattr(layer, f"{kind}_l0{way}") for way in ways for layer in layers for kind in kinds]
    outputs: Tensor = _Walk.apply(shared, starts[None], *weights)  # type: ignore[no-untyped-call]
    return outputs.flatten(2)


def recurrent_macs(layers: Sequence[nn.GRU], positions: int) -> int:
    """Multiply-adds of as many steps of as many sequences as there are positions."""
    weights = (value for layer in layers for name, value in layer.named_parameters() if name.startswith("weight"))
    return positions * sum(weight.numel() for weight in weights)


class _Walk(torch.autograd.Function):
    """GRUs h' = (1 - z) n + z h for states s = (1 + h) / 2: tanh(x) = 2 sigmoid(2 x) - 1 takes five times as long.

        (a, r, z, b) = products (x, s, 1),   r, z = sigmoid(r, z),   n = sigmoid(a + r b),   s' = (1 - z) n + z s

    One product a step: input, state and 1 stand in one matrix, into which a step writes the state for the next. Units
    before batch, so that gates lie together. The way back is linear in the gradient d at s': its factors for all
    steps are computed before the walk, and the products that give the weights their gradients after it:

        d <- g + (W_r, W_z, W_b, 1)^T (K d),   K = (k b r (1 - r), (s - n) z (1 - z), k r, z),   k = (1 - z) n (1 - n)
    """

    @staticmethod
    def forward(ctx: Any, signal: Tensor, start: Tensor, *weights: Tensor) -> Tensor:
        """(step, batch, layer, way, unit) of (step, batch, layer, way, in) and (1, batch, layer, way, unit)."""
        inputs, units = _by_walk(signal), start.shape[4]
        steps, walks, features, batch = inputs.shape
        products = _products(weights, features, units)
        seen = signal.new_empty(steps + 1, walks, features + units + 1, batch)
        seen[:-1, :, :features] = inputs
        seen[:, :, -1] = 1
        states = seen[:, :, features:-1]
        state = states[0].copy_(_by_walk(start)[0].add_(1).div_(2))
        gates = signal.new_empty(steps, walks, 4 * units, batch)
        walk = zip(
            *(seen[:-1], gates, gates[:, :, units : 3 * units], *torch.split(gates, units, 2), states[1:]), strict=True
        )
        for sees, all_gates, reset_keep, new, reset, keep, memory, following in walk:
            torch.bmm(products, sees, out=all_gates)
            reset_keep.sigmoid_()
            new.addcmul_(reset, memory).sigmoid_()
            state = torch.lerp(new, state, keep, out=following)
        ctx.save_for_backward(products, seen, gates)
        ctx.num_ways, ctx.units = signal.shape[3], units
        return _by_layer(states[1:], ctx.num_ways).mul_(2).sub_(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (products, seen, gates), units = ctx.saved_tensors, ctx.units
        steps, walks, _, batch = gates.shape
        features = products.shape[2] - units - 1
        new, reset, keep, memory = torch.split(gates, units, 2)
        factors = gates.new_empty(steps, walks, 5, units, batch)
        to_new, to_reset, to_keep, to_memory, carried = factors.unbind(2)
        torch.mul((1 - keep).mul_(new), 1 - new, out=to_new)
        torch.mul(to_new, reset, out=to_memory)
        torch.mul(to_memory * memory, 1 - reset, out=to_reset)
        torch.mul((seen[:-1, :, features:-1] - new).mul_(keep), 1 - keep, out=to_keep)
        carried.copy_(keep)
        identity = torch.eye(units, dtype=gates.dtype).expand(walks, -1, -1)
        turned = torch.cat((products[:, units:, features:-1], identity), 1).transpose(1, 2)
        at_states = _by_walk(gradient).mul_(2)
        behind = at_states.new_zeros(walks, units, batch)
        back = [*zip(at_states, at_states[:, :, None], factors, factors[:, :, 1:].flatten(2, 3), strict=True)]
        for at_state, for_each, factor, rows in reversed(back):
            at_state.add_(behind)
            factor.mul_(for_each)
            behind = torch.bmm(turned, rows)
        at_gates = factors[:, :, :4].flatten(2, 3)
        to_products = torch.matmul(at_gates, seen[:-1].transpose(2, 3)).sum(0)
        to_weights = _to_weights(to_products, features, units)
        if not ctx.needs_input_grad[0]:
            return None, None, *to_weights
        at_inputs = torch.matmul(products[:, :, :features].transpose(1, 2), at_gates)
        at_start = _by_layer(behind[None], ctx.num_ways).div_(2) if ctx.needs_input_grad[1] else None
        return _by_layer(at_inputs, ctx.num_ways), at_start, *to_weights


def _by_walk(signal: Tensor) -> Tensor:
    """(step, walk, feature, batch) of (step, batch, layer, way, feature), the second way in reverse."""
    forward, *backward = (way.permute(0, 2, 3, 1) for way in signal.unbind(3))
    return torch.cat([forward, *(way.flip(0) for way in backward)], 1)


def _by_layer(walks: Tensor, num_ways: int) -> Tensor:
    """The inverse of `_by_walk`."""
    forward, *backward = walks.chunk(num_ways, 1)
    return torch.stack([forward, *(way.flip(0) for way in backward)], 2).permute(0, 4, 1, 2, 3).contiguous()


def _products(weights: Sequence[Tensor], features: int, units: int) -> Tensor:
    """What input, state s and 1 are multiplied with, (walk, 4 unit, in + unit + 1), from torch's layers.

    Rows: what the new state takes from the input, the gates reset and keep, what the new state takes from the old.
    """
    layers = zip(*(weights[kind::4] for kind in range(4)), strict=True)
    rows = [torch.cat((w, u, b[:, None], c[:, None]), 1) for w, u, b, c in layers]
    gates = torch.unflatten(torch.stack(rows), 1, (3, units))
    shares, columns = _shares(features, units, gates.dtype)
    return torch.matmul(torch.cat((gates[:, 2:], gates), 1).mul_(shares), columns).flatten(1, 2)


def _to_weights(to_products: Tensor, features: int, units: int) -> list[Tensor]:
    """The gradients of torch's layers' weights from those of their products."""
    shares, columns = _shares(features, units, to_products.dtype)
    to_gates = torch.matmul(torch.unflatten(to_products, 1, (4, units)), columns.t()).mul_(shares)
    new, reset, keep, memory = to_gates.unbind(1)
    rows = torch.cat((reset, keep, new + memory), 1)
    to_input, to_state, *to_biases = torch.split(rows, [features, units, 1, 1], 2)
    to_each = (to_input, to_state, *(bias[..., 0] for bias in to_biases))
    return [part for walk in zip(*(parts.unbind(0) for parts in to_each), strict=True) for part in walk]


@cache
def _shares(features: int, units: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """What each of four rows takes of a layer's (in, state, bias of in, bias of state), and how these become columns.

    x counts once and h = 2 s - 1; rows of the new state count twice, for tanh.
    """
    shares = torch.ones(4, 1, features + units + 2, dtype=dtype)
    shares[[0, 3]] = 2
    shares[0, :, features:-2] = shares[0, :, -1] = shares[3, :, :features] = shares[3, :, -2] = 0
    columns = torch.eye(features + units + 2, features + units + 1, dtype=dtype)
    columns[features:-2, features:] *= 2
    columns[features:-2, -1] = -1
    columns[-2:, -1] = 1
    return shares, columns
