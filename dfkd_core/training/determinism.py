"""Randomness as a function of a trial's seed: equal configs give equal weights, resumed or not."""

from __future__ import annotations

import random

import numpy as np
import torch
from numpy.typing import NDArray


def seed_everything(seed: int, epoch: int = 0) -> None:
    """Set every global generator from (seed, epoch).

    Done at the start of each epoch, so that no generator's state needs to be kept for a resumed run to draw
    what an uncut one draws.
    """
    words = np.random.SeedSequence([seed, epoch]).generate_state(3)
    torch.manual_seed(int(words[0]))  # of every device
    np.random.seed(int(words[1]))
    random.seed(int(words[2]))


def batch_order(seed: int, epoch: int, num_mixtures: int, batch_size: int) -> NDArray[np.int64]:
    """Indices (step, batch) of an epoch's whole batches, a function of (seed, epoch); too few give one short batch."""
    order = np.argsort(np.random.default_rng([seed, epoch]).random(num_mixtures), kind="stable")
    batch_size = min(batch_size, num_mixtures)
    num_steps = num_mixtures // batch_size
    return order[: num_steps * batch_size].reshape(num_steps, batch_size)
