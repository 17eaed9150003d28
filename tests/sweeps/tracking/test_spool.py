"""The spool keeps whole records, in order, whatever happens while one is written."""

import errno
import os
import resource

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.tracking import spool
from sweeps.tracking.spool import SpoolReader, SpoolWriter, last_sequence, segments


def written(folder, num, start=0):
    writer = SpoolWriter(folder)
    for number in range(start, start + num):
        writer.append("trial_tags", float(number), {"run": f"trial/{number}"})
    return writer


def sequences(folder, delivered=0):
    return [record.sequence for record in SpoolReader(folder, delivered).read(10**6)]


def test_records_come_back_in_order_with_their_times(tmp_path):
    written(tmp_path, 3)
    records = SpoolReader(tmp_path, 0).read(10)
    assert [(r.sequence, r.time_s, r.event, r.fields["run"]) for r in records] == [
        (n + 1, float(n), "trial_tags", f"trial/{n}") for n in range(3)
    ]


def test_a_reader_returns_every_record_once_and_new_ones_later(tmp_path):
    writer, reader = written(tmp_path, 3), SpoolReader(tmp_path, 0)
    assert len(reader.read(2)) == 2
    writer.append("trial_tags", 0.0, {})
    assert [r.sequence for r in reader.read(10)] == [3, 4]
    assert reader.read(10) == []


def test_numbering_goes_on_after_reopening_and_after_everything_was_removed(tmp_path):
    written(tmp_path, 3).close()
    assert written(tmp_path, 1).append("x", 0.0, {}) == 5
    SpoolWriter(tmp_path).close(delivered=5)
    assert segments(tmp_path) == []
    assert SpoolWriter(tmp_path, delivered=5).append("x", 0.0, {}) == 6


def test_a_power_cut_that_took_delivered_records_does_not_reuse_their_numbers(tmp_path):
    written(tmp_path, 3).close()
    SpoolWriter(tmp_path, delivered=10).append("x", 0.0, {})
    assert sequences(tmp_path, delivered=10) == [11]


def test_a_torn_last_line_is_not_read_and_cut_before_the_next_append(tmp_path):
    written(tmp_path, 2).close()
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(b'{"n":3,"t":0.0,"ev')
    assert last_sequence(tmp_path) == 2
    assert sequences(tmp_path) == [1, 2]
    written(tmp_path, 1).close()
    assert sequences(tmp_path) == [1, 2, 3]


def test_a_damaged_line_is_reported_and_the_rest_is_read(tmp_path):
    written(tmp_path, 3).close()
    lines = segments(tmp_path)[0].read_bytes().splitlines(keepends=True)
    segments(tmp_path)[0].write_bytes(lines[0] + b"\0\0\0\n" + lines[2])
    reader = SpoolReader(tmp_path, 0)
    assert [r.sequence for r in reader.read(10)] == [1, 3]
    assert reader.unreadable == [b"\0\0\0\n"]


def test_a_full_disk_raises_and_leaves_whole_records_only(tmp_path, monkeypatch):
    writer, write = written(tmp_path, 2), os.write

    def full(file, data):
        if len(data) < 10:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, data[: len(data) // 2])

    monkeypatch.setattr(spool.os, "write", full)
    with pytest.raises(OSError, match="No space"):
        writer.append("lost", 0.0, {})
    monkeypatch.undo()
    assert sequences(tmp_path) == [1, 2]
    writer.append("kept", 0.0, {})
    assert sequences(tmp_path) == [1, 2, 3]


def test_a_real_limit_on_the_files_size_raises_and_leaves_whole_records_only(tmp_path):
    writer, limits = SpoolWriter(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError):
            for _ in range(100):
                writer.append("x", 0.0, {"text": "a" * 50})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    before = sequences(tmp_path)
    writer.append("x", 0.0, {})
    assert sequences(tmp_path) == [*before, len(before) + 1]
    assert before == list(range(1, len(before) + 1))
    assert len(before) > 5


def test_delivered_segments_are_removed_and_the_newest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_RECORDS_PER_SEGMENT", 4)
    written(tmp_path, 10)
    assert len(segments(tmp_path)) == 3
    SpoolReader(tmp_path, 0).discard(7)
    assert sequences(tmp_path, delivered=7) == [8, 9, 10]
    SpoolReader(tmp_path, 0).discard(10)
    assert [path.name for path in segments(tmp_path)] == ["records-000000000009.jsonl"]


def test_counting_reads_the_end_of_one_file_only(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_TAIL_BYTES", 64)
    writer = written(tmp_path, 5)
    writer.append("long", 0.0, {"text": "a" * 1000})
    assert last_sequence(tmp_path) == 6
    assert last_sequence(tmp_path / "nowhere") == 0


def test_closing_leaves_what_is_not_delivered(tmp_path):
    written(tmp_path, 3).close(delivered=2)
    assert sequences(tmp_path) == [1, 2, 3]


STEPS = st.lists(st.sampled_from(["append", "tear", "reopen", "read", "deliver"]), max_size=40)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_order_of_events_loses_or_repeats_a_record(tmp_path_factory, steps):
    """Appending, tearing, reopening, reading and delivering in any order: 1, 2, 3, ... come out."""
    folder = tmp_path_factory.mktemp("spool")
    writer, reader, seen, count = SpoolWriter(folder), SpoolReader(folder, 0), [], 0
    for step in steps:
        if step == "append":
            count = writer.append("x", 0.0, {})
        elif step == "tear":
            writer.close(delivered=-1)
            with segments(folder)[-1].open("ab") as file:
                file.write(b'{"n":')
            writer = SpoolWriter(folder, len(seen))
        elif step == "reopen":
            writer.close(len(seen))
            writer = SpoolWriter(folder, len(seen))
        elif step == "read":
            seen += [record.sequence for record in reader.read(3)]
        else:
            reader.discard(len(seen))
    while found := reader.read(3):
        seen += [record.sequence for record in found]
    assert seen == list(range(1, count + 1))
    assert last_sequence(folder) in (0, count)
