"""The delivery process: it ends with its driver, alone on its spool, and can be killed at any moment."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from filelock import FileLock
from tracked_sweeps import assert_whole, runs_of, sweep_folder, tell

from sweeps.tracking import delivery
from sweeps.tracking.delivery import (
    deliver_all,
    run_ids,
    start_delivery,
    tracker_ids,
    trouble,
    undelivered,
    wait_delivered,
)
from sweeps.tracking.spool_state import DeliveryState, Health

DRIVER = """
import sys, time
from pathlib import Path
from sweeps.tracking.delivery import start_delivery
from tracked_sweeps import tell
folder = Path(sys.argv[1])
handle = start_delivery(folder)
tell(folder, 3)
print(handle.pid, flush=True)
time.sleep(120)
"""


@pytest.fixture(autouse=True)
def _no_uri_in_the_environment(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def folder(tmp_path):
    return sweep_folder(tmp_path / "runs")


@pytest.fixture
def uri(folder):
    return f"sqlite:///{folder.parent}/mlflow.db"


def until(condition, timeout_s=240):
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_two_sweeps_are_delivered_into_one_database_at_once(folder, uri):
    """And neither an interrupt nor a termination signal to the process group ends a delivery."""
    other = sweep_folder(folder.parent, "second")
    (folder.parent / "mlflow.db").unlink()
    folders = {"abc": folder, "xyz": other}
    handles = {sweep_id: start_delivery(one) for sweep_id, one in folders.items()}
    for sweep_id, one in folders.items():
        tell(one, 5, sweep_id=sweep_id)
    assert until(lambda: Health.load(folder).pid)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(handles["abc"].pid, number)
    for sweep_id, one in folders.items():
        assert wait_delivered(one, handles[sweep_id], 240) == 0
        assert_whole(uri, 5, sweep_id)
    assert until(lambda: not any(handle.is_alive for handle in handles.values()))
    assert (folder / "spool" / "delivery.log").read_text() == ""


def test_a_killed_delivery_is_started_again_and_doubles_nothing(folder, uri):
    tell(folder, 12)
    handle = start_delivery(folder)
    killed = handle.pid
    assert until(lambda: DeliveryState.load(folder).unsure or not undelivered(folder))
    os.kill(killed, signal.SIGKILL)
    assert wait_delivered(folder, handle, 240) == 0
    assert handle.pid != killed
    assert_whole(uri, 12)
    handle.stop()


def test_a_delivery_killed_while_mlflow_makes_its_tables_leaves_a_database_that_can_be_used(tmp_path):
    folder = sweep_folder(tmp_path / "runs", database=False)
    tell(folder, 2)
    handle = start_delivery(folder)
    assert until(lambda: list(folder.parent.glob("mlflow.db.new-*-wal")))
    assert handle.is_setting_up
    handle.stop()
    assert not (folder.parent / "mlflow.db").exists()
    assert trouble(folder) == "MLflow was still being set up on this busy machine"
    assert deliver_all(folder, 240) == 0
    assert_whole(f"sqlite:///{folder.parent}/mlflow.db", 2)
    assert trouble(folder) is None
    assert not list(folder.parent.glob("mlflow.db.new-*"))


def test_a_driver_killed_outright_takes_its_delivery_along_once_all_is_delivered(folder, uri):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder)], stdout=subprocess.PIPE, env=environment)
    delivery = psutil.Process(int(driver.stdout.readline()))
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert until(lambda: not delivery.is_running() or delivery.status() == psutil.STATUS_ZOMBIE)
    assert undelivered(folder) == 0
    assert_whole(uri, 3)


def test_a_second_delivery_of_one_spool_waits_for_the_first(folder, uri):
    tell(folder, 2)
    with FileLock(folder / "spool" / "delivery.lock"):
        handle = start_delivery(folder)
        assert wait_delivered(folder, handle, 3) == 12
        assert handle.is_alive
    assert wait_delivered(folder, handle, 240) == 0
    assert_whole(uri, 2)
    handle.stop()


def test_without_a_server_waiting_ends_and_everything_is_still_owed(folder, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ann:planted-pw@127.0.0.1:9")
    tell(folder, 2)
    handle = start_delivery(folder)
    assert until(lambda: Health.load(folder).trouble)
    began = time.monotonic()
    assert wait_delivered(folder, handle, 1.0) == 12
    assert time.monotonic() - began < 30
    handle.stop()
    assert tracker_ids(folder) == (None, None, None) or tracker_ids(folder)[0] == "http://127.0.0.1:9"
    assert run_ids(folder) == {}
    assert "not delivered" in (folder / "spool" / "delivery.log").read_text()
    for path in folder.rglob("*"):
        assert path.is_dir() or b"planted-pw" not in path.read_bytes()


def test_delivering_all_delivers_what_an_interrupted_sweep_owes(folder, uri):
    tell(folder, 2, end=False).close()
    assert deliver_all(folder, 240) == 0
    assert len(runs_of(uri)) == 2
    assert deliver_all(folder, 240) == 0


def test_nothing_in_the_working_directory_is_run(folder, uri, tmp_path, monkeypatch):
    """A folder that somebody else has filled may hold files named like modules."""
    for name in ("filelock", "mlflow", "sweeps", "json", "psutil", "sqlalchemy", "yaml", "sitecustomize", "dfkd_core"):
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\nPath(__file__).with_suffix('.ran').touch()\n")
    monkeypatch.chdir(tmp_path)
    tell(folder, 1)
    assert deliver_all(folder, 240) == 0
    assert_whole(uri, 1)
    assert list(tmp_path.glob("*.ran")) == []


class FakeHandle:
    """A delivery that needs no process: every poll, of a tenth of a second, delivers one record, or none."""

    def __init__(self, folder, failing_s=0.0, set_up_s=0.0):
        self.folder, self.failing_s, self.set_up_s = folder, failing_s, set_up_s

    @property
    def is_setting_up(self):
        return self.set_up_s > 0

    def trouble_age_s(self):
        return self.failing_s

    def keep_alive(self):
        self.set_up_s -= 0.1
        state = DeliveryState.load(self.folder)
        state.cursor += self.failing_s == 0 and not self.is_setting_up
        state.save(self.folder)


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on with pauses only; what it shows."""
    now = [100.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(delivery, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0], sleep=sleep))
    return lambda: now[0]


