import errno
import os

import pytest

from dfkd_core.base.atomic_files import sha256_file, write_atomic
from dfkd_core.errors import Unreadable


def test_content_replaces_what_was_there(tmp_path):
    path = tmp_path / "file"
    write_atomic(path, b"old")
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_a_plain_one(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomic(tmp_path / "atomic", b"")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_hash_is_that_of_the_content(tmp_path):
    write_atomic(tmp_path / "file", b"abc")
    assert sha256_file(tmp_path / "file").startswith("ba7816bf8f01cfea")


def test_a_pipe_has_no_hash_and_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(Unreadable, match="must be a file, but is a pipe"):
        sha256_file(tmp_path / "x")


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, f"{'x' * 250}.json"])
def test_the_longest_name_that_fits_fits_while_it_is_written(tmp_path, name):
    write_atomic(tmp_path / name, b"content")
    assert [path.name for path in tmp_path.iterdir()] == [name]
