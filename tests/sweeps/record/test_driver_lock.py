"""One driver at a time, whatever became of the one before."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from dfkd_core.errors import ConfigError
from sweeps.record import driver_lock, process_identity
from sweeps.record.driver_lock import (
    NAME,
    STALE_S,
    DriverLock,
    Holder,
    LockLost,
    holds,
    live_holder,
    read_holder,
    wait_for_silence,
)

HOLD = """
import sys, time
from pathlib import Path
from dfkd_core.errors import ConfigError
from sweeps.record.driver_lock import DriverLock
while time.time() < float(sys.argv[2]):
    pass
try:
    lock = DriverLock.acquire(Path(sys.argv[1]))
    print("held", flush=True)
    time.sleep(60)
except ConfigError:
    print("refused", flush=True)
"""


def driver(folder, begin=0.0):
    return subprocess.Popen([sys.executable, "-c", HOLD, str(folder), str(begin)], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def other(tmp_path):
    process = driver(tmp_path)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def write_lock(folder, **changes):
    holder = replace(Holder.this_process(), **changes)
    (folder / NAME).write_text(json.dumps(asdict(holder)))
    return holder


def test_a_live_holder_is_named_by_host_and_pid(tmp_path, other):
    with pytest.raises(ConfigError, match=f"process {other.pid} on {socket.gethostname()}.*dfkd sweep stop"):
        DriverLock.acquire(tmp_path)
    assert live_holder(tmp_path).pid == other.pid


def test_a_dead_driver_does_not_block(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert live_holder(tmp_path) is None
    lock = DriverLock.acquire(tmp_path)
    assert read_holder(tmp_path).pid == os.getpid()
    lock.release()


def test_a_driver_that_is_dead_but_not_waited_for_does_not_block(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert live_holder(tmp_path) is None


def test_a_recycled_process_id_is_not_the_driver(tmp_path):
    write_lock(tmp_path, start="12345")
    assert live_holder(tmp_path) is None
    DriverLock.acquire(tmp_path).release()


def test_a_clock_set_back_makes_no_live_driver_dead(tmp_path, other, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr("psutil.boot_time", lambda: 7.0)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 7.0, raising=False)
    with pytest.raises(ConfigError, match="is driven by"):
        DriverLock.acquire(tmp_path)


@pytest.mark.parametrize("age_s", [0.0, STALE_S - 1])
def test_a_driver_elsewhere_is_alive_while_its_heartbeat_is_young(tmp_path, age_s):
    holder = write_lock(tmp_path, host="far", place="another boot")
    beat = (tmp_path / NAME).stat().st_mtime
    assert live_holder(tmp_path, lambda folder: beat + age_s) == holder


def test_a_driver_elsewhere_is_dead_once_its_heartbeat_is_old(tmp_path):
    write_lock(tmp_path, host="far", place="another boot")
    os.utime(tmp_path / NAME, (time.time() - STALE_S - 5,) * 2)
    assert live_holder(tmp_path) is None
    DriverLock.acquire(tmp_path).release()


def test_ages_are_measured_on_the_file_servers_clock(tmp_path, monkeypatch):
    """This host's own clock may be wrong by hours."""
    write_lock(tmp_path, host="far", place="another boot")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert live_holder(tmp_path) is not None


def test_the_same_host_name_after_a_reboot_or_in_another_container_is_elsewhere(tmp_path):
    """There, a process id says nothing: this very id may be somebody else's."""
    holder = write_lock(tmp_path, place="another boot")
    assert live_holder(tmp_path) == holder


def beats(lock):
    """Wait until the lock is young again."""
    deadline = time.monotonic() + 60
    while not (young := lock.path.stat().st_mtime > 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    return young


def test_a_heartbeat_keeps_the_lock_young(tmp_path, monkeypatch):
    monkeypatch.setattr(driver_lock, "HEARTBEAT_S", 0.02)
    lock = DriverLock.acquire(tmp_path)
    os.utime(lock.path, (0, 0))
    assert beats(lock)
    lock.release()


def test_a_heartbeat_survives_a_file_server_that_hesitates(tmp_path, monkeypatch):
    monkeypatch.setattr(driver_lock, "HEARTBEAT_S", 0.02)
    lock, utime, failures = DriverLock.acquire(tmp_path), os.utime, iter([OSError(116, "Stale file handle")] * 3)

    def hesitate(path, *arguments):
        for error in failures:
            raise error
        utime(path, *arguments)

    os.utime(lock.path, (0, 0))
    monkeypatch.setattr(os, "utime", hesitate)
    assert beats(lock)
    assert next(failures, None) is None
    lock.release()


def test_a_driver_that_lost_its_lock_knows_at_once_and_leaves_the_new_one_alone(tmp_path):
    lock = DriverLock.acquire(tmp_path)
    lock.check()
    new = write_lock(tmp_path, session="another")
    assert not holds(tmp_path, lock.session)
    with pytest.raises(LockLost, match="another driver"):
        lock.check()
    lock.release()
    assert read_holder(tmp_path) == new


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"host": 1}', "null"])
def test_an_unreadable_lock_is_nobodys(tmp_path, text):
    (tmp_path / NAME).write_text(text)
    assert live_holder(tmp_path) is None
    DriverLock.acquire(tmp_path).release()
    assert not (tmp_path / NAME).exists()


def test_of_many_takers_of_a_dead_lock_exactly_one_succeeds(tmp_path):
    write_lock(tmp_path, pid=2**22 - 1, start="1")
    begin = time.time() + 1.5
    takers = [driver(tmp_path, begin) for _ in range(4)]
    try:
        said = sorted(taker.stdout.readline() for taker in takers)
        assert said == ["held\n", "refused\n", "refused\n", "refused\n"]
    finally:
        for taker in takers:
            taker.kill()
            taker.wait()


def test_a_release_of_a_folder_that_is_gone_is_no_error(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    lock = DriverLock.acquire(folder)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    lock.release()
    assert not folder.exists()


def test_a_process_is_known_by_its_start(other):
    pid, start = process_identity.this_process()
    assert process_identity.is_running(pid, start)
    assert not process_identity.is_running(pid, start + "0")
    assert process_identity.start_of(other.pid) not in (None, start)
    assert process_identity.start_of(2**22 - 1) is None


def test_a_driver_elsewhere_that_has_fallen_silent_is_waited_for_until_it_counts_as_dead(tmp_path, monkeypatch):
    monkeypatch.setattr(driver_lock, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(driver_lock, "STALE_S", 0.6)
    elsewhere = replace(Holder.this_process(), place="another boot", host="box")
    (tmp_path / NAME).write_text(json.dumps(asdict(elsewhere)))
    wait_for_silence(tmp_path)
    assert live_holder(tmp_path) is None


def test_a_driver_that_lives_is_not_waited_for(tmp_path, monkeypatch):
    wait_for_silence(tmp_path)
    here = DriverLock.acquire(tmp_path)
    wait_for_silence(tmp_path)
    here.release()
    elsewhere = replace(Holder.this_process(), place="another boot", host="box")
    (tmp_path / NAME).write_text(json.dumps(asdict(elsewhere)))
    monkeypatch.setattr(
        driver_lock.time, "sleep", lambda seconds: (tmp_path / NAME).write_text((tmp_path / NAME).read_text())
    )
    wait_for_silence(tmp_path)
    assert live_holder(tmp_path) is not None
