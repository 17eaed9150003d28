"""The front follows finished trials, at a small share of the sweep's time."""

import json

import numpy as np
import pytest
from closed_form import PARAMS, QUALITY, sweep

from sweeps import pareto
from sweeps.definition.objectives import costs
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving import front_updates
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState

POINTS = [{"x": 0.4, "size": 0.2}, {"x": 0.9, "size": 0.3}, {"x": 0.4, "size": 0.8}, {"x": 0.4, "size": 0.2}]


class Notes:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *arguments, **named: self.told.append((name, *arguments))

    def of(self, name):
        return [note[1:] for note in self.told if note[0] == name]


@pytest.fixture
def begun(tmp_path):
    spec = SweepSpec.model_validate(sweep(6, 1, evaluate_first=POINTS))
    ledger = Ledger.create(tmp_path, spec, "id")
    return ledger, spec, tmp_path


def finish(ledger, number, state=TrialState.COMPLETE):
    params = ledger.again(number)
    quality = (1 - (params["x"] - 0.4) ** 2) * params["size"]
    ledger.record_epoch(number, 1, {QUALITY: quality, PARAMS: 2e6 * params["size"]})
    ledger.finish(number, state)


def volume(ledger, spec):
    records = [r for r in ledger.records() if r.state is TrialState.COMPLETE]
    return pareto.hypervolume(np.array([costs(spec.objectives, r.metrics) for r in records]), spec.reference_costs)


def test_the_hypervolume_is_told_with_every_complete_trial(begun):
    ledger, spec, folder = begun
    tracker = Notes()
    updates = FrontUpdates(ledger, spec, folder, tracker)
    for number in range(4):
        finish(ledger, number, TrialState.FAILED if number == 2 else TrialState.COMPLETE)
        updates.finished(ledger.record(number))
    assert [finished for finished, _, _ in tracker.of("front")] == [1, 2, 4]
    assert updates.hypervolume == pytest.approx(volume(ledger, spec))
    assert tracker.of("front")[-1][2] == 3, "equal vectors are all kept"


def test_a_later_driver_goes_on_with_what_has_finished(begun):
    ledger, spec, folder = begun
    for number in range(3):
        finish(ledger, number)
    assert FrontUpdates(ledger, spec, folder, Notes()).hypervolume == pytest.approx(volume(ledger, spec))


def test_ranks_are_told_when_they_change_and_only_then(begun):
    ledger, spec, folder = begun
    tracker = Notes()
    updates = FrontUpdates(ledger, spec, folder, tracker)
    finish(ledger, 1)
    updates.write()
    assert tracker.of("trial_rank") == [(1, True, 0)]
    finish(ledger, 2)
    updates.write()
    updates.write()
    assert tracker.of("trial_rank") == [(1, True, 0), (2, True, 0)]
    assert {path for (path,) in tracker.of("artifact")} >= {(folder / "front" / "front.json").relative_to(folder)}
    front = json.loads((folder / "front" / "front.json").read_text())
    assert [point["trial"] for point in front["points"]] == [1, 2]


def test_files_are_written_again_only_after_a_while(begun, monkeypatch):
    """With ten thousand trials a front takes a second: it must not be written after each."""
    ledger, spec, folder = begun
    updates, clock = FrontUpdates(ledger, spec, folder, Notes()), [100.0]
    monkeypatch.setattr(front_updates.time, "monotonic", lambda: clock[0])
    written = []
    monkeypatch.setattr(updates, "write", lambda: written.append(clock[0]))
    updates.refresh()
    assert written == [], "nothing has changed"
    finish(ledger, 0)
    updates.finished(ledger.record(0))
    for moment in (100.0, 101.0, 104.0, 105.5):
        clock[0] = moment
        updates.refresh()
    assert written == [100.0, 105.5]
