"""What training a student holds in memory, counted without training it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.signal import SAMPLE_RATE_HZ

CONTEXT_BYTES = 600e6  # of a CUDA process that has loaded its kernels
SPARE = 1.5  # the loss's own spectra, workspaces, and what the allocator cannot use


def clips_a_step(config: ExperimentConfig) -> int:
    """How many clips a step trains on: a batch, or all of an epoch that has fewer."""
    return min(config.training.batch_size, config.data.num_training_mixtures)


def training_bytes(config: ExperimentConfig) -> float:
    """About how many bytes a trial of this config takes on its device.

    bytes = context + spare (4 n k + batch a): n parameters of 4 bytes, k = 4 times (weights, gradients and AdamW's two
    moments) or 5 with an average of weights, and a, what autograd keeps of one clip of `data.segment_s` for the
    backward pass: one forward pass on noise, every storage counted once. A teacher that estimates live is not counted.
    """
    model = build_student(config.student)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        # held until all is counted: a storage that is freed may give its address to the next
        estimate = model(0.1 * torch.randn(1, int(config.data.segment_s * SAMPLE_RATE_HZ)))
    slices = sorted(config.training.slimmable or ())[-3:]  # that a step trains, too: as many as are widest
    share = sum(slices) / getattr(config.student, "width", 1.0)
    activations, copies = sum(kept.values()) * (1 + share), 5 if config.training.ema_decay else 4
    del estimate
    weights = 4 * copies * sum(parameter.numel() for parameter in model.parameters())
    return CONTEXT_BYTES + SPARE * (weights + clips_a_step(config) * activations)
