"""The journal survives its writers: torn lines, full disks, dead holders of its lock, many processes."""

import errno
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.storages import JournalStorage

from dfkd_core.errors import DFKDError
from sweeps.record.journal import DurableJournal, cut_torn_line


def logs(path):
    return list(DurableJournal(path).read_logs(0))


@given(
    lines=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=5), tail=st.binary(max_size=20)
)
@settings(max_examples=60, deadline=None)
def test_only_what_follows_the_last_newline_is_cut(tmp_path_factory, lines, tail):
    path = tmp_path_factory.getbasetemp() / "lines"
    whole = b"".join(line + b"\n" for line in lines)
    path.write_bytes(whole + tail.replace(b"\n", b""))
    cut_torn_line(path)
    assert path.read_bytes() == whole


def test_a_torn_line_longer_than_a_block_is_cut(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"a":1}\n' + b"x" * 200_000)
    cut_torn_line(path)
    assert path.read_bytes() == b'{"a":1}\n'


@pytest.mark.parametrize("torn", [b'{"op_code":4', b'{"a":1}', b"\0" * 5000, b"\xff\xfe"])
def test_a_writer_goes_on_behind_a_torn_line(tmp_path, torn):
    """Optuna's own backend appends to the torn line, and every later read of the file raises."""
    path = tmp_path / "j"
    DurableJournal(path).append_logs([{"n": 1}])
    with path.open("ab") as file:
        file.write(torn)
    assert logs(path) == [{"n": 1}]
    DurableJournal(path).append_logs([{"n": 2}])
    assert logs(path) == [{"n": 1}, {"n": 2}]


def test_a_reader_changes_nothing(tmp_path):
    """`status` may run while the driver is in the middle of a line, or as a user who may not write."""
    path = tmp_path / "j"
    DurableJournal(path).append_logs([{"n": 1}])
    with path.open("ab") as file:
        file.write(b'{"half')
    before = path.read_bytes()
    assert logs(path) == [{"n": 1}]
    assert path.read_bytes() == before


@pytest.mark.parametrize("room", [0, 1, 9, 25])
def test_a_full_disk_leaves_all_of_the_records_or_none(tmp_path, monkeypatch, room):
    path = tmp_path / "j"
    journal = DurableJournal(path)
    journal.append_logs([{"n": 1}])
    before = path.read_bytes()
    write = DurableJournal._write

    def full(self, data):
        write(self, data[:room])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DurableJournal, "_write", full)
    with pytest.raises(OSError, match="No space"):
        journal.append_logs([{"n": 2}, {"n": 3}])
    assert path.read_bytes() == before
    monkeypatch.undo()
    journal.append_logs([{"n": 4}])
    assert logs(path) == [{"n": 1}, {"n": 4}]


@pytest.mark.parametrize("room", [1, 40, 4000])
def test_a_file_that_may_not_grow_is_left_whole(tmp_path, room):
    """A real limit of the kernel: the write is cut short in the middle of a record."""
    path = tmp_path / "j"
    journal = DurableJournal(path)
    journal.append_logs([{"n": 1}])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            journal.append_logs([{"n": 2, "pad": "x" * 9000}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before


def test_a_study_goes_on_when_the_disk_has_room_again(tmp_path, monkeypatch):
    study = optuna.create_study(storage=JournalStorage(DurableJournal(tmp_path / "j")), study_name="s")
    study.tell(study.ask(), 1.0)

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DurableJournal, "_write", full)
    with pytest.raises(OSError, match="No space"):
        study.ask()
    monkeypatch.undo()
    study.tell(study.ask(), 2.0)
    fresh = optuna.load_study(storage=JournalStorage(DurableJournal(tmp_path / "j")), study_name="s")
    assert [trial.value for trial in fresh.trials] == [1.0, 2.0]


def write_some(path, worker, num):
    journal = DurableJournal(path)
    for index in range(num):
        journal.append_logs([{"worker": worker, "index": index}, {"worker": worker, "index": index, "pad": "x" * 300}])


def test_sixteen_processes_write_every_record_whole_and_in_their_own_order(tmp_path):
    path, context = tmp_path / "j", multiprocessing.get_context("fork")
    writers = [context.Process(target=write_some, args=(path, worker, 10)) for worker in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = logs(path)
    assert len(found) == 16 * 20
    for first, second in zip(found[::2], found[1::2], strict=True):
        assert (first["worker"], first["index"]) == (second["worker"], second["index"])
    for worker in range(16):
        assert [log["index"] for log in found if log["worker"] == worker][::2] == list(range(10))


HOLD = """
import sys, time
from pathlib import Path
from sweeps.record.journal import DurableJournal
with DurableJournal(Path(sys.argv[1]))._locked():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_held_by_the_dead_costs_nothing(tmp_path):
    """Optuna's own lock is waited for 30 s."""
    path = tmp_path / "j"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    started = time.monotonic()
    DurableJournal(path).append_logs([{"n": 1}])
    assert time.monotonic() - started < 25


def test_damage_in_the_middle_is_told_with_file_and_line(tmp_path):
    """Not a torn line but a damaged disk: nothing is dropped silently."""
    path = tmp_path / "ledger.journal"
    path.write_bytes(json.dumps({"n": 1}).encode() + b"\n{\xff garbage\n" + json.dumps({"n": 3}).encode() + b"\n")
    with pytest.raises(DFKDError, match=r"ledger.journal: line 2 is damaged"):
        logs(path)
