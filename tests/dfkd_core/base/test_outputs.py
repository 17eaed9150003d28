"""What a user has written somewhere comes whole, where it is meant, or one line says why not."""

import errno
import os
import threading
from pathlib import Path

import pytest

from dfkd_core.base.outputs import output, output_folder, require_folder, require_output, write_output
from dfkd_core.errors import ConfigError


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").write_bytes(b"old")
    (tmp_path / "link").symlink_to("there/old")
    (tmp_path / "dangling").symlink_to("there/new")
    for name in ("link", "dangling"):
        require_output(tmp_path / name)
        write_output(tmp_path / name, b"content")
        assert (tmp_path / name).is_symlink()
    assert {path.name: path.read_bytes() for path in (tmp_path / "there").iterdir()} == {
        "old": b"content",
        "new": b"content",
    }


def test_a_pipe_and_a_device_are_written_into(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    require_output(tmp_path / "pipe")
    heard = []
    listener = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_bytes()))
    listener.start()
    write_output(tmp_path / "pipe", b"content")
    listener.join()
    assert heard == [b"content"] and (tmp_path / "pipe").is_fifo()
    (tmp_path / "nowhere").symlink_to(os.devnull)
    write_output(tmp_path / "nowhere", b"content")
    assert (tmp_path / "nowhere").is_char_device()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("file/x", "Not a directory"),
        ("file/sub/x", "Not a directory"),
        ("folder", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("n" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_told_with_its_reason_before_and_after(tmp_path, name, reason):
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for attempt in (lambda path: require_output(path, "--csv"), lambda path: write_output(path, b"", "--csv")):
        with pytest.raises(ConfigError, match=rf"--csv: cannot be written \({reason}\); name another file$"):
            attempt(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "loop"]


def test_a_full_device_is_told_and_what_to_do(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(ConfigError, match=r"full: cannot be written \(No space left on device\); make room, or name"):
        write_output(tmp_path / "full", b"content")


def test_a_full_disk_leaves_what_was_there(tmp_path):
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(ConfigError, match="No space"), output(tmp_path / "x") as file:
        file.write(b"new")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_file_that_somebody_holds_open_under_another_name_is_not_replaced(tmp_path):
    """`-o /dev/stdout >> log` would lose the log."""
    told = pytest.raises(ConfigError, match="leads into a file that another program holds open; name the file")
    with (tmp_path / "log").open("ab") as log, told:
        require_output(Path(f"/proc/self/fd/{log.fileno()}"))


@pytest.mark.parametrize("name", ["file", "file/sub", "loop"])
def test_a_folder_that_cannot_be_is_told(tmp_path, name):
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "loop").symlink_to("loop")
    for attempt in (require_folder, output_folder):
        with pytest.raises(ConfigError, match=r"cannot be written \(Not a directory\); name another folder"):
            attempt(tmp_path / name)
    require_folder(tmp_path / "new" / "sub")
    assert not (tmp_path / "new").exists() and output_folder(tmp_path / "new" / "sub").is_dir()


def test_a_folder_that_may_not_be_written_into_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\); name another file"):
        require_output(tmp_path / "x")
