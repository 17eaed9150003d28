"""Sweep folders to compare, made from points in a moment: ledger, spec, front and, where asked, scores per clip."""

from __future__ import annotations

import zlib

import numpy as np
from front_cases import QUALITY, SIZE, spec

from dfkd_core.scoring.clip_table import ClipTable
from sweeps.engine.front_updates import write_front_of
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState
from sweeps.workload import Workload

NUM_CLIPS = 24
SMALL, LARGE = [(1.5, 20_000), (1.9, 90_000), (2.2, 400_000)], [(1.3, 20_000), (2.0, 90_000), (2.4, 400_000)]


def made_sweep(folder, name, points, *, data_hash="data-1", noise=0.05, kept=True, **changes):
    """A sweep whose trials are `points` of (quality, size); `noise` is what a clip's score strays from its model's."""
    sweep, sweep_spec = SweepFolder(folder), spec(name=name, sampler={"name": "random", "seed": 1}, **changes)
    sweep.path.mkdir(parents=True)
    sweep.write_note(f"id-{name}", Workload)
    ledger = Ledger.create(sweep.path, sweep_spec, f"id-{name}")
    ledger.set_attr("data_hash", data_hash)
    ledger.set_attr("state", "finished")
    for quality, size in points:
        number, _ = ledger.ask()
        trial = sweep.path / "trials" / f"{number:04d}"
        trial.mkdir(parents=True)
        if kept:
            clip_table(quality, noise, seed=zlib.crc32(f"{name} {number}".encode())).write(trial)
        metrics = {QUALITY: quality, SIZE: float(size), "val/stoi": 0.5 + quality / 10}
        ledger.record_epoch(number, sweep_spec.budget.epochs_per_trial, metrics)
        ledger.finish(number, TrialState.COMPLETE)
    sweep.write_spec(sweep_spec)
    write_front_of(sweep.path, sweep_spec, ledger)
    return folder


def clip_table(quality, noise, seed=0):
    """Scores around `quality`: hard and easy clips are the same for every model, what strays is a model's own."""
    ease = np.random.default_rng(99).normal(0, 0.5, NUM_CLIPS)
    own = np.random.default_rng(seed).normal(0, noise, NUM_CLIPS)
    scores = quality + ease - ease.mean() + own - own.mean()
    names = tuple(f"valid-{n:06d}" for n in range(NUM_CLIPS))
    clusters = tuple(f"speaker {n % 6} in noise {n % 4}" for n in range(NUM_CLIPS))
    return ClipTable(names, clusters, {QUALITY: tuple(scores.tolist()), "val/stoi": tuple((scores / 10).tolist())})
