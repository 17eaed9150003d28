"""What does training many widths at once give? `python -m benchmarks.slimmable_widths`: some 15 minutes of one core.

A quarter-width DCCRN from drawn weights, plain or with `training.slimmable`, at about the same processor time; slices
of it before any training of their own, and after one short epoch of DFKD from it. The slimmable parent has its best
channels in front already, the plain one's are chosen by `weight`.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.study.rows import CONFIG
from benchmarks.study.tables import paired
from dfkd_core.base.documents import read_yaml
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer, prepare

SEEDS = (1, 2, 3)
WIDTHS = (0.125, 0.0625, 0.03125)
ALONE = {"teacher.checkpoint": None, "training.epochs": 6}
PARENTS: dict[str, tuple[str, dict[str, Any]]] = {  # its name: the rule for its slices, its training
    "plain": ("weight", {**ALONE, "distillation.method": "none", "data.train_hours": 0.03}),
    "slimmable": ("first", {**ALONE, "training.slimmable": list(WIDTHS), "data.train_hours": 0.0136}),
}
TUNED = {"training.epochs": 1, "data.train_hours": 0.05}
JUDGE = "val/pesq_wb"


def config_of(seed: int, changes: Mapping[str, Any]) -> ExperimentConfig:
    """The study's base without probes, changed; its data and teacher at hand."""
    config = ExperimentConfig.parse(with_overrides(read_yaml(CONFIG), {**changes, "seed": seed}))
    prepare(config)
    return config


def scores_of(kind: str, seed: int, folder: Path) -> dict[str, float]:
    """PESQ-WB of a parent and of its slices, by name."""
    rule, training = PARENTS[kind]
    parent = str(folder / f"{kind}-{seed}")
    began = time.process_time()
    found = {"parent": float(train_model(config_of(seed, training), Path(parent)).metrics[JUDGE] or 0.0)}
    print(f"{kind}, seed {seed}: parent {found['parent']:.3f}, {time.process_time() - began:.0f} CPU-s", flush=True)
    for width in WIDTHS:
        begun = {"student.width": width, "training.start_from": parent, "training.slice_by": rule}
        trainer = Trainer(config_of(seed, {**TUNED, **begun, "teacher.checkpoint": parent}))
        found[f"{width:g}, before"] = trainer.score_start()[JUDGE]
        trainer.train_epoch()
        found[f"{width:g}, after"] = trainer.evaluate().metrics("val")[JUDGE]
    return found


def main() -> None:
    found: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    with TemporaryDirectory() as folder:
        for seed in SEEDS:
            for kind in PARENTS:
                for name, score in scores_of(kind, seed, Path(folder)).items():
                    found[name][kind][seed] = score
    print("| | plain | slimmable | difference |\n|---|---|---|---|")
    for name, by in found.items():
        means = [f"{np.mean(list(by[kind].values())):.3f}" for kind in PARENTS]
        mean, low, high, _ = paired(by["slimmable"], by["plain"]) or (float("nan"),) * 4
        print(f"| {name} | {' | '.join(means)} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) |")


if __name__ == "__main__":
    main()
