"""From spool to a real SQLite store: every run once, every value with its own time, whatever is repeated."""

import errno
import json
import os
import resource
import shutil
from unittest import mock

import pytest
from mlflow.tracking import MlflowClient
from tracked_sweeps import QUICK, assert_whole, deliver, runs_of, sweep_folder, tell, tell_trial

from sweeps.tracking import sweep_runs
from sweeps.tracking.deliverer import Deliverer
from sweeps.tracking.delivery import recorded_states, rejected, run_ids, tracker_ids, undelivered
from sweeps.tracking.mlflow_runs import MlflowRuns, UnreachableError, prepare_environment
from sweeps.tracking.retrying import Stopped
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.spool_state import DeliveryState, Health
from sweeps.tracking.tracker import Tracker


@pytest.fixture(autouse=True)
def _clean_environment():
    with mock.patch.dict(os.environ):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        prepare_environment()
        yield


@pytest.fixture
def folder(tmp_path):
    return sweep_folder(tmp_path / "runs")


@pytest.fixture
def uri(folder):
    return f"sqlite:///{folder.parent}/mlflow.db"


def test_a_sweep_arrives_whole_and_its_ids_are_known(folder, uri):
    tell(folder, 3)
    assert undelivered(folder) == 17
    deliver(folder)
    assert undelivered(folder) == 0
    assert_whole(uri, 3)
    (parent,) = runs_of(uri, "sweep")
    assert tracker_ids(folder) == (uri, parent.info.experiment_id, parent.info.run_id)
    assert run_ids(folder) == {number: run.info.run_id for number, run in enumerate(runs_of(uri))}
    assert [run.info.run_name for run in runs_of(uri)] == ["first/t0000", "first/t0001", "first/t0002"]
    assert recorded_states(folder) == dict.fromkeys(range(3), "COMPLETE")


def test_params_tags_and_times_are_those_of_the_records(folder, uri):
    tracker = Tracker(folder)
    tracker.sweep_started("first", "acceptance", "abc", {"dfkd.git_commit": "c0ffee"})
    tracker.trial_started(7, {"x": 0.5}, {"dfkd.device": "cpu"}, time_s=1000.0)
    tracker.trial_epoch(7, 1, {"train/loss": float("nan"), "val/quality": 2.0}, time_s=1001.5)
    tracker.trial_finished(7, "FAILED", 0.5, "train/loss is nan", {}, time_s=1002.0)
    deliver(folder)
    (run,) = runs_of(uri)
    assert (run.info.start_time, run.info.end_time, run.info.status) == (1_000_000, 1_002_000, "FAILED")
    assert run.data.params == {"x": "0.5"}
    tags = {"dfkd.trial_number": "7", "dfkd.device": "cpu", "dfkd.fidelity": "0.5", "dfkd.trial_state": "FAILED"}
    assert tags.items() <= run.data.tags.items()
    assert run.data.tags["dfkd.failure_reason"] == "train/loss is nan"
    (point,) = MlflowClient(uri).get_metric_history(run.info.run_id, "val/quality")
    assert (point.step, point.timestamp) == (1, 1_001_500)
    (parent,) = runs_of(uri, "sweep")
    assert parent.data.tags["dfkd.git_commit"] == "c0ffee"
    assert parent.info.status == "RUNNING"


@pytest.mark.parametrize(
    ("state", "status"), [("COMPLETE", "FINISHED"), ("PRUNED", "KILLED"), ("INFEASIBLE", "KILLED")]
)
def test_states_become_statuses(folder, uri, state, status):
    tracker = tell(folder, 0, end=False)
    tracker.trial_started(0, {}, {})
    deliver(folder)
    assert runs_of(uri)[0].info.status == "RUNNING"
    tracker.trial_finished(0, state, 1.0, None, {})
    deliver(folder)
    assert runs_of(uri)[0].info.status == status


