"""Multi-head self-attention over the positions of a sequence."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from dfkd_core.models.own_gradients import own_gradients_apply

# Weights of as many sequences at a time: they stay in the cache, and their memory does not grow with the batch.
CHUNK_BYTES = 2**20


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


def _attended(projected: Tensor) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V: (batch, head, position, d) of Q, K and V as (3, batch, head, d, position)."""
    if not own_gradients_apply(projected):
        query, key, value = projected.transpose(3, 4).unbind(0)
        return F.scaled_dot_product_attention(query, key, value)
    attended: Tensor = _Attention.apply(projected.flatten(1, 2).contiguous())  # type: ignore[no-untyped-call]
    return attended.view(*projected.shape[1:3], *attended.shape[1:])


class _Attention(torch.autograd.Function):
    """Chunk by chunk, the weights P computed again for the gradient; every product has its wide side in rows.

    With O = P V and s = 1 / sqrt(d): dV^T = dO^T P,  dS = s P (dO V^T - <dO V^T, P>),  dQ = dS K,  dK^T = Q^T dS.
    Heads of few numbers make the products narrow, and BLAS is up to four times slower with the narrow side the other
    way round.
    """

    @staticmethod
    def forward(ctx: Any, projected: Tensor) -> Tensor:
        ctx.save_for_backward(projected)
        _, sequences, size, positions = projected.shape
        attended = projected.new_empty(sequences, positions, size)
        for part in _chunks(projected):
            query, key, value = projected[:, part]
            torch.bmm(_weights(query, key), value.transpose(1, 2), out=attended[part])
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (projected,) = ctx.saved_tensors
        to_projected, turned = torch.empty_like(projected), gradient.transpose(1, 2).contiguous()
        scale = 1 / math.sqrt(projected.shape[2])
        for part in _chunks(projected):
            (query, key, value), (to_query, to_key, to_value) = projected[:, part], to_projected[:, part]
            weights = _weights(query, key)
            torch.bmm(turned[part], weights, out=to_value)
            to_weights = torch.bmm(turned[part].transpose(1, 2), value)
            to_scores = torch.ops.aten._softmax_backward_data(to_weights, weights, -1, weights.dtype)
            to_query.copy_(torch.bmm(to_scores, scale * key.transpose(1, 2)).transpose(1, 2))
            torch.bmm(scale * query, to_scores, out=to_key)
        return to_projected


def _weights(query: Tensor, key: Tensor) -> Tensor:
    """Attention weights (sequence, position, position) of (sequence, d, position)."""
    scaled = query.transpose(1, 2) / math.sqrt(query.shape[1])
    return torch.softmax(torch.bmm(scaled, key), -1)


def _chunks(projected: Tensor) -> list[slice]:
    _, sequences, _, positions = projected.shape
    size = max(1, CHUNK_BYTES // (positions**2 * projected.element_size()))
    return [slice(start, start + size) for start in range(0, sequences, size)]
