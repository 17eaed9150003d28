"""PReLU with one slope, whose backward is vectorised on CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from dfkd_core.models.own_gradients import own_gradients_apply

# Below, the division by the slope would lose digits, and of a negative one no sign tells the input's.
SMALLEST_INVERTED_SLOPE = 1.0e-3


class PReLU(nn.PReLU):
    """y = max(x, 0) + a min(x, 0) with one trained slope a, any shape.

    torch's CPU kernel walks its backward number by number (3 ms for a 2.6 MB map, 0.6 ms here), and was a tenth of
    DCCRN's step. `in_place` lets it overwrite its input, which nobody else may need: what a convolution or a norm
    hands over.
    """

    def __init__(self, in_place: bool = False) -> None:
        super().__init__(num_parameters=1)
        self.in_place = in_place

    def forward(self, signal: Tensor) -> Tensor:
        """Activated signal of the same shape."""
        if own_gradients_apply(signal):
            activated: Tensor = _VectorisedPReLU.apply(signal, self.weight, self.in_place)  # type: ignore[no-untyped-call]
            return activated
        return F.prelu(signal, self.weight)


class _VectorisedPReLU(torch.autograd.Function):
    """With a > 0 the output tells the input, so it is kept instead: a norm behind keeps the same memory anyway."""

    @staticmethod
    def forward(ctx: Any, signal: Tensor, slope: Tensor, in_place: bool) -> Tensor:
        ctx.slope = float(slope)
        ctx.keeps_output = ctx.slope > SMALLEST_INVERTED_SLOPE
        overwrites = in_place and ctx.keeps_output
        activated = F.leaky_relu(signal, ctx.slope, inplace=overwrites)
        if overwrites:
            ctx.mark_dirty(signal)
        ctx.save_for_backward(activated if ctx.keeps_output else signal)
        return activated

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (kept,) = ctx.saved_tensors
        # Half of a concatenation's gradient arrives with gaps, which the kernel below crosses number by number.
        negative = kept.clamp(max=0)
        same_layout = gradient.stride() == negative.stride()
        dense = gradient if same_layout else torch.empty_like(negative).copy_(gradient)
        # Both are laid out alike and without gaps: a dot of their memory writes no products down.
        flat = (negative.numel(),), (1,)
        products = torch.dot(dense.as_strided(*flat), negative.as_strided(*flat))
        to_slope = products / (ctx.slope if ctx.keeps_output else 1.0)
        to_signal = torch.ops.aten.leaky_relu_backward(dense, kept, ctx.slope, ctx.keeps_output)
        return to_signal, to_slope.view(1), None
