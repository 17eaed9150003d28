"""What the driver looks after between Tune's events."""

import math
from collections import deque
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest

from sweeps.engine.driving.stopping import STOP_REQUEST
from sweeps.engine.driving.watch import Watch
from sweeps.record.driver_lock import LockLost
from sweeps.record.trials import TrialRecord, TrialState


class Parts(SimpleNamespace):
    """The driver's parts, which note what is asked of them."""

    def __init__(self, folder, hours=None, spent_s=0.0):
        self.asked = []
        budget = SimpleNamespace(hours=hours, trials=6)
        self.ledger = SimpleNamespace(
            attrs=lambda: {"spent_s": spent_s, "usage": {"worked_s": 5.0, "room_s": 9.0}},
            set_attr=lambda *a: self.asked.append(a),
            spec=SimpleNamespace(budget=budget),
        )
        self.conductor = SimpleNamespace(
            notes=deque(),
            live={0: SimpleNamespace(started=1.0), 1: SimpleNamespace(started=None)},
            counts={TrialState.COMPLETE: 2},
            run_of=lambda number: number,
            spec=SimpleNamespace(name="x", objectives=(), budget=budget),
            stop=lambda reason: self.asked.append(("stop", reason)),
        )
        self.updates = SimpleNamespace(
            hypervolume=0.5,
            front=(),
            refresh=lambda: self.asked.append("refresh"),
            finished=lambda record: self.asked.append(("front", record.number)),
        )
        self.lock = SimpleNamespace(folder=folder, check=lambda: None)
        self.delivery = SimpleNamespace(keep_alive=lambda: self.asked.append("keep_alive"))
        self.display = SimpleNamespace(
            note=self.asked.append,
            update=self.asked.append,
            finished=lambda view, name, record: self.asked.append(name),
        )

    def watch(self):
        """A watch that looks at these parts."""
        watch = Watch(self.ledger, self.lock, self.updates, self.delivery, self.display, lambda: 3)
        return SimpleNamespace(look=lambda: watch(self.conductor), watch=watch)


def test_every_look_refreshes_front_delivery_and_display(tmp_path):
    parts = Parts(tmp_path)
    parts.watch().look()
    *others, view = parts.asked
    assert others == ["refresh", "keep_alive"]
    assert view.counts == {TrialState.COMPLETE: 2, TrialState.RUNNING: 1}
    assert (view.num_finished, view.num_trials, view.hypervolume) == (2, 6, 0.5)
    with pytest.raises(FrozenInstanceError):
        view.hypervolume = 1.0


def test_the_time_of_trials_at_work_and_of_room_for_them_is_added_up_over_drivers(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("sweeps.engine.driving.watch.time.monotonic", lambda: now[0])
    parts = Parts(tmp_path)
    told = parts.watch()
    now[0] += 7.0
    told.look()
    told.watch.note_time()
    assert ("usage", {"worked_s": 12.0, "room_s": 30.0}) in parts.asked


def test_the_end_of_a_trial_is_told_to_the_front_and_then_shown(tmp_path):
    parts = Parts(tmp_path)
    parts.watch().watch.finished(parts.conductor, TrialRecord(3, TrialState.COMPLETE))
    assert parts.asked == [("front", 3), "trial 3"]


def test_a_stop_request_is_honoured_once_also_when_it_came_before_the_first_look(tmp_path):
    """A driver may prepare data for an hour before it looks around."""
    (tmp_path / STOP_REQUEST).touch()
    parts = Parts(tmp_path)
    watch = parts.watch()
    watch.look()
    watch.look()
    assert parts.asked.count(("stop", "stopped by request")) == 1
    assert not (tmp_path / STOP_REQUEST).exists()


@pytest.mark.parametrize(("hours", "left_s"), [(None, math.inf), (2.0, 3600.0), (0.9, -360.0)])
def test_hours_add_up_over_resumes(tmp_path, hours, left_s):
    assert Parts(tmp_path, hours, spent_s=3600.0).watch().watch.left_s() == pytest.approx(left_s, abs=5)


def test_time_is_noted_every_now_and_then(tmp_path, monkeypatch):
    parts = Parts(tmp_path, spent_s=100.0)
    watch = parts.watch()
    watch.watch._noted -= 11
    watch.look()
    watch.look()
    noted = [note for note in parts.asked if isinstance(note, tuple)]
    assert noted[0] == ("spent_s", pytest.approx(100.0, abs=1)) and [name for name, _ in noted] == ["spent_s", "usage"]


def test_a_lost_lock_ends_the_driver(tmp_path):
    parts = Parts(tmp_path)

    def lost():
        raise LockLost("another driver")

    parts.lock.check = lost
    with pytest.raises(LockLost):
        parts.watch().look()
    assert parts.asked == []


def test_lines_that_wait_are_shown_once(tmp_path):
    parts = Parts(tmp_path)
    notes = ["n1 was sent speech", "n2 does not see the folder"]
    parts.conductor.notes.extend(notes)
    watch = parts.watch()
    watch.look()
    watch.look()
    assert [line for line in parts.asked if str(line).startswith("n")] == [
        "n1 was sent speech",
        "n2 does not see the folder",
    ]