def test_delivering_everything_again_changes_nothing(folder, uri, tmp_path):
    tell(folder, 3)
    shutil.copytree(folder / "spool", tmp_path / "copy")
    deliver(folder)
    before = run_ids(folder)
    shutil.rmtree(folder / "spool")
    shutil.copytree(tmp_path / "copy", folder / "spool")
    deliver(folder)
    assert_whole(uri, 3)
    assert run_ids(folder) == before


@pytest.mark.parametrize("call", ["create", "log", "set_status"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_delivery_that_dies_in_any_call_is_taken_up_by_the_next(folder, uri, monkeypatch, call, after):
    """Dying before or after the store carried the call out leaves each run once and whole."""

    class Died(BaseException):
        pass

    whole, num_calls = getattr(MlflowRuns, call), 0

    def dies(self, *args):
        nonlocal num_calls
        num_calls += 1
        if num_calls == 3 and not after:
            raise Died
        answer = whole(self, *args)
        if num_calls == 3:
            raise Died
        return answer

    tell(folder, 4)
    monkeypatch.setattr(MlflowRuns, call, dies)
    with pytest.raises(Died):
        deliver(folder)
    monkeypatch.undo()
    deliver(folder)
    assert_whole(uri, 4)


@pytest.mark.parametrize("call", ["create", "log", "set_status", "find", "experiment", "upload"])
def test_lost_answers_double_nothing(folder, uri, monkeypatch, call):
    """Every second call is carried out and then fails, as when the answer is lost."""
    whole, num_calls = getattr(MlflowRuns, call), 0

    def loses_answers(self, *args):
        nonlocal num_calls
        num_calls += 1
        answer = whole(self, *args)
        if num_calls % 2:
            raise UnreachableError("answer lost")
        return answer

    (folder / "sweep.yaml").write_text("name: first\n")
    monkeypatch.setattr(MlflowRuns, call, loses_answers)
    tell(folder, 3).artifact("sweep.yaml")
    deliver_to_the_end(folder)
    assert num_calls > 1
    assert_whole(uri, 3)


def deliver_to_the_end(folder):
    """Deliver with a driver at hand, who leaves when all is delivered."""
    Deliverer(folder, lambda: not undelivered(folder), QUICK).run()


def test_a_request_carried_out_after_the_look_up_leaves_one_run(folder, uri, monkeypatch):
    """The slowest case: a create seems lost, the look-up finds nothing, and then both creates are carried out."""
    create, late = MlflowRuns.create, []

    def seems_lost(self, *args):
        if len(late) == 1 and late[0][1] == args:
            create(*late[0][:1], *late[0][1])
            late.append(None)
        if args[1].endswith("t0001") and not late:
            late.append((self, args))
            raise UnreachableError("timed out")
        return create(self, *args)

    monkeypatch.setattr(MlflowRuns, "create", seems_lost)
    tell(folder, 3)
    deliver_to_the_end(folder)
    assert len(late) == 2
    assert_whole(uri, 3)


def test_alone_an_unreachable_store_ends_the_delivery_and_loses_nothing(folder, uri, monkeypatch):
    def down(self, *args):
        raise UnreachableError("connection refused")

    tell(folder, 2)
    monkeypatch.setattr(MlflowRuns, "create", down)
    with pytest.raises(Stopped, match="connection refused"):
        deliver(folder)
    monkeypatch.undo()
    assert undelivered(folder) == 12
    deliver(folder)
    assert_whole(uri, 2)


def test_what_is_refused_is_set_aside_and_the_rest_arrives(folder, uri):
    tracker = tell(folder, 2, end=False)
    deliver(folder)
    tracker.trial_started(1, {"x": 99, "new": 5}, {"dfkd.device": "cpu"})
    tracker.trial_finished(1, "COMPLETE", 1.0, None, {})
    tell_trial(tracker, 2)
    tracker.sweep_finished("finished")
    deliver(folder)
    (line,) = (folder / "spool" / "rejected.jsonl").read_text().splitlines()
    assert "Changing param values is not allowed" in json.loads(line)["why"]
    assert json.loads(line)["what"] == "('x', '99')"
    assert rejected(folder) == 1
    run = runs_of(uri)[1]
    assert run.data.params == {"x": "0.1", "student.width": "0.25", "new": "5"}
    assert run.data.tags["dfkd.device"] == "cpu"
    assert len(runs_of(uri)) == 3


def test_a_run_that_was_deleted_by_hand_is_told_of_once_counted_and_blocks_nothing(folder, uri, caplog):
    tracker = tell(folder, 2, end=False)
    deliver(folder)
    MlflowClient(uri).delete_run(run_ids(folder)[0])
    tracker.trial_rank(0, True, 0)
    tracker.trial_rank(1, True, 0)
    tracker.sweep_finished("finished")
    deliver(folder)
    refused = rejected(folder)
    assert refused > 0
    assert len((folder / "spool" / "rejected.jsonl").read_text().splitlines()) == refused
    assert [run.data.tags["dfkd.pareto"] for run in runs_of(uri)] == ["true"]
    tell_trial(tracker, 2)
    tracker.sweep_finished("finished")
    deliver(folder)
    assert (undelivered(folder), rejected(folder)) == (0, refused)
    kept = (folder / "spool" / "rejected.jsonl").read_text().splitlines()
    said = [record for record in caplog.records if "rejected, see spool/rejected.jsonl" in record.message]
    assert len(kept) == len(said) == refused, "further deliveries say nothing of it again"
    assert len({json.loads(line)["what"] for line in kept}) == refused
    assert len(runs_of(uri)) == 2
    assert MlflowClient(uri).get_run(run_ids(folder)[0]).info.lifecycle_stage == "deleted"


@pytest.mark.parametrize("deleted", ["the sweep's run", "every trial's run"])
def test_other_runs_that_were_deleted_by_hand_block_nothing_either(folder, uri, deleted):
    tracker, client = tell(folder, 2, end=False), MlflowClient(uri)
    deliver(folder)
    for run in runs_of(uri, "sweep" if deleted == "the sweep's run" else "trial"):
        client.delete_run(run.info.run_id)
    for _ in range(2):
        tracker.trial_rank(0, True, 0)
        tell_trial(tracker, 2)
        tracker.sweep_finished("finished")
        deliver(folder)
        assert undelivered(folder) == 0
    told = (folder / "spool" / "rejected.jsonl").read_text().splitlines()
    assert rejected(folder) == len(told) > 0
    assert len(runs_of(uri)) == (3 if deleted == "the sweep's run" else 1)


def test_ranks_are_kept_current_and_only_the_last_is_told(folder, uri, monkeypatch):
    tracker = tell(folder, 2, end=False)
    deliver(folder)
    calls, log = [], MlflowRuns.log
    monkeypatch.setattr(MlflowRuns, "log", lambda self, *args: (calls.append(args), log(self, *args)))
    for rank in (2, 1, 0):
        tracker.trial_rank(0, rank == 0, rank)
    tracker.trial_rank(1, False, None)
    deliver(folder)
    assert len(calls) == 2
    tags = [run.data.tags for run in runs_of(uri)]
    assert (tags[0]["dfkd.pareto"], tags[0]["dfkd.front_rank"], tags[1]["dfkd.pareto"]) == ("true", "0", "false")


def test_a_resumed_sweep_goes_on_in_the_same_runs(folder, uri):
    tracker = tell(folder, 1, end=False)
    tracker.trial_started(1, {"x": 0.1, "student.width": 0.25}, {})
    tracker.sweep_finished("interrupted")
    tracker.close()
    deliver(folder)
    assert runs_of(uri, "sweep")[0].info.status == "KILLED"
    tracker = tell(folder, 0, end=False)
    tell_trial(tracker, 1)
    deliver(folder)
    assert runs_of(uri, "sweep")[0].info.status == "RUNNING"
    tracker.sweep_finished("finished")
    deliver(folder)
    assert_whole(uri, 2)


def test_artifacts_lie_beside_the_database_with_the_content_of_the_time_of_delivery(folder, uri):
    (folder / "front").mkdir()
    tracker = tell(folder, 1, end=False)
    for content in ("old", "new"):
        (folder / "front" / "front.json").write_text(content)
        tracker.artifact("front/front.json")
    tracker.artifact("front/gone.html")
    deliver(folder)
    (parent,) = runs_of(uri, "sweep")
    assert [item.path for item in MlflowClient(uri).list_artifacts(parent.info.run_id, "front")] == ["front/front.json"]
    (stored,) = (folder.parent / "mlartifacts").rglob("front.json")
    assert stored.read_text() == "new"
    assert rejected(folder) == 1


def test_a_deleted_experiment_is_restored_and_that_is_told(folder, uri, caplog):
    client = MlflowClient(uri)
    client.delete_experiment(client.create_experiment("acceptance", (folder.parent / "mlartifacts").as_uri()))
    tell(folder, 2)
    deliver(folder)
    assert_whole(uri, 2)
    assert "experiment 'acceptance' had been deleted; it is restored" in caplog.text


def test_a_renamed_experiment_keeps_the_sweeps_runs_together(folder, uri):
    tell(folder, 2, end=False).close()
    deliver(folder)
    client = MlflowClient(uri)
    found = client.get_experiment_by_name("acceptance")
    client.rename_experiment(found.experiment_id, "renamed")
    tracker = tell(folder, 3)
    deliver(folder)
    assert client.get_experiment_by_name("acceptance") is None
    assert [run.data.tags["dfkd.trial_number"] for run in runs_of(uri, experiment="renamed")] == ["0", "1", "2"]
    client.delete_experiment(found.experiment_id)
    tell_trial(tracker, 3)
    deliver(folder)
    assert client.get_experiment(found.experiment_id).lifecycle_stage == "active"
    assert len(runs_of(uri, experiment="renamed")) == 4


def test_an_id_that_another_experiment_has_by_now_is_not_taken(folder, uri):
    """The database was replaced: the id that was known belongs to somebody else there."""
    theirs = MlflowClient(uri).create_experiment("somebody else's")
    (folder / "spool").mkdir()
    gone = dict.fromkeys(("sweep", "trial/0"), "0" * 32)
    DeliveryState(tracking_uri=uri, experiment_id=theirs, experiment="acceptance", runs=gone).save(folder)
    tell(folder, 2)
    deliver(folder)
    assert tracker_ids(folder)[1] != theirs
    assert MlflowClient(uri).search_runs([theirs]) == []
    assert_whole(uri, 2)


def test_an_experiment_says_that_models_are_developed_in_it(folder, uri):
    """Else MLflow's pages open it as evaluations of language models."""
    client = MlflowClient(uri)
    client.create_experiment("acceptance", tags={"mlflow.note.content": "the user's own words"})
    tell(folder, 1)
    deliver(folder)
    tags = client.get_experiment_by_name("acceptance").tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.note.content"] == "the user's own words"


def test_a_lost_state_file_is_made_up_from_mlflow(folder, uri):
    tracker = tell(folder, 2, end=False)
    deliver(folder)
    (folder / "spool" / "state.json").unlink()
    tracker.close()
    tracker = tell(folder, 0, end=False)
    tell_trial(tracker, 2)
    tracker.sweep_finished("finished")
    deliver(folder)
    assert len(runs_of(uri)) == 3
    assert len(runs_of(uri, "sweep")) == 1


def test_run_ids_that_the_store_does_not_know_are_looked_up_anew(folder, uri):
    """The database was replaced, by an older copy or an empty one."""
    tell(folder, 2)
    deliver(folder)
    state = DeliveryState.load(folder)
    state.runs = dict.fromkeys(state.runs, "0" * 32)
    state.save(folder)
    tracker = tell(folder, 0, end=False)
    tell_trial(tracker, 2)
    tracker.sweep_finished("finished")
    deliver(folder)
    assert_whole(uri, 3)


def test_later_trainings_of_a_trial_are_runs_of_their_own(folder, uri):
    tracker = tell(folder, 1, end=False)
    for seed in (1, 2):
        key = RunKey("confirm", 0, seed)
        tracker.trial_started(key, {"x": 0.0}, {})
        tracker.trial_epoch(key, 1, {"val/quality": 0.1 * seed})
        tracker.trial_finished(key, "COMPLETE", 1.0, None, {})
    deliver(folder)
    assert sorted(run.info.run_name for run in runs_of(uri, "confirm")) == [
        "first/t0000/confirm-1",
        "first/t0000/confirm-2",
    ]
    assert len(runs_of(uri)) == 1


def test_the_cursor_follows_within_a_round(folder, uri, monkeypatch):
    """What an interrupted round has delivered is not owed any more."""
    whole, num_calls = MlflowRuns.create, 0

    def down_from_the_fourth_on(self, *args):
        nonlocal num_calls
        num_calls += 1
        if num_calls > 3:
            raise UnreachableError("connection refused")
        return whole(self, *args)

    tell(folder, 4)
    monkeypatch.setattr(MlflowRuns, "create", down_from_the_fourth_on)
    with pytest.raises(Stopped):
        deliver(folder)
    assert DeliveryState.load(folder).cursor == 11
    monkeypatch.undo()
    deliver(folder)
    assert_whole(uri, 4)


def test_two_sweeps_share_one_database(folder, uri):
    other = sweep_folder(folder.parent, "second")
    tell(folder, 2)
    tell(other, 2, sweep_id="xyz")
    deliver(folder)
    deliver(other)
    assert_whole(uri, 2)
    assert len(runs_of(uri, sweep_id="xyz")) == 2


def test_a_damaged_line_is_set_aside(folder, uri):
    tell(folder, 2, end=False).close()
    (segment,) = (folder / "spool").glob("records-*.jsonl")
    segment.write_bytes(segment.read_bytes() + b"\0\0\n")
    tell_end = Tracker(folder)
    tell_end.sweep_finished("finished")
    deliver(folder)
    assert_whole(uri, 2)
    assert rejected(folder) == 1


def test_more_values_than_a_call_may_hold_arrive_all(folder, uri):
    tracker = tell(folder, 0, end=False)
    tracker.trial_started(0, {f"p{n}": n for n in range(230)}, {f"t{n}": n for n in range(230)})
    tracker.trial_epoch(0, 1, {f"m{n}": n for n in range(1900)})
    deliver(folder)
    (run,) = runs_of(uri)
    assert (len(run.data.params), len(run.data.metrics)) == (230, 1900)
    assert {f"t{n}" for n in range(230)} <= set(run.data.tags)


@pytest.mark.parametrize(("tracker", "is_local"), [(None, True), ("http://127.0.0.1:9", False)])
def test_only_what_asks_no_server_counts_as_setting_up(folder, monkeypatch, tracker, is_local):
    seen = []

    def look(then):
        seen.append(Health.load(folder).setting_up)
        return then

    def connect(*args):
        return look(mock.Mock(exists=lambda run: look(True), experiment=lambda *args: "1", find=lambda experiment: {}))

    monkeypatch.setattr(sweep_runs, "load_client", lambda: look(None))
    monkeypatch.setattr(sweep_runs, "MlflowRuns", connect)
    (folder / "spool").mkdir()
    DeliveryState(tracking_uri=tracker, runs={"sweep": "abc"}).save(folder)
    tell(folder, 0, uri=tracker)
    deliver(folder)
    assert seen == [True, is_local, False]


def test_a_full_disk_of_the_store_loses_nothing(folder, uri):
    """A real limit on file sizes stops the database half-way; with room again the rest arrives."""
    tell(folder, 12)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(Stopped, match="disk"):
            deliver(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert undelivered(folder) > 0
    deliver(folder)
    assert_whole(uri, 12)


def test_a_full_disk_of_the_spool_stops_the_cursor_only(folder, uri, monkeypatch):
    def full(self, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    tell(folder, 2)
    monkeypatch.setattr(DeliveryState, "save", full)
    with pytest.raises(Stopped, match="the spool cannot be written"):
        deliver(folder)
    monkeypatch.undo()
    assert undelivered(folder) == 12
    deliver(folder)
    assert_whole(uri, 2)
