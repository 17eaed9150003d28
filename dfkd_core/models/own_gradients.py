"""Where operations with gradients of our own stand in for torch's."""

from __future__ import annotations

import torch
from torch import Tensor


def own_gradients_apply(signal: Tensor) -> bool:
    """True on CPU at full precision, unless a tracer (torch.compile, torch.export, ONNX) reads the model.

    They were measured on CPU. Autocast and tracers have rules for torch's operators, and none for ours.
    """
    traced = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
    return signal.is_cpu and not traced and not torch.is_autocast_enabled("cpu")
