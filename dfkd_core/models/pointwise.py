"""1 x 1 convolution, with the norm in front of it folded in."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from dfkd_core.models.folded_norm import FoldedNorm, folds


class PointwiseConv1d(nn.Conv1d):
    """y[o, t] = b[o] + sum_c w[o, c] norm(x)[c, t]: (batch, in, frame) to (batch, out, frame)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)

    def forward(self, signal: Tensor, norm: nn.Module | None = None) -> Tensor:
        """Mixed channels of a signal, or of its norm."""
        if norm is not None and folds(norm, signal):
            mixed: Tensor = _Normed.apply(signal, norm.weight, norm.bias, self.weight[:, :, 0], self.bias)  # type: ignore[no-untyped-call]
            return mixed
        return super().forward(signal if norm is None else norm(signal))

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass."""
        return output.numel() * self.in_channels


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, signal: Tensor, norm_weight: Tensor, norm_bias: Tensor, weight: Tensor, bias: Tensor
    ) -> Tensor:
        norm = FoldedNorm.of(signal, norm_weight, norm_bias)
        ctx.save_for_backward(signal, weight)
        ctx.norm = norm
        constant = bias + norm.shift @ weight.t()
        return torch.baddbmm(constant[:, :, None], weight * norm.scale[:, None], signal)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        (signal, weight), norm = ctx.saved_tensors, ctx.norm
        products, sums = torch.bmm(gradient, signal.transpose(1, 2)), gradient.sum(2)
        to_norm_weight, to_norm_bias, slope, offset = norm.gradients(
            (products * weight).sum(1), sums @ weight, signal.shape[2]
        )
        to_weight = (products * norm.scale[:, None]).sum(0) + sums.t() @ norm.shift
        to_signal = torch.mul(signal, slope[:, :, None]).add_(offset[:, :, None])
        to_signal.baddbmm_((weight * norm.scale[:, None]).transpose(1, 2), gradient)
        return to_signal, to_norm_weight, to_norm_bias, to_weight, sums.sum(0)
