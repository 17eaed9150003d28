"""The ledger is an Optuna study that other tools, such as optuna-dashboard, can open."""

from __future__ import annotations

import optuna
import pytest
from closed_form import PARAMS, QUALITY, sweep
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import JOURNAL, Ledger
from sweeps.record.trials import TrialState

POINTS = [{"x": 0.4, "size": 0.2}, {"x": 0.9, "size": 0.3}, {"x": 0.2, "size": 0.8}]
ENDS = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED]


@pytest.fixture
def study(tmp_path):
    """The study of a small sweep as plain Optuna reads it, from the file alone."""
    spec = SweepSpec.model_validate(sweep(4, 2, evaluate_first=POINTS))
    ledger = Ledger.create(tmp_path, spec, "the-sweep-id")
    for number, end in enumerate(ENDS):
        ledger.again(number)
        for epoch in range(1, 3 if end is TrialState.COMPLETE else 2):
            ledger.record_epoch(number, epoch, {QUALITY: 0.3 * epoch, PARAMS: 4e5})
        ledger.finish(number, end)
    storage = JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL)))
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(storage=storage, study_name=name)


def test_plain_optuna_reads_states_searched_values_and_costs(study):
    assert study.study_name == "the-sweep-id"
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert [trial.params["x"] for trial in study.trials] == [point["x"] for point in POINTS]
    assert study.trials[0].values == pytest.approx([-0.6, 12.8992], rel=1e-4), "every objective is minimised"


def test_objectives_carry_the_names_of_their_costs(study):
    assert study.metric_names == [f"-{QUALITY}", f"ln {PARAMS}"]


def test_its_best_trials_are_the_front(study):
    assert [trial.number for trial in study.best_trials] == [0]
