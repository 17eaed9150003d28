"""Do the terms of a loss pull one way? `python -m benchmarks.study.agreement`: cosines between their gradients.

The quarter-width DCCRN that begins as a slice of own-dccrn, at its start and after the runs of *main* and *pesq* whose
checkpoints are still in the cache folder; gradients by the weights, summed over 90 batches of training mixtures.
Beside each term stands the cosine between its sums over the odd and the even batches: what noise leaves of a 1.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor

from benchmarks.study.arms import SEEDS, Arm, main, pesq
from benchmarks.study.rows import run_config, run_folder
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.training.determinism import batch_order
from dfkd_core.training.trainer import Trainer

NUM_BATCHES = 90


def gradients(trainer: Trainer) -> dict[str, tuple[Tensor, Tensor]]:
    """By term, its gradient by all weights summed over the even and over the odd batches of the first epoch."""
    shard, training = trainer.signals.shard(0), trainer.config.training
    weights = [p for p in trainer.student.parameters() if p.requires_grad]
    sums: dict[str, list[Tensor]] = defaultdict(lambda: [torch.zeros(sum(p.numel() for p in weights)) for _ in "01"])
    trainer.student.train()
    order = batch_order(trainer.config.seed, 0, len(shard.mixtures), training.batch_size)
    for number, indices in enumerate(order[:NUM_BATCHES]):
        batch = shard.batch(indices)
        estimate = trainer.student(batch.noisy)
        terms = trainer.loss.supervised(estimate, batch.clean)
        terms["dfkd"], _ = trainer.loss.method(estimate, batch.taught, batch.clean)
        for name, term in terms.items():
            parts = torch.autograd.grad(term, weights, retain_graph=True, materialize_grads=True)
            sums[name][number % 2] += torch.cat([part.flatten() for part in parts])
    return {name: (even, odd) for name, (even, odd) in sums.items()}


def agreement(found: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Cosines: of every term with itself on other batches, and of every two terms."""
    alone = {name: float(torch.cosine_similarity(*halves, dim=0)) for name, halves in found.items()}
    whole = {name: even + odd for name, (even, odd) in found.items()}
    pairs = {f"{a}, {b}": float(torch.cosine_similarity(whole[a], whole[b], dim=0)) for a, b in combinations(whole, 2)}
    return alone | pairs


def states() -> list[tuple[str, Arm | None, int]]:
    """(name, arm whose checkpoint is looked at, seed); None: the start."""
    arms = [arm for arm in (*main(), *pesq()) if arm.student == "dccrn 0.25" and arm.start == "sliced"]
    return [("start", None, seed) for seed in SEEDS] + [(arm.label, arm, seed) for arm in arms for seed in SEEDS]


if __name__ == "__main__":
    (distilled,) = (arm for arm in pesq() if arm.method == "dfkd")
    cosines: dict[str, list[dict[str, float]]] = defaultdict(list)
    for label, arm, seed in states():
        trainer = Trainer(run_config(distilled, seed))
        if arm is not None:
            checkpoint = run_folder(arm, seed) / "checkpoint"
            if not checkpoint.is_dir() or (state := load_state(checkpoint))["epoch"] < arm.epochs:
                continue
            trainer.student.load_state_dict(state["student"])
        cosines[label].append(agreement(gradients(trainer)))
        print(json.dumps({"state": label, "seed": seed, **cosines[label][-1]}), flush=True)
    for label, seeds in cosines.items():
        means = {name: sum(one[name] for one in seeds) / len(seeds) for name in seeds[0]}
        print(label, f"({len(seeds)} seeds):", *(f"{name} {value:.2f}" for name, value in means.items()), sep="  ")
