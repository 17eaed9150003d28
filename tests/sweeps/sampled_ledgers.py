"""Ledgers whose trials are played instead of trained: what a sampler proposes is seen from outside."""

from closed_form import PARAMS, QUALITY, sweep

from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState

SPACE = {
    "x": {"min": 0.0, "max": 1.0},
    "size": {"min": 0.05, "max": 1.0, "log": True},
    "kind": {"values": ["a", "b"]},
    "depth": {"min": 1, "max": 4, "int": True, "when": {"kind": "b"}},
    "step": {"values": [0.25, 0.5, 1.0, 2.0]},
}


def ledger_of(folder, sampler, trials=24, space=None, **fields):
    spec = SweepSpec.model_validate(sweep(trials, 3, space=space or SPACE, sampler=sampler, **fields))
    return Ledger.create(folder, spec, "id")


def play(ledger, judge):
    """One trial, ended as `judge(params)` says: a state and a quality."""
    number, params = ledger.ask()
    state, quality = judge(params)
    epochs = 1 if state is TrialState.PRUNED else 3
    for epoch in range(1, epochs + 1):
        ledger.record_epoch(number, epoch, {QUALITY: quality, PARAMS: 2e6 * params["size"]})
    ledger.finish(number, state, violations={"limit": 1.0 if state is TrialState.INFEASIBLE else -1.0})
    return params
