"""Whether a tracer is reading the model instead of running it."""

from __future__ import annotations

import torch


def is_traced() -> bool:
    """True while torch.compile, torch.export or an ONNX exporter reads the model.

    Tracers get torch's own operators: they fuse or translate those themselves, and know none of our gradients.
    """
    return torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
