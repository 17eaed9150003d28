import os
from pathlib import Path

import pytest

from dfkd_core.data import debian
from dfkd_core.data.debian import DebianPackages
from dfkd_core.errors import DataError

APT = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *update*) exit 0 ;;
  *Dir::State::lists*|*known*) eval name=\\${{$#}}; touch "${{name}}_1.2-3_all.deb" ;;
  *) echo "W: a warning" >&2; echo "E: Unable to locate package" >&2; exit 100 ;;
esac
"""
DPKG = """#!/bin/sh
case "$1" in
  -x) mkdir -p "$3/usr" ;;
  -f) echo 1.2-3 ;;
esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose apt-get knows packages named known, and others once it fetched lists of its own."""
    log = tmp_path / "log"
    for name, script in (("apt-get", APT.format(log=log)), ("dpkg-deb", DPKG)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(script)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "work").mkdir()
    return DebianPackages(tmp_path / "work"), log


def test_a_package_becomes_a_folder_and_its_version(machine, tmp_path):
    packages, log = machine
    assert packages.unpack("known") == (tmp_path / "work" / "known", "1.2-3")
    assert (tmp_path / "work" / "known" / "usr").is_dir()
    assert "update" not in log.read_text()
    assert not list(tmp_path.glob("work/*.deb"))


def test_without_lists_they_are_fetched_once_into_a_folder_of_our_own(machine):
    packages, log = machine
    packages.unpack("new")
    packages.unpack("newer")
    calls = log.read_text().splitlines()
    assert [("update" in call, "Dir::State::lists" in call) for call in calls] == [
        (False, False),
        (True, True),
        (False, True),
        (False, True),
    ]


def test_a_failed_download_is_told_in_aptgets_own_words(machine, tmp_path):
    packages, _ = machine
    (tmp_path / "bin" / "apt-get").write_text("#!/bin/sh\necho 'E: no network' >&2\nexit 100\n")
    with pytest.raises(DataError, match=r"^apt-get update: E: no network$"):
        packages.unpack("any")


def test_a_machine_without_apt_is_recognised(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not debian.available()
    for name in ("apt-get", "dpkg-deb"):
        Path(tmp_path, name).write_text("#!/bin/sh\n")
        Path(tmp_path, name).chmod(0o755)
    assert debian.available()
