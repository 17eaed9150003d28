"""Of a batch that is refused, only what is wrong in it is left out."""

import json
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.tracking.mlflow_runs import RefusedError
from sweeps.tracking.retrying import Patience, Retry
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.run_updates import MetricPoint, RunUpdate
from sweeps.tracking.spool import SPOOL
from sweeps.tracking.spool_state import DeliveryState
from sweeps.tracking.sweep_runs import SweepRuns


class PickyRuns:
    """Refuses every call that holds one of the `wrong` names, as MLflow refuses a batch for one bad value."""

    def __init__(self, wrong):
        self.wrong, self.taken = wrong, []

    def log(self, run_id, metrics, params, tags):
        names = [metric.name for metric in metrics] + list(params) + list(tags)
        if self.wrong & set(names):
            raise RefusedError("bad name")
        self.taken += names


def sweep_runs(folder, picky):
    (folder / SPOOL).mkdir(exist_ok=True)
    state = DeliveryState(runs={"sweep": "p", "trial/0": "r"})
    runs = SweepRuns(folder, state, Retry(folder, lambda: True, Patience()))
    runs._runs = picky
    return runs, state


def update(metrics, params, tags):
    points = [MetricPoint(name, 1.0, 0, 1) for name in metrics]
    return RunUpdate(1, RunKey("trial", 0), 0, dict.fromkeys(params, "v"), dict.fromkeys(tags, "v"), points)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_everything_arrives_once_but_what_is_wrong(tmp_path_factory, data):
    kinds = [[f"{kind}{n}" for n in range(data.draw(st.integers(0, 9)))] for kind in "mpt"]
    names = [name for kind in kinds for name in kind]
    wrong = set(data.draw(st.lists(st.sampled_from(names), max_size=4))) if names else set()
    picky = PickyRuns(wrong)
    runs, state = sweep_runs(tmp_path_factory.mktemp("sweep"), picky)
    runs.deliver(update(*kinds))
    assert sorted(picky.taken) == sorted(set(names) - wrong)
    assert state.num_rejected == len(wrong)


@pytest.mark.parametrize("error", [TypeError("no number"), KeyError("x")])
def test_a_fault_nobody_foresaw_holds_nothing_up(tmp_path, error):
    runs, _ = sweep_runs(tmp_path, mock.Mock(log=mock.Mock(side_effect=error)))
    runs.deliver(update(["m"], [], []))
    line = json.loads((tmp_path / SPOOL / "rejected.jsonl").read_text())
    assert type(error).__name__ in line["why"]
    assert "trial" in line["what"]


def test_what_is_rejected_shows_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted-pw")
    runs, _ = sweep_runs(tmp_path, None)
    runs.reject("login with planted-pw", "planted-pw")
    assert "planted-pw" not in (tmp_path / SPOOL / "rejected.jsonl").read_text()
