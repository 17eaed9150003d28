"""AdamW and its learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from dfkd_core.config import OptimizerConfig
from dfkd_core.errors import CheckpointError

BETAS = (0.9, 0.999)
EPS = 1e-8


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), state by parameter name.

    m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2
    p <- p - lr (wd p + (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps))
    """

    # torch's function and not its class, whose first use imports torch's compiler: 74 MB and 1.6 s a process.

    def __init__(self, model: nn.Module, weight_decay: float = 0.0) -> None:
        self.weight_decay = weight_decay
        self.num_steps = 0
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._moments = {
            moment: {name: torch.zeros_like(p) for name, p in self._trained.items()} for moment in ("first", "second")
        }

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self._trained.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient, at learning rate `rate`."""
        self.num_steps += 1
        with_gradient = {name: p for name, p in self._trained.items() if p.grad is not None}
        first, second = ([self._moments[moment][name] for name in with_gradient] for moment in ("first", "second"))
        adamw(
            list(with_gradient.values()),
            [p.grad for p in with_gradient.values() if p.grad is not None],
            first,
            second,
            [],
            [torch.tensor(float(self.num_steps - 1)) for _ in with_gradient],  # which it counts up
            foreach=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=rate,
            weight_decay=self.weight_decay,
            eps=EPS,
            maximize=False,
        )

    def state_dict(self) -> dict[str, Any]:
        """Step count and both moments by parameter name."""
        return {"num_steps": self.num_steps, **self._moments}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` told; CheckpointError when it names other parameters."""
        for moment, held in self._moments.items():
            if state[moment].keys() != held.keys():
                unknown = sorted(state[moment].keys() ^ held.keys())[0]
                raise CheckpointError(
                    f"optimizer state must fit the student, but differs at {unknown}; use its own config"
                )
            for name, value in state[moment].items():
                held[name].copy_(value)
        self.num_steps = state["num_steps"]


def clip_gradient(model: nn.Module, limit: float | None) -> float:
    """Norm of the gradient over all parameters, which is scaled down to `limit` where it exceeds it."""
    gradients: list[Tensor] = [p.grad for p in model.parameters() if p.grad is not None]
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    if limit is not None and norm > limit:
        torch._foreach_mul_(gradients, limit / norm)
    return norm


def learning_rate(config: OptimizerConfig, step: int, num_steps: int) -> float:
    """Rate of step 0 <= `step` < `num_steps`: a linear rise over `warmup_steps`, times the schedule.

    cosine: learning_rate * (1 + cos(pi * step / num_steps)) / 2; constant: learning_rate. Steps beyond the last
    keep its rate.
    """
    rise = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    share = min(step, num_steps - 1) / num_steps
    fall = 0.5 * (1 + math.cos(math.pi * share)) if config.schedule == "cosine" else 1.0
    return config.learning_rate * rise * fall
