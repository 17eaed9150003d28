"""Batches on the device that trains on them, rendered ahead where that device is not the CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray

from dfkd_core.training.signals import Batch, Shard

AHEAD = 2  # batches that wait rendered while a GPU computes; on the CPU there is nobody who could render meanwhile


def batches_on(
    device: torch.device, shard: Shard, order: Iterable[NDArray[np.int64]], num_ahead: int | None = None
) -> Iterator[Batch]:
    """The batches of an epoch in their order, the same ones whether they are rendered ahead or not."""

    def rendered(indices: NDArray[np.int64]) -> Batch:
        batch = shard.batch(indices)
        # from page-locked memory a GPU fetches without making the host wait
        return batch.each(lambda signal: signal.pin_memory()) if device.type == "cuda" else batch

    def moved(batch: Batch) -> Batch:
        return batch.each(lambda signal: signal.to(device, non_blocking=True))

    ahead = (0 if device.type == "cpu" else AHEAD) if num_ahead is None else num_ahead
    if not ahead:
        yield from (moved(rendered(indices)) for indices in order)
        return
    remaining, waiting = iter(order), deque[Future[Batch]]()
    with ThreadPoolExecutor(1, thread_name_prefix="render") as renderer:
        for indices in islice(remaining, ahead):
            waiting.append(renderer.submit(rendered, indices))
        while waiting:
            batch = waiting.popleft().result()
            for indices in islice(remaining, 1):
                waiting.append(renderer.submit(rendered, indices))
            yield moved(batch)
