"""Gradient balance: every term divided by its own gradient norm at the estimate, so that weights compare.

Raw gradients of common terms differ by 1e5; at one common weight a weak term would be no term at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class GradientBalance(nn.Module):
    """Divides each term L by g, the median over its first 20 batches of ||dL / d estimate||, then frozen.

    While g is being learned it is the median so far. A batch whose gradient is zero or not finite is not counted. The
    norms are buffers, so a checkpoint carries them; leave the module on the CPU, where reading them waits for no GPU.
    """

    norms: Tensor
    counts: Tensor

    def __init__(self, names: Sequence[str], num_batches: int = 20) -> None:
        super().__init__()
        self._index = {name: row for row, name in enumerate(names)}
        self.num_batches = num_batches
        self.register_buffer("norms", torch.zeros(len(names), num_batches))
        self.register_buffer("counts", torch.zeros(len(names), dtype=torch.int64))

    def forward(self, terms: Mapping[str, Tensor], estimate: Tensor) -> dict[str, Tensor]:
        """L / g of every term given; `estimate` (batch, time) is the tensor that the terms were computed from."""
        for name, term in terms.items():
            if self.training and term.requires_grad and not self.is_frozen(name):
                norm = gradient_norm(term, estimate)
                if 0.0 < norm < float("inf"):
                    row = self._index[name]
                    self.norms[row, self.counts[row]] = norm
                    self.counts[row] += 1
        return {name: term / self.scale(name) for name, term in terms.items()}

    def is_frozen(self, name: str) -> bool:
        """Whether the term has been seen often enough."""
        return int(self.counts[self._index[name]]) >= self.num_batches

    def scale(self, name: str) -> float:
        """Norm g of a term; 1 before its first batch."""
        row = self._index[name]
        seen = self.norms[row, : int(self.counts[row])]
        return float(seen.quantile(0.5)) if len(seen) else 1.0

    def scales(self) -> dict[str, float]:
        """Norm g of every term, to be logged."""
        return {name: self.scale(name) for name in self._index}


def gradient_norm(term: Tensor, estimate: Tensor) -> float:
    """||d term / d estimate||; the graph stays for the step's own backward pass."""
    (gradient,) = torch.autograd.grad(term, estimate, retain_graph=True)
    return float(torch.linalg.vector_norm(gradient.float()))
