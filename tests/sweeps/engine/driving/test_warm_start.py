"""What earlier sweeps teach a new one."""

from pathlib import Path

import pytest
from front_cases import spec

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.warm_start import lessons
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState


def earlier(path: Path, known: SweepSpec, num_trials: int = 3, data_hash: str = "d") -> SweepFolder:
    """A finished sweep of complete trials."""
    folder = SweepFolder(path)
    folder.create()
    folder.write_note("earlier", object)
    ledger = Ledger.create(folder.path, known, "earlier")
    ledger.set_attr("data_hash", data_hash)
    for _ in range(num_trials):
        number, _params = ledger.ask()
        metrics = {objective.metric: 2.0 + number for objective in known.objectives}
        ledger.record_epoch(number, known.budget.epochs_per_trial, metrics)
        ledger.finish(number, TrialState.COMPLETE)
    folder.write_spec(known)
    return folder


def test_complete_trials_are_told_to_the_study_in_front_of_the_sweeps_own(tmp_path):
    known = spec()
    folder = earlier(tmp_path / "a", known)
    taught = lessons(known.model_copy(update={"warm_start": (str(folder.path),)}), {"data_hash": "d"})
    (tmp_path / "b").mkdir()
    ledger = Ledger.create(tmp_path / "b", known, "new", taught)
    assert len(taught) == 3
    assert ledger.records() == []
    assert ledger.ask()[0] == 0
    assert len(ledger.study.trials) == 4
    assert [r.number for r in Ledger.open(tmp_path / "b", known, "new").records()] == [0]


def test_a_sweep_on_other_data_is_refused(tmp_path):
    known = spec()
    folder = earlier(tmp_path / "a", known, data_hash="other")
    with pytest.raises(ConfigError, match=r"warm_start\[0\].*data_hash"):
        lessons(known.model_copy(update={"warm_start": (str(folder.path),)}), {"data_hash": "d"})


def test_points_outside_the_new_space_teach_nothing_and_it_is_said_what_both_search(tmp_path, caplog):
    known = spec()
    folder = earlier(tmp_path / "a", known)
    key = next(iter(known.space))
    other = known.model_copy(update={"space": {f"{key}_too": {"min": 0, "max": 1}}, "warm_start": (str(folder.path),)})
    assert lessons(other, {"data_hash": "d"}) == []
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("warm_start[0]: 0 of 3 complete trials of ") and "lie in this space and teach it" in told
    assert f"only here: {key}_too" in told and f"only there: {', '.join(sorted(known.space))}" in told
    narrow = known.model_copy(update={"space": {key: known.space[key]}, "warm_start": (str(folder.path),)})
    lessons(narrow, {"data_hash": "d"})
    assert f"both search: {key}; only there: " in caplog.records[-1].getMessage()


def test_trials_that_break_a_constraint_or_have_no_finite_value_teach_nothing(tmp_path, caplog):
    known = spec()
    folder = earlier(tmp_path / "a", known)
    metric = known.objectives[0].metric
    bound = SweepSpec.model_validate(known.model_dump(mode="json") | {"constraints": [f"{metric} <= 3"]})
    taught = lessons(bound.model_copy(update={"warm_start": (str(folder.path),)}), {"data_hash": "d"})
    assert sorted(metrics[metric] for _, metrics in taught) == [2.0, 3.0]
    assert "1 of 3 complete trials of" in caplog.text and "break this sweep's constraints" in caplog.text


def test_another_length_of_trials_is_told(tmp_path, caplog):
    known = spec()
    folder = earlier(tmp_path / "a", known)
    budget = known.budget.model_copy(update={"epochs_per_trial": known.budget.epochs_per_trial + 1})
    longer = known.model_copy(update={"warm_start": (str(folder.path),), "budget": budget})
    assert len(lessons(longer, {"data_hash": "d"})) == 3
    assert f"had {known.budget.epochs_per_trial} epochs, and here have {budget.epochs_per_trial}" in caplog.text
