"""Multi-head self-attention over the positions of a sequence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from dfkd_core.models.channels import WHOLE, Axis, Channels, Role
from dfkd_core.models.own_gradients import own_gradients_apply

# Weights of as many sequences at a time: they stay in the cache, and their memory does not grow with the batch.
CHUNK_BYTES = 2**20
# Up to here sums of exponentials stay inside float32 without their maximum being subtracted.
LARGEST_EXPONENT = 60.0


class SelfAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V per head of d = features / heads, (batch, position, feature) both ways.

    The published layer also returns the mean weights, which nobody reads; this one does not compute them.
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(features, 3 * features)
        self.join = nn.Linear(features, features)
        nn.init.xavier_uniform_(self.project.weight)
        for layer in (self.project, self.join):
            nn.init.zeros_(layer.bias)

    def forward(self, signal: Tensor) -> Tensor:
        """Attended signal of the same shape (batch, position, feature)."""
        batch, positions, features = signal.shape
        projected = self.project(signal).view(batch, positions, 3, self.heads, features // self.heads)
        attended = _attended(projected.permute(2, 0, 3, 4, 1))
        joined: Tensor = self.join(attended.transpose(1, 2).reshape(batch, positions, features))
        return joined

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of the two products beside the projections."""
        return 2 * signal.shape[1] * output.numel()


def tell_attention(channels: Channels, name: str, features: Axis, heads: int) -> None:
    """Say the channels of a SelfAttention: heads stay apart, and of each what is compared and what is passed on.

    With fewer numbers a head divides its products by a smaller root, which its queries make up for.
    """
    size = features.stretches[0].members // heads
    compared = [channels.group(f"{name}.{head}.compared", size) for head in range(heads)]
    passed = [channels.group(f"{name}.{head}.passed", size) for head in range(heads)]
    compared_rows, rows, columns = WHOLE, WHOLE, WHOLE
    for axis in (*(head.scaled(0.5) for head in compared), *compared):
        compared_rows = compared_rows + axis
    for axis in passed:
        columns = columns + axis
    rows = compared_rows + columns
    channels.uses[f"{name}.project.weight"] = ((Role.SCALE, rows), (Role.READ, features))
    channels.uses[f"{name}.project.bias"] = ((Role.WRITE, rows),)
    channels.layer(f"{name}.join", columns, features)
    channels.signal(f"{name}.project", rows, dim=2)


def _attended(projected: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V: (batch, head, position, d) of Q, K and V as (3, batch, head, d, position)."""
    if not own_gradients_apply(projected):
        query, key, value = projected.transpose(3, 4).unbind(0)
        return F.scaled_dot_product_attention(query, key, value)
    attended: Tensor = _Attention.apply(projected.flatten(1, 2).contiguous())  # type: ignore[no-untyped-call]
    return attended.view(*projected.shape[1:3], *attended.shape[1:])


class _Attention(torch.autograd.Function):
    """Chunk by chunk, from exponentials that are computed again for the gradient; `projected` as in `_attended`.

    With s the scaled scores, l = log sum exp s per query, P = exp(s - l), O = P V and g the gradient at O:

        dV^T = g^T P,   dS = P (g V^T - <g, O>),   dQ = dS K / sqrt(d),   dK^T = Q^T dS / sqrt(d)

    A row of ones beside the keys and the values lets the products subtract l and <g, O> and sum up the exponentials:
    torch's softmax over rows this short takes four to seven times as long as exponentials in place. Every product has
    its wide side in rows; heads of few numbers make them narrow, and BLAS is up to four times slower the other way.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor) -> Tensor:
        query, key, value = projected
        size, positions = query.shape[1:]
        scaled, summed = query / math.sqrt(size), _with_ones(value)
        bounded = _largest_norm(scaled) * _largest_norm(key) <= LARGEST_EXPONENT
        shift = query.new_zeros(len(query), positions, 1)
        both = query.new_empty(len(query), positions, size + 1)
        for part, scores in _chunks(query):
            torch.bmm(scaled[part].transpose(1, 2), key[part], out=scores)
            if not bounded:
                torch.amax(scores, -1, keepdim=True, out=shift[part])
                scores.sub_(shift[part])
            torch.bmm(scores.exp_(), summed[part].transpose(1, 2), out=both[part])
        sums = both[:, :, size:]
        attended: Tensor = both[:, :, :size] / sums
        ctx.save_for_backward(projected, attended, sums.log() + shift)
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        projected, attended, log_sums = ctx.saved_tensors
        (query, key, value), to_projected = projected, torch.empty_like(projected)
        scaled = query / math.sqrt(query.shape[1])
        turned, to_query = gradient.transpose(1, 2).contiguous(), torch.empty_like(attended)
        queries, keys = _with(scaled, -log_sums), _with_ones(key)
        gradients, values = _with(turned, -(gradient * attended).sum(2, keepdim=True)), _with_ones(value)
        for (part, weights), (_, to_scores) in zip(_chunks(query), _chunks(query), strict=True):
            torch.bmm(queries[part].transpose(1, 2), keys[part], out=weights).exp_()
            torch.bmm(turned[part], weights, out=to_projected[2, part])
            torch.bmm(gradients[part].transpose(1, 2), values[part], out=to_scores).mul_(weights)
            torch.bmm(to_scores, key[part].transpose(1, 2), out=to_query[part])
            torch.bmm(scaled[part], to_scores, out=to_projected[1, part])
        torch.div(to_query.transpose(1, 2), math.sqrt(query.shape[1]), out=to_projected[0])
        return to_projected


def _with(signal: Tensor, column: Tensor) -> Tensor:
    """(sequence, d, position) and (sequence, position, 1) as (sequence, d + 1, position)."""
    return torch.cat((signal, column.transpose(1, 2)), 1)


def _with_ones(signal: Tensor) -> Tensor:
    return F.pad(signal, (0, 0, 0, 1), value=1.0)


def _largest_norm(signal: Tensor) -> float:
    """Of the vectors (sequence, d, position); the product of two bounds every score."""
    return math.sqrt(float(signal.square().sum(1).max()))


def _chunks(query: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """As many sequences of (sequence, d, position) at a time as fit the cache, and memory for their scores."""
    sequences, _, positions = query.shape
    size = min(sequences, max(1, CHUNK_BYTES // (positions**2 * query.element_size())))
    scores = query.new_empty(size, positions, positions)
    for start in range(0, sequences, size):
        yield slice(start, start + size), scores[: min(size, sequences - start)]
