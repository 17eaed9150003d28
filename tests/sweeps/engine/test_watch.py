"""What the driver looks after between Tune's events."""

from types import SimpleNamespace

import pytest

from sweeps.engine.watch import STOP_REQUEST, Watch
from sweeps.record.driver_lock import LockLost


class Parts(SimpleNamespace):
    """The driver's parts, which note what is asked of them."""

    def __init__(self, folder, hours=None, spent_s=0.0):
        self.asked = []
        ledger = SimpleNamespace(attrs=lambda: {"spent_s": spent_s}, set_attr=lambda *a: self.asked.append(a))
        self.conductor = SimpleNamespace(
            home=folder,
            ledger=ledger,
            closed=False,
            spec=SimpleNamespace(budget=SimpleNamespace(hours=hours)),
            stop=lambda reason: self.asked.append(("stop", reason)),
        )
        self.updates = SimpleNamespace(
            refresh=lambda: self.asked.append("refresh"), finished=lambda *a: self.asked.append(("front", *a))
        )
        self.lock = SimpleNamespace(check=lambda: None)
        self.delivery = SimpleNamespace(keep_alive=lambda: self.asked.append("keep_alive"))
        self.display = SimpleNamespace(
            update=lambda *a: self.asked.append("display"), finished=lambda *a: self.asked.append("shown")
        )

    def watch(self):
        return Watch(self.conductor, self.updates, self.lock, self.delivery, self.display)


def test_every_look_refreshes_front_delivery_and_display(tmp_path):
    parts = Parts(tmp_path)
    parts.watch()()
    assert parts.asked == ["refresh", "keep_alive", "display"]


def test_a_stop_request_is_honoured_once_also_when_it_came_before_the_first_look(tmp_path):
    """A driver may prepare data for an hour before it looks around."""
    (tmp_path / STOP_REQUEST).touch()
    parts = Parts(tmp_path)
    watch = parts.watch()
    watch()
    watch()
    assert parts.asked.count(("stop", "stopped by request")) == 1
    assert not (tmp_path / STOP_REQUEST).exists()


@pytest.mark.parametrize(("hours", "closed"), [(None, False), (2.0, False), (0.9, True)])
def test_hours_add_up_over_resumes(tmp_path, hours, closed):
    parts = Parts(tmp_path, hours, spent_s=3600.0)
    parts.watch()()
    assert parts.conductor.closed is closed


def test_time_is_noted_every_now_and_then(tmp_path, monkeypatch):
    parts = Parts(tmp_path, spent_s=100.0)
    watch = parts.watch()
    watch._noted -= 11
    watch()
    watch()
    assert [note for note in parts.asked if note[0] == "spent_s"] == [("spent_s", pytest.approx(100.0, abs=1))]


def test_a_lost_lock_ends_the_driver(tmp_path):
    parts = Parts(tmp_path)

    def lost():
        raise LockLost("another driver")

    parts.lock.check = lost
    with pytest.raises(LockLost):
        parts.watch()()
    assert parts.asked == []
