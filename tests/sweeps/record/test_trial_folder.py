"""A trial's files: checkpoints whole or not at all, kept generations, a fall-back from damage."""

import errno
import json
import multiprocessing
import os
import pickle
import signal
import time
from types import SimpleNamespace

import pytest
from closed_form import Curve
from ray.exceptions import RayTaskError

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import Crossing
from sweeps.engine.deciding.failures import FailureKind
from sweeps.engine.deciding.inputs import Inputs
from sweeps.engine.on_ray import trainable, trial_desk
from sweeps.engine.on_ray.by_value import by_value
from sweeps.engine.on_ray.trainable import TrialError, TrialRunner, WorkOrder
from sweeps.engine.on_ray.trial_desk import Keeper
from sweeps.record.trial_folder import KEPT, TrialFolder, read_state
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.workload import FreeDomain


@pytest.fixture
def files(tmp_path):
    folder = TrialFolder(tmp_path, 7)
    folder.create({"x": 0.5})
    return folder


def saver(content="whole"):
    return lambda directory: (directory / "state").write_text(content)


def test_a_trials_folder_is_named_by_its_number_and_holds_its_config(files, tmp_path):
    assert files.path == tmp_path / "trials" / "0007"
    assert (files.path / "config.yaml").read_text() == "x: 0.5\n"


def test_a_checkpoint_holds_state_epoch_and_metrics(files):
    path = files.save(3, {"m": 0.25}, saver())
    assert (path / "state").read_text() == "whole"
    assert read_state(path) == (3, {"m": 0.25})


def test_the_newest_generations_are_kept(files):
    for epoch in range(1, 6):
        files.save(epoch, {}, saver())
    assert [read_state(path)[0] for path in files.generations()] == [5, 4]
    assert len(list(files.checkpoints.iterdir())) == KEPT


@pytest.mark.parametrize("kept", [True, False])
def test_the_clips_of_the_last_epoch_lie_beside_the_result(files, kept):
    for epoch in (1, 2):
        table = ClipTable(("a",), Crossing(("x",), ("y",)), {"m": (float(epoch),)})
        files.save(epoch, {}, table.write if kept else saver())
    files.finish(TrialRecord(7, TrialState.COMPLETE), FreeDomain(), dict)
    found = ClipTable.read(files.path)
    assert (found.scores if found else None) == ({"m": (2.0,)} if kept else None)
    assert files.has_result


def test_a_save_that_fails_leaves_what_was_there(files):
    files.save(1, {}, saver())

    def fail(directory):
        (directory / "state").write_text("half")
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.save(2, {}, fail)
    assert [path.name for path in files.checkpoints.iterdir()] == ["00001"]


def test_an_epoch_saved_again_replaces_the_old_one(files):
    files.save(1, {"m": 1.0}, saver("old"))
    path = files.save(1, {"m": 2.0}, saver("new"))
    assert (path / "state").read_text() == "new"
    assert read_state(path)[1] == {"m": 2.0}


def die_while_saving(files):
    def hang(directory):
        (directory / "state").write_text("half")
        time.sleep(60)

    files.save(2, {}, hang)


def test_a_death_in_the_middle_of_a_save_leaves_the_last_checkpoint_and_no_rubbish(files):
    files.save(1, {}, saver())
    process = multiprocessing.get_context("fork").Process(target=die_while_saving, args=(files,))
    process.start()
    while not list(files.checkpoints.glob(".tmp-*/state")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert [read_state(path)[0] for path in files.generations()] == [1]
    files.claim("the next worker")
    files.save(2, {}, saver())
    assert sorted(path.name for path in files.checkpoints.iterdir()) == ["00001", "00002"]


def record(state=TrialState.COMPLETE):
    return TrialRecord(7, state, {"x": 0.5}, {"m": 1.0}, 2, 1.0, None)


class Publishes(FreeDomain):
    def publish(self, checkpoint, folder, config, result):
        (folder / "model").write_text(f"{checkpoint.name} {config} {result['state']}")


def test_the_end_publishes_the_newest_checkpoint_and_then_writes_the_result(files):
    files.save(1, {}, saver())
    files.save(2, {}, saver())
    assert not files.has_result
    files.finish(record(), Publishes(), lambda: "parsed")
    assert (files.path / "model").read_text() == "00002 parsed COMPLETE"
    assert json.loads((files.path / "result.json").read_text())["metrics"] == {"m": 1.0}
    assert files.has_result


def test_a_trial_without_a_checkpoint_has_a_result_too(tmp_path):
    TrialFolder(tmp_path, 1).finish(record(TrialState.FAILED), Publishes(), pytest.fail)
    assert TrialFolder(tmp_path, 1).has_result


class Runner(TrialRunner):
    """A worker without Ray around it."""

    def __init__(self, folder, config, keeper=None):
        plan = WorkOrder(folder, folder, "session", by_value(Curve), Inputs({}, 5), keeper)
        self.setup({"number": 7, "config": json.dumps(config), "start_hash": None, "inputs": ("", {})}, plan)


@pytest.fixture(params=["near", "far"])
def worker(request, tmp_path, monkeypatch):
    """A worker on a node that sees the sweep folder, or on one that hands its files over."""
    monkeypatch.setattr(trial_desk, "holds", lambda folder, session: True)
    monkeypatch.setattr(trainable, "this_node", lambda: "1a2b3c4d5e6f")
    keeper = None if request.param == "near" else beside(Keeper(tmp_path, tmp_path, "session"), monkeypatch)
    TrialFolder(tmp_path, 7).create({})
    return lambda: Runner(tmp_path, {"x": 0.5, "size": 0.5}, keeper)


def beside(keeper, monkeypatch):
    """A keeper called as an actor, without Ray: what travels is pickled, what it raises comes as Ray's error."""

    def remote(method):
        def call(*arguments):
            try:
                return pickle.loads(pickle.dumps(method(*pickle.loads(pickle.dumps(arguments)))))
            except Exception as error:
                raise RayTaskError("call", "traceback", error) from None

        return lambda *arguments: lambda: call(*arguments)

    names = [name for name in vars(Keeper) if not name.startswith("_")]
    monkeypatch.setattr(trial_desk.ray, "get", lambda waiting: waiting())
    return SimpleNamespace(**{name: SimpleNamespace(remote=remote(getattr(keeper, name))) for name in names})


def test_a_trial_taken_up_again_first_repeats_its_last_report(worker):
    first = worker()
    reports = [first.step() for _ in range(3)]
    again = worker()
    assert again.step() == reports[-1]
    assert again.step()["epoch"] == 4


@pytest.mark.parametrize("name", ["curve.json", "epoch.json"])
@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"{"])
def test_a_damaged_newest_checkpoint_costs_one_epoch(worker, tmp_path, name, content):
    """A power cut may leave the renamed folder with empty files."""
    first = worker()
    for _ in range(3):
        first.step()
    files = TrialFolder(tmp_path, 7)
    (files.generations()[0] / name).write_bytes(content)
    assert worker().step()["epoch"] == 2
    assert "00003 cannot be used, trying an older one" in (files.path / "log.txt").read_text()


