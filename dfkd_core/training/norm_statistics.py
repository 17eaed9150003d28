"""Running statistics of batch norms: computed again where weights have changed, kept where training begins trained."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """All batch norms of a model."""
    return [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]


@torch.no_grad()
def renew_statistics(model: nn.Module, noisy: Iterable[Tensor]) -> None:
    """Set the running mean and variance of every batch norm to their means over batches (batch, time).

    A model without batch norms is not run. Training mode and momentum are afterwards as before.
    """
    norms = batch_norms(model)
    if not norms:
        return
    momenta, training = [norm.momentum for norm in norms], model.training
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # every batch counts alike
    model.train()
    for batch in noisy:
        model(batch)
    model.train(training)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