def test_waiting_goes_on_while_records_arrive(folder, clock):
    tell(folder, 2)
    assert wait_delivered(folder, FakeHandle(folder), 0.3) == 0


def test_a_server_too_slow_for_the_rest_is_not_waited_for(folder, clock):
    """A server of five seconds a call gets on, and still the driver does not wait for all of it."""
    tell(folder, 20)
    began = clock()
    assert 0 < wait_delivered(folder, FakeHandle(folder), 0.6, longest_s=5.0) < 102
    assert clock() - began < 4.5


def test_all_is_waited_for_when_asked(folder, clock):
    """`sync` goes on as long as anything moves."""
    tell(folder, 4)
    assert wait_delivered(folder, FakeHandle(folder), 0.6, longest_s=math.inf) == 0


def test_a_delivery_that_failed_for_long_is_not_waited_for(folder, clock):
    tell(folder, 2)
    began = clock()
    assert wait_delivered(folder, FakeHandle(folder, failing_s=100.0), 20.0) == 12
    assert clock() - began < 5


def test_setting_mlflow_up_uses_up_no_patience(folder, clock):
    """A busy machine needs a minute for what takes two seconds on a quiet one, and a kill would only begin it anew."""
    tell(folder, 2)
    began = clock()
    assert wait_delivered(folder, FakeHandle(folder, set_up_s=10.0), 2.0, longest_s=6.0) == 0
    assert 10 < clock() - began < 15


def test_setting_up_is_not_waited_for_without_end(folder, clock):
    tell(folder, 2)
    began = clock()
    assert wait_delivered(folder, FakeHandle(folder, set_up_s=math.inf), 1.0) == 12
    assert 15 < clock() - began < 17


def test_after_a_second_interrupt_nothing_is_waited_for(folder, clock):
    tell(folder, 2)
    began = clock()
    assert wait_delivered(folder, FakeHandle(folder, set_up_s=math.inf), 0.0) == 12
    assert clock() - began < 1