def test_without_a_readable_checkpoint_a_trial_begins_anew(worker, tmp_path):
    first = worker()
    for _ in range(3):
        first.step()
    for path in TrialFolder(tmp_path, 7).generations():
        (path / "curve.json").unlink()
    assert worker().step()["epoch"] == 1


def test_a_worker_whose_driver_lost_the_sweep_writes_nothing(worker, tmp_path, monkeypatch):
    first = worker()
    first.step()
    monkeypatch.setattr(trial_desk, "holds", lambda folder, session: False)
    with pytest.raises(TrialError, match="RuntimeError: this worker's driver no longer holds the sweep"):
        first.step()
    assert [path.name for path in TrialFolder(tmp_path, 7).generations()] == ["00001"]


def test_a_worker_that_was_cut_off_does_not_write_beside_the_one_that_took_over(worker, tmp_path):
    """Its node lost the network, not its life: it comes to the end of its epoch and must not save."""
    first = worker()
    first.step()
    second = worker()
    assert second.step()["epoch"] == 1
    with pytest.raises(TrialError, match="RuntimeError: another worker has taken this trial up"):
        first.step()
    assert second.step()["epoch"] == 2


def test_a_reused_worker_keeps_nothing_of_the_trial_before(worker, tmp_path):
    first = worker()
    first.step()
    TrialFolder(tmp_path, 8).create({})
    assert first.reset_config(
        {"number": 8, "config": json.dumps({"x": 0.1, "size": 0.5}), "start_hash": None, "inputs": ("", {})}
    )
    report = first.step()
    assert report["epoch"] == 1
    assert first.workload.config["x"] == 0.1


def test_a_disk_that_is_full_where_the_folder_lies_is_told_as_that(worker, tmp_path, monkeypatch):
    """Nearby or handed over: the sweep gives up, and the trial waits for room."""
    first = worker()
    first.step()

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(TrialFolder, "save", refuse)
    with pytest.raises(TrialError) as caught:
        first.step()
    assert caught.value.kind == FailureKind.DISK_FULL


def test_what_a_trial_prints_is_in_its_log(worker, tmp_path, monkeypatch):
    first = worker()
    step = first.step
    monkeypatch.setattr(Curve, "_note", lambda self: print(f"epoch {self.epoch} of x {self.config['x']}"))
    step(), step()
    assert (tmp_path / "trials" / "0007" / "log.txt").read_text() == "epoch 1 of x 0.5\nepoch 2 of x 0.5\n"


@pytest.mark.parametrize("name", ["../0008/config.yaml", "/etc/passwd", "a/../../b"])
def test_a_file_that_would_lie_outside_of_its_checkpoint_is_not_written(tmp_path, name):
    with pytest.raises(ValueError, match="outside of its checkpoint"):
        trial_desk.unpack({name: b"x"}, tmp_path / "00001")
    assert not list(tmp_path.rglob("*"))


def test_a_folder_travels_whole(tmp_path):
    (tmp_path / "from" / "deep").mkdir(parents=True)
    for name in ("weights", "deep/state"):
        (tmp_path / "from" / name).write_bytes(name.encode() * 3)
    trial_desk.unpack(trial_desk.pack(tmp_path / "from"), tmp_path / "to")
    assert (tmp_path / "to" / "deep" / "state").read_bytes() == b"deep/state" * 3
    assert (tmp_path / "to" / "weights").read_bytes() == b"weights" * 3


def test_what_lies_in_place_of_a_trial_that_was_just_drawn_is_removed_with_a_word(files, caplog):
    files.save(1, {"a": 1.0}, saver())
    files.discard()
    assert not files.path.exists() and "belongs to a trial that the ledger does not know" in caplog.text
    files.discard()
    assert len(caplog.records) == 1
