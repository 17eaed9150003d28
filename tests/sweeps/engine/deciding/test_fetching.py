"""A node has what it fetched whole or not at all, whoever else fetches and whatever happens on the way."""

import errno
import hashlib
import threading
from types import SimpleNamespace

import pytest

from dfkd_core.errors import DataError
from sweeps.engine.deciding import fetching, serving
from sweeps.engine.deciding.fetching import fetch
from sweeps.engine.deciding.serving import Parcel, ServedFile

CONTENTS = {"served/1/speech/a.wav": b"abcdefgh" * 4, "served/1/speech/deep/b.wav": b"", "teacher/x.f16": b"estimates"}
NUM_BYTES = sum(map(len, CONTENTS.values()))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(serving, "PIECE_BYTES", 10)


@pytest.fixture
def parcel():
    files = (ServedFile(name, len(text), hashlib.sha256(text).hexdigest()) for name, text in CONTENTS.items())
    return Parcel(tuple(files), {"speech": "served/1/speech"}, "speech")


class Source:
    """Where pieces come from; `fault` may change one, by its number."""

    def __init__(self, fault=lambda number, content: content):
        self.fault, self.num_read, self.num_bytes = fault, 0, 0

    def __call__(self, pieces):
        contents = []
        for place, first, length in pieces:
            self.num_read += 1
            contents.append(self.fault(self.num_read, CONTENTS[place][first : first + length]))
            self.num_bytes += len(contents[-1])
        return contents


def found(root):
    """Every file of the parcel that lies there, and nothing half."""
    return {name: (root / name).read_bytes() for name in CONTENTS if (root / name).exists()}


def left_over(root):
    return [path.name for path in root.rglob("*.fetched")]


def test_all_of_it_arrives_with_progress_and_a_second_call_asks_for_nothing(parcel, tmp_path):
    source, told = Source(), []
    assert fetch(parcel, tmp_path, source, lambda *how_far: told.append(how_far)) == NUM_BYTES
    assert found(tmp_path) == CONTENTS and left_over(tmp_path) == []
    assert told[-1] == ("speech", NUM_BYTES, NUM_BYTES) and [done for _, done, _ in told] == sorted(
        done for _, done, _ in told
    )
    again = Source()
    assert fetch(parcel, tmp_path, again) == 0 and again.num_read == 0


def test_what_was_fetched_before_an_interruption_is_not_fetched_again(parcel, tmp_path):
    def killed(number, content):
        if number == 3:
            raise KeyboardInterrupt
        return content

    with pytest.raises(KeyboardInterrupt):
        fetch(parcel, tmp_path, Source(killed))
    assert found(tmp_path) == {}, "half a file is no file"
    source = Source()
    assert fetch(parcel, tmp_path, source) == source.num_bytes == NUM_BYTES - 20
    assert found(tmp_path) == CONTENTS and left_over(tmp_path) == []


def test_a_file_that_arrives_damaged_is_fetched_again(parcel, tmp_path):
    source = Source(lambda number, content: b"?" + content[1:] if number == 2 else content)
    assert fetch(parcel, tmp_path, source) == NUM_BYTES + len(CONTENTS["served/1/speech/a.wav"])
    assert found(tmp_path) == CONTENTS


@pytest.mark.parametrize("fault", [lambda number, content: content[:-1], lambda number, content: content[::-1]])
def test_a_file_that_never_arrives_whole_is_not_put_in_place(parcel, tmp_path, fault):
    """It has changed, or is cut short, where it comes from."""
    with pytest.raises(DataError, match=r"speech/a\.wav: arrived 3 times with another hash"):
        fetch(parcel, tmp_path, Source(fault))
    assert "served/1/speech/a.wav" not in found(tmp_path)


def test_what_a_power_cut_left_of_an_earlier_fetch_is_thrown_away(parcel, tmp_path):
    (tmp_path / "served/1/speech").mkdir(parents=True)
    (tmp_path / "served/1/speech/.a.wav.fetched").write_bytes(b"\0" * 17)
    fetch(parcel, tmp_path, Source())
    assert found(tmp_path) == CONTENTS and left_over(tmp_path) == []


def test_a_file_that_was_damaged_since_is_fetched_again(parcel, tmp_path):
    fetch(parcel, tmp_path, Source())
    (tmp_path / "teacher/x.f16").write_bytes(b"estimatez")
    assert fetch(parcel, tmp_path, Source()) == len(b"estimates")
    assert found(tmp_path) == CONTENTS


def test_without_room_nothing_is_asked_for(parcel, tmp_path, monkeypatch):
    source = Source()
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: SimpleNamespace(free=NUM_BYTES - 1))
    with pytest.raises(DataError, match=r"must have room for 1 kB, but has 1 kB; free some, or .* DFKD_CACHE"):
        fetch(parcel, tmp_path, source)
    assert source.num_read == 0


def test_a_disk_that_fills_up_on_the_way_is_told_as_that_and_freed_again(parcel, tmp_path):
    def full(number, content):
        if number == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return content

    with pytest.raises(DataError, match="must have room for"):
        fetch(parcel, tmp_path, Source(full))
    assert found(tmp_path) == {} and left_over(tmp_path) == []


def test_of_two_that_fetch_at_once_one_does_and_the_other_finds_it(parcel, tmp_path):
    begun, may_go_on, results = threading.Event(), threading.Event(), []

    def slow(number, content):
        begun.set()
        may_go_on.wait(20)
        return content

    first, second = Source(slow), Source()
    threads = [threading.Thread(target=lambda: results.append(fetch(parcel, tmp_path, first)))]
    threads[0].start()
    begun.wait(20)
    threads.append(threading.Thread(target=lambda: results.append(fetch(parcel, tmp_path, second))))
    threads[1].start()
    may_go_on.set()
    for thread in threads:
        thread.join(20)
    assert results == [NUM_BYTES, 0] and second.num_read == 0
    assert found(tmp_path) == CONTENTS


@pytest.mark.parametrize("place", ["/etc/cron.d/x", "served/../../x"])
def test_a_place_outside_of_the_cache_is_refused(tmp_path, place):
    source = Source()
    with pytest.raises(DataError, match="must lie below"):
        fetch(Parcel((ServedFile(place, 1, ""),), {}, "x"), tmp_path, source)
    assert source.num_read == 0
