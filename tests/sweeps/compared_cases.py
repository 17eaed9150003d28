"""Sweep folders to compare, made from points in a moment: ledger, spec, front, and fresh seeds where asked for."""

from __future__ import annotations

import zlib

import numpy as np
from front_cases import QUALITY, SIZE, spec

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import Crossing
from sweeps.engine.driving.front_updates import write_front_of
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialState
from sweeps.trust.repeats import SEEDS, Repeats
from sweeps.workload import Workload

NUM_CLIPS = 24
SMALL, LARGE = [(1.5, 20_000), (1.9, 90_000), (2.2, 400_000)], [(1.3, 20_000), (2.0, 90_000), (2.4, 400_000)]


CONFIG = {"seed": 0, "student": {"model": "dccrn", "width": 0.25}, "training": {"epochs": 40}}


def made_sweep(folder, name, points, *, data_hash="data-1", **changes):
    """A sweep whose trials are `points` of (quality, size)."""
    sweep = SweepFolder(folder)
    sweep_spec = spec(name=name, sampler={"name": "random", "seed": 1}, **{"config": CONFIG, **changes})
    sweep.path.mkdir(parents=True)
    sweep.write_note(f"id-{name}", Workload)
    ledger = Ledger.create(sweep.path, sweep_spec, f"id-{name}")
    ledger.set_attr("data_hash", data_hash)
    ledger.set_attr("state", "finished")
    for quality, size in points:
        number, _ = ledger.ask()
        finish(ledger, number, quality, size)
    sweep.write_spec(sweep_spec)
    write_front_of(sweep.path, sweep_spec, ledger)
    return folder


def confirmed_sweep(folder, name, points, *, seeds=3, seed_sd=0.004, noise=0.02, kept=True, **changes):
    """The same, its trials trained again: a seed moves a mean by `seed_sd`, a clip strays by `noise` from its model."""
    made_sweep(folder, name, points, **changes)
    sweep = SweepFolder(folder)
    spec_, ledger = sweep.spec(), Ledger.open(folder, sweep.spec(), f"id-{name}")
    repeats, params = Repeats.begin(folder, spec_, Workload), {r.number: r.params for r in ledger.records()}
    repeats.add(dict.fromkeys(params, seeds), params)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for number, (trial, _) in enumerate(repeats.pairs):
        repeats.ledger.again(number)
        quality = points[trial][0] + seed_sd * rng.normal()
        if kept:
            files = TrialFolder(repeats.folder, number).path
            files.mkdir(parents=True)
            clip_table(quality, noise, seed=zlib.crc32(f"{name} {number}".encode())).write(files)
        finish(repeats.ledger, number, quality, points[trial][1])
    repeats.ledger.set_attr(SEEDS, seeds)
    repeats.ledger.set_attr("state", "finished")
    write_front_of(folder, spec_, ledger)
    return folder


def finish(ledger, number, quality, size):
    metrics = {QUALITY: quality, SIZE: float(size), "val/stoi": 0.5 + quality / 10}
    ledger.record_epoch(number, ledger.spec.budget.epochs_per_trial, metrics)
    ledger.finish(number, TrialState.COMPLETE)


def clip_table(quality, noise, seed=0):
    """Scores around `quality`: hard and easy clips are the same for every model, what strays is a model's own."""
    ease = np.random.default_rng(99).normal(0, 0.5, NUM_CLIPS)
    own = np.random.default_rng(seed).normal(0, noise, NUM_CLIPS)
    scores = quality + ease - ease.mean() + own - own.mean()
    names = tuple(f"valid-{n:06d}" for n in range(NUM_CLIPS))
    crossing = Crossing(tuple(f"s{n % 6}" for n in range(NUM_CLIPS)), tuple(f"n{n // 4}" for n in range(NUM_CLIPS)))
    stoi = 0.5 + scores / 10
    return ClipTable(names, crossing, {QUALITY: tuple(scores.tolist()), "val/stoi": tuple(stoi.tolist())})
