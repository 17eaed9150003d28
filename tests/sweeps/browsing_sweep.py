"""A made-up sweep of thousands of trials: three objectives, seven searched keys, two of them categories."""

from __future__ import annotations

import math

import numpy as np

from sweeps.definition.spec import SweepSpec
from sweeps.record.trials import TrialRecord, TrialState

QUALITY, SIZE, MACS, DELAY = "val/pesq_wb", "model/params", "model/macs_per_s", "model/look_ahead_ms"
MODELS = {"dccrn": (2500, 0.05), "conv_tasnet": (950, 0.0), "gtcrn": (5200, 0.1)}  # MACs for a parameter, gain
DELAYS_MS = (8.0, 16.0, 32.0)  # whatever else is chosen
OBJECTIVES = [
    {"metric": QUALITY, "goal": "maximize"},
    {"metric": SIZE, "goal": "minimize", "scale": "log"},
    {"metric": MACS, "goal": "minimize", "scale": "log"},
]
REFERENCE = {QUALITY: 1.0, SIZE: 4.0e6, MACS: 1.0e11}


def browsing_spec(num_trials, num_objectives=3):
    """The first objectives of three."""
    chosen = OBJECTIVES[:num_objectives]
    return SweepSpec.model_validate(
        {
            "name": "browsed",
            "config": {"student": {"model": "dccrn", "width": 0.25}, "training": {"epochs": 40}},
            "space": {
                "student.width": {"min": 0.05, "max": 1.0, "log": True},
                "student.model": {"values": list(MODELS)},
                "distillation.weight": {"min": 0.03, "max": 30, "log": True},
                "distillation.split": {"values": ["dynamic", "fixed"]},
                "distillation.cutoff_hz": {"min": 500, "max": 4000, "when": {"distillation.split": "fixed"}},
                "distillation.temperature": {"values": [0.25, 0.5, 1, 2, 4]},
                "optimizer.learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
            },
            "objectives": chosen,
            "reference_point": {o["metric"]: REFERENCE[o["metric"]] for o in chosen},
            "budget": {"trials": num_trials, "epochs_per_trial": 6},
        }
    )  # fmt: skip


def browsing_records(num_trials, seed=1, noise=0.04):
    """Quality grows with size and with settings near the middle; eight in ten trials are complete."""
    rng = np.random.default_rng(seed)
    return [_trial(number, rng, noise) for number in range(num_trials)]


def _trial(number, rng, noise):
    def between(low, high):
        return float(np.exp(rng.uniform(math.log(low), math.log(high))))

    width, weight, rate = between(0.05, 1.0), between(0.03, 30), between(1e-4, 1e-2)
    model, split = str(rng.choice(list(MODELS))), str(rng.choice(["dynamic", "fixed"]))
    macs_each, gain = MODELS[model]
    size = float(round(4e6 * width**2))
    macs = float(round(size * macs_each * float(np.exp(0.25 * rng.normal()))))
    quality = 1.15 + 0.75 * width**0.4 + gain - 0.02 * math.log(weight) ** 2 - 0.02 * math.log(rate / 2e-3) ** 2
    params = {
        "student.width": width,
        "student.model": model,
        "distillation.weight": weight,
        "distillation.split": split,
        "distillation.temperature": float(rng.choice([0.25, 0.5, 1, 2, 4])),
        "optimizer.learning_rate": rate,
    }
    if split == "fixed":
        params["distillation.cutoff_hz"] = between(500, 4000)
    ends = [*[TrialState.COMPLETE] * 8, TrialState.PRUNED, TrialState.FAILED]
    state = ends[rng.integers(len(ends))]
    metrics = {SIZE: size, MACS: macs, "model/bytes": 4 * size, DELAY: float(rng.choice(DELAYS_MS))}
    scored = quality + noise * float(rng.normal())
    if state is not TrialState.FAILED:
        scored -= 0.5 if state is TrialState.PRUNED else 0.0
        metrics |= {QUALITY: scored, "val/stoi": 0.6 + scored / 10, "val/si_sdr_db": 8 * scored - 6}
    epochs = 6 if state is TrialState.COMPLETE else 2
    reason = "TrainingDiverged: loss is nan" if state is TrialState.FAILED else None
    finished = 60.0 * number
    return TrialRecord(number, state, params, metrics, epochs, epochs / 6, reason, finished, finished + 55)
