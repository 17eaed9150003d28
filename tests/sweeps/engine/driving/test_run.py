"""What a resume goes on with; and what MLflow lists as a sweep's data."""

import sqlite3
from contextlib import closing

import pytest
from closed_form import Curve, sweep

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.run import FILLED_HOURS, dataset_of, resume_sweep, run_sweep, sync_sweep
from sweeps.record.ledger import Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState, SweepStopped


@pytest.mark.parametrize(
    ("config", "listed"),
    [
        ({"data": {"corpus": "/data/vctk"}}, {"name": "vctk", "digest": "d1", "source": '{"uri": "/data/vctk"}'}),
        ({"data": {"corpus": 7}}, None),
        ({"x": 0.5}, None),
    ],
)
def test_a_corpus_is_a_dataset_and_a_config_without_one_has_none(tmp_path, config, listed):
    spec = SweepSpec.model_validate({**sweep(), "config": config})
    ledger = Ledger.create(tmp_path, spec, "id")
    ledger.set_attr("data_hash", "d1")
    assert dataset_of(Sweep(SweepFolder(tmp_path), spec, ledger)) == listed


@pytest.mark.parametrize(("hours", "goes_on"), [(None, False), (9.0, True)])
def test_a_sweep_that_has_filled_its_hours_goes_on_when_there_are_more(tmp_path, monkeypatch, hours, goes_on):
    """It holds no more trials than before, and some that wait: their number says nothing."""
    folder = SweepFolder(tmp_path / "sweep")
    folder.create()
    folder.write_note("id", Curve)
    spec = SweepSpec.model_validate(sweep(budget={"hours": 8, "epochs_per_trial": 2}))
    ledger = Ledger.create(folder.path, spec, "id")
    ledger.ask()
    ledger.set_attr(FILLED_HOURS, 8.0)
    ledger.state = SweepState.FINISHED
    folder.write_spec(spec)

    def went_on(*_, **__):
        raise SweepStopped(SweepState.INTERRUPTED, "at work", folder.path)

    monkeypatch.setattr("sweeps.engine.driving.run.ray_for", went_on)
    monkeypatch.setattr("sweeps.engine.driving.run.deliver_owed", lambda opened: "the front as it is")
    overrides = {} if hours is None else {"budget.hours": hours}
    if goes_on:
        with pytest.raises(SweepStopped, match="at work"):
            resume_sweep(folder.path, Curve, overrides=overrides)
    else:
        assert resume_sweep(folder.path, Curve, overrides=overrides) == "the front as it is"


def test_a_resume_refuses_a_searched_start_that_is_gone_and_leaves_all_as_it_is(tmp_path):
    folder = SweepFolder(tmp_path / "sweep")
    folder.create()
    folder.write_note("id", DistillationWorkload)
    starts = {"training.start_from": {"values": [None, str(tmp_path / "gone")]}}
    asked = sweep(config={"distillation": {"method": "none"}}, space=starts)
    config = {key: value for key, value in asked["config"].items() if key not in ("x", "size")}
    spec = SweepSpec.model_validate({**asked, "config": config})
    ledger = Ledger.create(folder.path, spec, "id")
    ledger.ask()
    folder.write_spec(spec)
    before = {path: path.read_bytes() for path in folder.path.rglob("ledger*") if path.is_file()}
    place = f"{folder.path / 'sweep.yaml'}: training.start_from"
    with pytest.raises(ConfigError, match=rf"^{place}: must be teacher, .* but there is no {tmp_path / 'gone'}"):
        resume_sweep(folder.path)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_database_that_mlflow_left_half_made_is_refused_in_one_line(tmp_path, command):
    """Before anything runs; and `sync` could bring nothing there."""
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("CREATE TABLE experiments (name)")
    folder, spec = SweepFolder(tmp_path / "closed"), SweepSpec.model_validate(sweep())
    if command == "sync":
        folder.create()
        folder.write_note("id", Curve)
        Ledger.create(folder.path, spec, "id").state = SweepState.FINISHED
        folder.write_spec(spec)
    with pytest.raises(ConfigError, match=f"^{tmp_path}/mlflow.db: must be whole, .* move it away"):
        run_sweep(spec, folder.path, Curve) if command == "run" else sync_sweep(folder.path)
    assert folder.path.exists() == (command == "sync")
