"""Several processes that train one model: each takes its rows of every batch, all make the same step.

The loss is that of the whole batch. Every worker gathers all estimates, computes the loss of all of them, and goes back
through its own rows; the gradients of all workers add up to the batch's, whatever a term does across its clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.training.norm_statistics import batch_norms
from dfkd_core.training.signals import Batch


@dataclass(frozen=True)
class Workers:
    """This process among those of a process group; worker 0 leads: it scores, saves and tells.

    The group carries CPU tensors and those of the device that trains.
    """

    group: dist.ProcessGroup

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""
        return self.group.rank()

    @property
    def count(self) -> int:
        """How many there are."""
        return self.group.size()

    def rows(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those mixtures of a batch that are this worker's."""
        return np.split(indices, self.count)[self.rank]

    def whole(self, batch: Batch, estimate: Tensor) -> tuple[Batch, Tensor]:
        """Signals and estimates of all rows."""
        return batch.each(self._gathered), self._gathered(estimate)

    def _gathered(self, rows: Tensor) -> Tensor:
        gathered: Tensor = _Gathered.apply(rows, self)  # type: ignore[no-untyped-call]
        return gathered

    @torch.no_grad()
    def add_up(self, model: nn.Module) -> None:
        """Give every worker the sum of all gradients, and the mean of all batch norms' running statistics."""
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        learning = [norm for norm in batch_norms(model) if norm.training]
        statistics = [s for norm in learning for s in (norm.running_mean, norm.running_var) if s is not None]
        held = [*gradients, *statistics]
        flat = torch.cat([*(g.flatten() for g in gradients), *(s.flatten() / self.count for s in statistics)])
        dist.all_reduce(flat, group=self.group)
        for tensor, values in zip(held, torch.split(flat, [t.numel() for t in held]), strict=True):
            tensor.copy_(values.view_as(tensor))

    def broadcast(self, value: Any = None) -> Any:
        """What worker 0 tells all others; each of them waits here for it."""
        said = [value]
        dist.broadcast_object_list(said, group=self.group, group_src=0)
        return said[0]


class _Gathered(torch.autograd.Function):
    """The rows of all workers, in their order; the gradient is that of one's own."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, workers: Workers) -> Tensor:
        ctx.own = slice(workers.rank * len(rows), (workers.rank + 1) * len(rows))
        parts = [torch.empty_like(rows) for _ in range(workers.count)]
        dist.all_gather(parts, rows.contiguous(), group=workers.group)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        return gradients[0][ctx.own], None


def require_shares(config: ExperimentConfig, count: int) -> None:
    """ConfigError where a batch cannot be dealt to `count` workers in equal numbers, or slices are to train, too."""
    if config.training.slimmable and count > 1:
        rule = f"trains in one process, but got {count} workers; leave out --workers, or set it to null"
        raise ConfigError(rule, key="training.slimmable")
    batch, mixtures = config.training.batch_size, config.data.num_training_mixtures
    if min(batch, mixtures) % count:
        many = f"the {mixtures} mixtures of an epoch" if mixtures < batch else f"batch_size {batch}"
        rule = f"must deal a batch in equal shares, but {many} cannot be dealt to {count} workers"
        raise ConfigError(
            f"{rule}; set it to a multiple of {count}, or take other --workers", key="training.batch_size"
        )


def remark(student: nn.Module, batch_size: int, count: int) -> str | None:
    """In words, what differs from one process with the same batches; None where nothing but rounding does.

    torch's SyncBatchNorm, which would have the whole batch's statistics, refuses CPU tensors.
    """
    if not batch_norms(student):
        return None
    share = batch_size // count
    return f"batch norms learn from each worker's {share} of {batch_size} clips: one process gives other weights"
