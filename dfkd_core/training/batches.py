"""Batches as tensors on the device that trains on them, rendered ahead where that device is not the CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dfkd_core.teachers.base import Waveforms
from dfkd_core.training.signals import Shard

AHEAD = 2  # batches that wait rendered while a GPU computes; on the CPU there is nobody who could render meanwhile


class TensorBatch(NamedTuple):
    """Signals of some mixtures, each (batch, time)."""

    noisy: Tensor
    clean: Tensor
    taught: Tensor | None

    def to(self, device: torch.device) -> TensorBatch:
        """The batch on a device; from page-locked memory the copy does not wait."""
        return TensorBatch(*(None if t is None else t.to(device, non_blocking=True) for t in self))  # type: ignore[arg-type]


def tensor_batches(
    shard: Shard, order: Iterable[NDArray[np.int64]], device: torch.device, num_ahead: int | None = None
) -> Iterator[TensorBatch]:
    """The batches of an epoch in their order, the same ones whether they are rendered ahead or not."""
    ahead = (0 if device.type == "cpu" else AHEAD) if num_ahead is None else num_ahead
    if not ahead:
        yield from (_rendered(shard, indices, device).to(device) for indices in order)
        return
    remaining, waiting = iter(order), deque[Future[TensorBatch]]()
    with ThreadPoolExecutor(1, thread_name_prefix="render") as renderer:
        for indices in islice(remaining, ahead):
            waiting.append(renderer.submit(_rendered, shard, indices, device))
        while waiting:
            batch = waiting.popleft().result()
            for indices in islice(remaining, 1):
                waiting.append(renderer.submit(_rendered, shard, indices, device))
            yield batch.to(device)


def _rendered(shard: Shard, indices: NDArray[np.int64], device: torch.device) -> TensorBatch:
    """Signals of the mixtures with these numbers, in page-locked memory where a GPU will fetch them."""

    def tensor(signal: Waveforms) -> Tensor:
        held = torch.from_numpy(signal)
        return held.pin_memory() if device.type == "cuda" else held

    batch = shard.batch(indices)
    return TensorBatch(tensor(batch.noisy), tensor(batch.clean), None if batch.taught is None else tensor(batch.taught))
