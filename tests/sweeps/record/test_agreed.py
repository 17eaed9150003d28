"""What the user agrees to is remembered outside the sweep folder, sweep by sweep."""

import subprocess
import sys

import pytest
from closed_form import Curve, sweep

from dfkd_core.errors import ConfigError
from sweeps.cli import run
from sweeps.definition.spec import SweepSpec
from sweeps.record import agreed
from sweeps.record.agreed import agree, is_agreed
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder


@pytest.fixture(autouse=True)
def _another_user(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(agreed, "_agreed_here", set())


def foreign(place, workload=Curve, **changes):
    """A sweep folder as somebody else hands it over."""
    folder = SweepFolder(place)
    folder.create()
    folder.write_note("id", workload)
    folder.write_spec(SweepSpec.model_validate({**sweep(), **changes}))
    return folder


def test_an_agreement_is_about_one_thing_in_one_sweep_and_outlives_the_process():
    agree("a", "module:Class")
    code = "from sweeps.record.agreed import is_agreed; print(*(is_agreed(*p) for p in {}))"
    pairs = [("a", "module:Class"), ("b", "module:Class"), ("a", "other:Class")]
    told = subprocess.run([sys.executable, "-c", code.format(pairs)], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False", "False"]


def test_without_a_home_that_can_be_written_the_process_remembers(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    agree("a", "module:Class")
    assert is_agreed("a", "module:Class")


def test_code_that_a_foreign_folder_names_is_not_run_until_it_is_agreed_to(tmp_path):
    folder = foreign(tmp_path / "x")
    with pytest.raises(ConfigError, match=r"names code that would run here, closed_form:Curve; .* --yes"):
        folder.workload()
    folder.agree_to_code()
    assert SweepFolder(tmp_path / "x").workload().__name__ == "Curve"


def test_students_of_somebodys_own_are_code_too(tmp_path):
    changes = {"config": {"student": {"model": "their:Net"}}, "space": {"student.model": {"values": ["dccrn", "m:N"]}}}
    folder = foreign(tmp_path / "x", **changes)
    assert folder.foreign_code() == ["closed_form:Curve", "their:Net", "m:N"]


@pytest.mark.parametrize("command", [["sweep", "resume"], ["front", "confirm"], ["front", "references"]])
def test_a_command_refuses_to_run_it_in_one_line(command, tmp_path, capsys):
    folder = foreign(tmp_path / "x")
    Ledger.create(folder.path, folder.spec(), "id")
    before = set(folder.path.iterdir())
    assert run([*command, str(folder.path)]) == 2
    told = capsys.readouterr().err.strip()
    assert "closed_form:Curve" in told and "--yes" in told and len(told.splitlines()) == 1
    assert {path.suffix for path in set(folder.path.iterdir()) - before} <= {".guard", ".lock"}


def test_a_folder_that_was_copied_knows_its_original_and_one_that_was_moved_has_none(tmp_path):
    folder = foreign(tmp_path / "x")
    assert folder.original() is None
    folder.path.rename(tmp_path / "moved")
    moved = SweepFolder(tmp_path / "moved")
    assert moved.original() is None
    moved.renote("id")
    subprocess.run(["cp", "-r", moved.path, tmp_path / "copy"], check=True)
    assert SweepFolder(tmp_path / "copy").original().path == moved.path
    (tmp_path / "link").symlink_to(moved.path)
    assert SweepFolder(tmp_path / "link").original() is None
