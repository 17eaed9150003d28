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
        projected = self.project(signal).transpose(1, 2)
        query, key, value = projected.reshape(batch, 3, self.heads, features // self.heads, positions).unbind(1)
        attended = _attended(query / math.sqrt(query.shape[2]), key, value)
        joined: Tensor = self.join(attended.transpose(1, 2).reshape(batch, positions, features))
        return joined

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of the two products beside the projections."""
        return 2 * signal.shape[1] * output.numel()


def _attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q K^T) V: (batch, head, position, d) of three times (batch, head, d, position)."""
    if not own_gradients_apply(query):
        query, key, value = (part.transpose(2, 3) for part in (query, key, value))
        return F.scaled_dot_product_attention(query, key, value, scale=1.0)
    sequences = (part.flatten(0, 1).contiguous() for part in (query, key, value))
    attended: Tensor = _Attention.apply(*sequences)  # type: ignore[no-untyped-call]
    return attended.view(*query.shape[:2], *attended.shape[1:])


class _Attention(torch.autograd.Function):
    """Chunk by chunk, the weights P computed again for the gradient; every product has its wide side in rows.

    With O = P V: dV^T = dO^T P,  dS = P (dO V^T - <dO V^T, P>),  dQ = dS K,  dK^T = Q^T dS. Heads of few numbers
    make the products narrow, and BLAS is up to four times slower with the narrow side the other way round.
    """

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        ctx.save_for_backward(query, key, value)
        attended = query.new_empty(query.shape[0], query.shape[2], query.shape[1])
        for part in _chunks(query):
            torch.bmm(_weights(query[part], key[part]), value[part].transpose(1, 2), out=attended[part])
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value = ctx.saved_tensors
        to_query, to_key, to_value = (torch.empty_like(tensor) for tensor in (query, key, value))
        turned = gradient.transpose(1, 2).contiguous()
        for part in _chunks(query):
            weights = _weights(query[part], key[part])
            torch.bmm(turned[part], weights, out=to_value[part])
            to_weights = torch.bmm(turned[part].transpose(1, 2), value[part])
            to_scores = torch.ops.aten._softmax_backward_data(to_weights, weights, -1, weights.dtype)
            to_query[part] = torch.bmm(to_scores, key[part].transpose(1, 2)).transpose(1, 2)
            torch.bmm(query[part], to_scores, out=to_key[part])
        return to_query, to_key, to_value


def _weights(query: Tensor, key: Tensor) -> Tensor:
    """Attention weights (sequence, position, position) of (sequence, d, position)."""
    return torch.softmax(torch.bmm(query.transpose(1, 2), key), -1)


def _chunks(query: Tensor) -> list[slice]:
    sequences, _, positions = query.shape
    size = max(1, CHUNK_BYTES // (positions**2 * query.element_size()))
    return [slice(start, start + size) for start in range(0, sequences, size)]
