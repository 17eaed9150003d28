"""Rows: one run of an arm with one seed, its epochs' scores or that of a test split, kept in files of JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.study.arms import BENCH, PARENT, PARENT_CONFIG, Arm
from dfkd_core.base.cache import cache_dir
from dfkd_core.base.documents import read_yaml
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.progress import silent
from dfkd_core.config import ExperimentConfig, absolute_paths
from dfkd_core.errors import ConfigError
from dfkd_core.scoring.evaluation import evaluate, network_enhance
from dfkd_core.scoring.model_scores import split_mixtures
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer, prepare

ROWS = Path(__file__).parent / "rows.jsonl"
TEST_ROWS = Path(__file__).parent / "test_rows.jsonl"
CONFIG = Path(__file__).parent / "config.yaml"
SCORED = (1, 2, 3, 10, 20)  # epochs, beside the last one: all of a short run, few of a long one
# parts whose earlier epochs nobody asks about
LAST_ALONE = ("tuning", "heavier", "methods", "slices", "teachers", "public", "dial", "test")
FOLDER = "DFKD_BENCH"  # environment: where the corpus of foreign pairs lies

Row = dict[str, Any]


def read_rows(path: Path = ROWS) -> dict[str, Row]:
    """Rows by key; a torn last line is left out."""
    rows = {}
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        rows[row["key"]] = row
    return rows


def train_row(part: str, arm: Arm, seed: int) -> Row:
    """Train and score one run; a stopped one goes on behind its last whole epoch."""
    config = run_config(arm, seed)
    prepare(config)
    folder = run_folder(arm, seed)
    trainer, kept = Trainer(config), folder / "epochs.json"
    epochs: list[Mapping[str, float]] = []
    if kept.is_file():
        trainer.load(folder / "checkpoint")
        epochs = json.loads(kept.read_text())[: trainer.epoch]
    seconds = epochs[-1]["cpu_s"] if epochs else 0.0
    while trainer.epoch < config.training.epochs:
        began = time.process_time()
        scores = trainer.train_epoch()
        is_between = trainer.epoch in SCORED and part not in LAST_ALONE
        if is_between or trainer.epoch == config.training.epochs:
            for prefix, scored in {"val": trainer.evaluate(), **trainer.evaluate_probes()}.items():
                scores |= scored.metrics(prefix)
        seconds += time.process_time() - began
        logged = {name: value for name, value in scores.items() if name.startswith(("val/", "probe/", "gradient_norm"))}
        epochs.append({name: float(f"{value:.5g}") for name, value in {**logged, "cpu_s": seconds}.items()})
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(epochs))
        trainer.save(folder / "checkpoint")
    return _row(part, arm, seed, trainer, epochs)


def row_of_test_split(arm: Arm, seed: int) -> Row:
    """Score a run, as its checkpoint has it, on the test split of the corpus that DFKD_BENCH names.

    Where the checkpoint is gone it is trained again, which the same machine does to the last bit.
    """
    config = run_config(arm, seed)
    if not (run_folder(arm, seed) / "checkpoint").is_dir():
        train_row("test", arm, seed)
    trainer = Trainer(config)
    trainer.load(run_folder(arm, seed) / "checkpoint")
    mixtures = split_mixtures(config.data, os.environ[FOLDER], "test", silent)
    scored = evaluate(network_enhance(trainer.model.eval(), trainer.device), mixtures, trainer.metrics)
    scores = {name: float(f"{value:.5g}") for name, value in scored.metrics("test/bench").items()}
    return _row("test", arm, seed, trainer, [scores])


def _row(part: str, arm: Arm, seed: int, trainer: Trainer, epochs: list[Mapping[str, float]]) -> Row:
    return {
        "key": arm.key(seed),
        "part": part,
        "arm": arm.label,
        "seed": seed,
        "overrides": arm.overrides,
        "epochs": epochs,
        "params": sum(p.numel() for p in trainer.student.parameters()),
        "commit": _commit(),
        "torch": torch.__version__,
    }


def run_config(arm: Arm, seed: int) -> ExperimentConfig:
    """What is trained; ConfigError where the corpus that it is trained on is not named."""
    bench = os.environ.get(FOLDER)
    folders = {"demo": "demo", "abroad": "demo-abroad"} | ({BENCH: bench} if bench else {})
    home = arm.overrides.get("data.corpus", "demo")
    if home not in folders:
        raise ConfigError(f"{FOLDER} must name the corpus that {arm.label!r} is trained on, but is not set")
    data = {"data.corpus": folders.pop(home), "data.probes": folders}
    changes = {"distillation.method": "none", **arm.overrides, "seed": seed, **data}
    parent = _parent() if PARENT in changes.values() else None
    return _config({key: parent if value == PARENT else value for key, value in changes.items()})


def run_folder(arm: Arm, seed: int) -> Path:
    """Where a run that is not a row yet keeps its checkpoint; beside it, while it trains, its lock."""
    (root := cache_dir() / "study").mkdir(parents=True, exist_ok=True)
    return root / arm.key(seed)


def _parent() -> str:
    """The folder of the model that PARENT names, trained when it is first asked for."""
    folder = cache_dir() / "study" / "parent"
    config = _config(PARENT_CONFIG)
    prepare(config)
    train_model(config, folder, report=print, patience_s=3600.0)
    return str(folder)


def _config(changes: Mapping[str, Any]) -> ExperimentConfig:
    return absolute_paths(ExperimentConfig.parse(with_overrides(read_yaml(CONFIG), changes)), CONFIG.parent)


def append_row(row: Row, path: Path = ROWS) -> None:
    """Add one line."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()
