"""Small sweeps, written by hand, that the tests of the front share."""

from __future__ import annotations

import math

import numpy as np

from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Confirmation, build_front, front_point
from sweeps.record.trials import TrialRecord, TrialState

QUALITY, SIZE = "val/pesq_wb", "model/params"


def spec(**changes):
    """Quality against size, the reference at (1.0, 4e6)."""
    content = {
        "name": "first",
        "config": {"student": {"model": "dccrn", "width": 0.25}, "training": {"epochs": 40}},
        "space": {"student.width": {"min": 0.06, "max": 1.0}, "distillation.weight": {"min": 0.03, "max": 30.0}},
        "objectives": [{"metric": QUALITY, "goal": "maximize"}, {"metric": SIZE, "goal": "minimize", "scale": "log"}],
        "reference_point": {QUALITY: 1.0, SIZE: 4.0e6},
        "constraints": ["model/macs_per_s <= 1.0e9"],
        "budget": {"trials": 24, "epochs_per_trial": 6},
    }  # fmt: skip
    return SweepSpec.model_validate({**content, **changes})


def complete(number, quality, size, **more):
    """A trial trained to the end."""
    metrics = {QUALITY: quality, SIZE: size, "val/stoi": 0.5 + quality / 10, "model/macs_per_s": 900.0 * size}
    params = {"student.width": round(math.sqrt(size / 4e6), 4), "distillation.weight": 0.1 * (1 + number % 7)}
    finished = {"epochs": 6, "fidelity": 1.0, "started": 100.0 * number, "finished": 100.0 * number + 60}
    return TrialRecord(number, TrialState.COMPLETE, params, metrics, **{**finished, **more})


def ended(number, state, reason=None, **metrics):
    """A trial that ended without a point."""
    params = {"student.width": 0.5, "distillation.weight": 3.0}
    return TrialRecord(number, state, params, metrics, epochs=2, fidelity=1 / 3, reason=reason, finished=100.0 * number)


def small_sweep():
    """Six complete trials, four of them on the front (two equal), and one of every other final state."""
    return [
        complete(0, 2.0, 200_000),
        complete(1, 1.5, 20_000),
        complete(2, 1.4, 300_000),
        ended(3, TrialState.FAILED, "RuntimeError: <loss> is nan"),
        complete(4, 2.4, 2_000_000),
        complete(5, 1.5, 20_000),
        ended(6, TrialState.PRUNED, **{QUALITY: 3.0, SIZE: 10.0}),
        ended(7, TrialState.INFEASIBLE, "model/macs_per_s <= 1.0e9", **{SIZE: 3.0e6, "model/macs_per_s": 2.7e9}),
        complete(8, 1.9, 250_000),
    ]


def confirmed(front):
    """The front of the small sweep as if trained again with three seeds, all but its last point, with one neighbour."""

    def again(point, probability=0.97, alike=()):
        mean = point.values[QUALITY] - 0.02
        trust = {"mean": {**point.values, QUALITY: mean}, "interval": {QUALITY: (mean - 0.03, mean + 0.03)}}
        told = {"probability_on_front": probability, "indistinguishable_from": alike}
        return point.model_copy(update={"seeds": (1, 2, 3), **trust, **told})

    neighbour = again(front_point(complete(8, 1.9, 250_000), front.objectives, None), 0.5, (0,))
    points = [again(p, alike=(8,) if p.trial == 0 else ()) for p in front.points[:-1]] + [front.points[-1]]
    known = Confirmation(
        seeds_per_point=3,
        repeats=15,
        uncertain_repeats=3,
        failed_repeats=0,
        smallest_difference={QUALITY: 0.05},
        smallest_difference_of_clips={QUALITY: 0.03},
        neighbours=(neighbour,),
    )
    return front.model_copy(update={"points": tuple(points), "confirmation": known})


def lucky_front():
    """A front of three and its trials; fresh seeds put its largest point, which was lucky, below the middle one."""
    records = [complete(0, 1.2, 1e4), complete(1, 1.9, 1e5), complete(2, 2.2, 3e5)]
    front, means = build_front(spec(), "x", records), {0: 1.25, 1: 1.9, 2: 1.7}
    told = {"seeds": (1, 2, 3), "probability_on_front": 0.5}
    points = [
        p.model_copy(update={**told, "mean": {QUALITY: m}, "interval": {QUALITY: (m - 0.1, m + 0.1)}})
        for p in front.points
        for m in [means[p.trial]]
    ]
    return front.model_copy(update={"points": tuple(points)}), records


def random_sweep(num_trials, seed=0):
    """A sweep of plausible size: quality grows with size and with a weight near 1."""
    rng = np.random.default_rng(seed)
    ends = [TrialState.COMPLETE] * 7 + [TrialState.PRUNED, TrialState.FAILED, TrialState.INFEASIBLE]
    records = []
    for number in range(num_trials):
        state = ends[rng.integers(len(ends))]
        width, weight = float(rng.uniform(0.06, 1.0)), float(np.exp(rng.uniform(-3.5, 3.4)))
        split = str(rng.choice(["dynamic", "fixed"]))
        size = round(4e6 * width**2)
        quality = 1.2 + 0.9 * width**0.4 - 0.03 * math.log(weight) ** 2 + 0.05 * float(rng.normal())
        params = {"student.width": width, "distillation.weight": weight, "distillation.split": split}
        if split == "fixed":
            params["distillation.cutoff_hz"] = float(rng.uniform(500, 4000))
        metrics = {SIZE: float(size), "model/macs_per_s": 300.0 * size}
        if state in (TrialState.COMPLETE, TrialState.PRUNED):
            metrics |= {QUALITY: quality, "val/stoi": 0.6 + quality / 10, "val/si_sdr_db": 8 * quality - 6}
        reason = {
            TrialState.FAILED: "TrainingDiverged: loss is nan",
            TrialState.INFEASIBLE: "model/macs_per_s <= 1e9",
        }.get(state)
        epochs = 6 if state is TrialState.COMPLETE else 2
        records.append(
            TrialRecord(number, state, params, metrics, epochs, epochs / 6, reason, 60.0 * number, 60.0 * number + 55)
        )
    return records
