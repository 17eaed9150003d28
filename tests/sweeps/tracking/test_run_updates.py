"""Folding: whatever happened to a run becomes one update, and nothing is told twice or in another order."""

from sweeps.tracking.run_key import PARENT, RunKey
from sweeps.tracking.run_updates import (
    FilesAgain,
    MetricPoint,
    RunUpdate,
    SweepEnd,
    SweepStart,
    Upload,
    fold,
    replaced_by,
)
from sweeps.tracking.spool import Record

START = ("sweep_started", {"name": "first", "experiment": "e", "sweep_id": "s", "uri": "u", "tags": {"a": 1}})


def records(*events):
    return [Record(n, float(n), event, fields) for n, (event, fields) in enumerate(events, start=1)]


def started(number):
    return "trial_started", {"run": f"trial/{number}", "params": {"student.width": 0.25}, "tags": {"dfkd.node": "n1"}}


def epoch(number, epoch, **metrics):
    return "trial_epoch", {"run": f"trial/{number}", "epoch": epoch, "metrics": metrics}


def finished(number, state="COMPLETE", reason=None, **metrics):
    fields = {"state": state, "fidelity": 0.5, "reason": reason, "epoch": 2, "metrics": metrics}
    return "trial_finished", {"run": f"trial/{number}", **fields}


def test_a_trial_from_start_to_end_is_one_update():
    (update,) = fold(
        records(started(3), epoch(3, 1, loss=2.0), epoch(3, 2, loss=1.0), finished(3, q=0.5))
    ).items.values()
    assert isinstance(update, RunUpdate)
    assert (update.key.number, update.time_ms, update.end_ms, update.state) == (3, 1000, 4000, "COMPLETE")
    assert update.params == {"student.width": "0.25"}
    assert update.tags == {"dfkd.node": "n1", "dfkd.trial_state": "COMPLETE", "dfkd.fidelity": "0.5"}
    points = [(m.name, m.value, m.time_ms, m.step) for m in update.metrics]
    assert points == [("loss", 2.0, 2000, 1), ("loss", 1.0, 3000, 2), ("q", 0.5, 4000, 2)]


def test_items_come_in_the_order_of_their_first_records():
    folded = fold(records(START, started(1), started(0), epoch(1, 1), ("artifact", {"path": "p", "artifact_dir": ""})))
    assert list(folded.items) == ["files again", "sweep", "trial/1", "trial/0", "file p "]
    assert [item.sequence for item in folded.items.values()] == [1, 1, 2, 3, 5]


def test_a_failed_trial_tells_why_and_a_restarted_one_runs_again():
    (update,) = fold(records(started(0), finished(0, "FAILED", "out of memory"))).items.values()
    assert update.tags["dfkd.failure_reason"] == "out of memory"
    (update,) = fold(records(finished(0, "FAILED", "out of memory"), started(0))).items.values()
    assert (update.state, update.end_ms) == ("RUNNING", None)


def test_the_sweeps_end_comes_last_and_a_resumed_sweep_has_none():
    end = ("sweep_finished", {"state": "interrupted"})
    folded = fold(records(START, started(0), end))
    assert list(folded.items.values())[-1] == SweepEnd(3, "interrupted", 3000)
    assert folded.finished
    folded = fold(records(START, end, START))
    assert list(folded.items) == ["files again", PARENT.text]
    assert not folded.finished


def test_front_values_are_metrics_of_the_sweep_by_finished_trials():
    front = ("front", {"run": PARENT.text, "epoch": 5, "metrics": {"front/hypervolume": 2.5}})
    (update,) = fold(records(front)).items.values()
    assert (update.key, update.metrics[0].step, update.metrics[0].value) == (PARENT, 5, 2.5)


def test_only_the_last_rank_and_the_last_content_of_a_file_count():
    rank = {"run": "trial/1", "pareto": True, "rank": 0}
    first, second, other = records(
        ("trial_rank", rank), ("trial_rank", rank), ("trial_rank", {**rank, "run": "trial/2"})
    )
    assert replaced_by(first) == replaced_by(second) != replaced_by(other)
    assert replaced_by(records(started(1))[0]) is None
    file = {"path": "front/front.json", "artifact_dir": "front"}
    folded = fold(records(("artifact", file)))
    assert list(folded.items.values()) == [Upload(1, "front/front.json", "front")]


def test_a_trial_off_the_front_says_so():
    off = ("trial_rank", {"run": "trial/1", "pareto": False, "rank": None})
    (update,) = fold(records(off)).items.values()
    assert update.tags == {"dfkd.pareto": "false"}
    assert update.metrics == []


def test_a_rank_is_a_tag_and_a_metric_since_mlflow_sorts_by_metrics_alone():
    on = ("trial_rank", {"run": "trial/1", "pareto": True, "rank": 0})
    (update,) = fold(records(on)).items.values()
    assert update.tags == {"dfkd.pareto": "true", "dfkd.front_rank": "0"}
    assert update.metrics == [MetricPoint("front/rank", 0.0, 1000, 0)]


def test_where_records_go_is_told_without_a_change_of_state():
    goes_to = ("goes_to", {name: value for name, value in START[1].items() if name != "tags"})
    folded = fold(records(goes_to, ("artifact", {"path": "p", "artifact_dir": "", "run": "trial/3"})))
    assert folded.start == SweepStart("first", "e", "s", "u")
    assert list(folded.items.values()) == [FilesAgain(1), Upload(2, "p", "", RunKey("trial", 3))]


def test_what_mlflow_could_not_store_is_cut_to_its_limits():
    long = ("trial_started", {"run": "trial/0", "params": {"k" * 300: "v" * 9000, "a=b": 1}, "tags": {"t": "v" * 9000}})
    (update,) = fold(records(long)).items.values()
    assert {len(key) for key in update.params} == {250, 3}
    assert len(update.params["k" * 250]) == 6000
    assert update.params["a_b"] == "1"
    assert len(update.tags["t"]) == 5000


def test_records_that_make_no_sense_are_set_aside():
    folded = fold(records(("invented_later", {}), ("trial_epoch", {"run": "trial/0"}), finished(0, "LOST"), started(1)))
    assert [record.sequence for record in folded.malformed] == [1, 2, 3]
    assert list(folded.items) == ["trial/1"]
