"""The queries of docs/browsing.md find in MLflow what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tracked_sweeps import deliver, sweep_folder

from sweeps.tracking.tracker import Tracker

DOCS = Path(__file__).parents[3] / "docs" / "browsing.md"
TRIALS = {  # number: state, PESQ, params, rank
    0: ("COMPLETE", 1.5, 50_000, 0),
    1: ("COMPLETE", 1.3, 55_000, 1),
    2: ("FAILED", None, 40_000, None),
    3: ("PRUNED", 1.2, 30_000, None),
    4: ("COMPLETE", 1.6, 90_000, 0),
}
PROMISED = {
    "the front": {0, 4},
    "all trials of one sweep": {0, 1, 2, 3, 4},
    "the sweep itself": {None},
    "what failed, and why (column `dfkd.failure_reason`)": {2},
    "what was stopped early": {3},
    "a point's trainings with fresh seeds": set(),  # none was confirmed here
    "next in line behind the front": {1},
    "the front and the two ranks behind it": {0, 1, 4},
    "small and good": {0},
}


def documented():
    """Query by question, from the table; dots stand for what a user fills in."""
    rows = re.findall(r"^\| (.+?) \| `(.+)` \|$", DOCS.read_text(), re.MULTILINE)
    return {question: query.replace("'...'", "'abc'") for question, query in rows}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = sweep_folder(tmp_path_factory.mktemp("runs"))
    tracker = Tracker(folder)
    tracker.sweep_started("first", "dfkd", "abc", {"dfkd.data_hash": "abc"})
    for number, (state, quality, size, rank) in TRIALS.items():
        tracker.trial_started(number, {"student.width": 0.25}, {"dfkd.data_hash": "abc"})
        metrics = {"model/params": float(size)} | ({} if quality is None else {"val/pesq_wb": quality})
        tracker.trial_epoch(number, 1, metrics)
        tracker.trial_finished(number, state, 1.0, "boom" if state == "FAILED" else None, metrics)
        tracker.trial_rank(number, rank == 0, rank)
    tracker.sweep_finished("finished")
    deliver(folder)
    return MlflowClient(f"sqlite:///{folder.parent}/mlflow.db")


def test_every_documented_query_has_a_promise_here():
    assert documented().keys() == PROMISED.keys()


@pytest.mark.parametrize("question", PROMISED)
def test_a_query_finds_what_it_promises(client, question):
    experiment = client.get_experiment_by_name("dfkd").experiment_id
    found = client.search_runs([experiment], documented()[question])
    numbers = {run.data.tags.get("dfkd.trial_number") for run in found}
    assert {None if number is None else int(number) for number in numbers} == PROMISED[question]
    assert len(found) == len(PROMISED[question])


def test_runs_sort_by_rank(client):
    experiment = client.get_experiment_by_name("dfkd").experiment_id
    found = client.search_runs([experiment], "tags.dfkd.kind = 'trial'", order_by=['metrics."front/rank" ASC'])
    ranks = [run.data.metrics.get("front/rank") for run in found]
    assert ranks == [0.0, 0.0, 1.0, None, None]
    assert [run.data.tags.get("dfkd.front_rank") for run in found] == ["0", "0", "1", None, None]
