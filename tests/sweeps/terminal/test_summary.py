"""What is left on the screen when a sweep has ended."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest
from front_cases import small_sweep, spec

from sweeps.fronts.front import build_front
from sweeps.page.report import write_front
from sweeps.terminal.summary import in_venv, show_summary
from sweeps.tracking.addresses import RunAddresses


@pytest.fixture(autouse=True)
def used(monkeypatch):
    """Two hours of trials, of two and a half that there was room for."""
    ledger = SimpleNamespace(attrs=lambda: {"usage": {"worked_s": 7200.0, "room_s": 9000.0}})
    sweep = SimpleNamespace(ledger=ledger, spec=spec(resources={"gpus_per_trial": 0.5, "price_per_hour": 3.0}))
    monkeypatch.setattr("sweeps.terminal.summary.Sweep", SimpleNamespace(open=lambda _: sweep))


def test_printed_commands_hold_together_when_a_path_has_a_space(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "my runs" / "first"
    write_front(folder, build_front(spec(), "id-1", small_sweep()), small_sweep(), spec())
    monkeypatch.setattr("sweeps.terminal.summary.tracker_ids", lambda _: (f"sqlite:///{folder}/m.db", "1", "r"))
    monkeypatch.setattr("sweeps.terminal.summary.undelivered", lambda _: 3)
    monkeypatch.setattr("sweeps.terminal.summary.rejected", lambda _: 0)
    show_summary(folder)
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line == "used    2 h of trials, 1 GPU-hours, 20% of the room for trials idle, "
        "6 spent at resources.price_per_hour and 1.5 for idle room"
        for line in lines
    )
    export = next(line for line in lines if line.startswith("export"))
    sync = next(line for line in lines if "deliver them with" in line)
    look = next(line for line in lines if line.startswith("look"))
    assert shlex.split(export)[2:] == ["export", str(folder), "--knee", "-o", "best.yaml"]
    assert shlex.split(sync.partition(": ")[2]) == ["dfkd", "sweep", "sync", str(folder)]
    assert shlex.split(look)[-1] == f"sqlite:///{folder}/m.db"


def test_a_server_s_runs_are_looked_at_where_it_is(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "first"
    write_front(folder, build_front(spec(), "id-1", small_sweep()), small_sweep(), spec())
    monkeypatch.setattr("sweeps.terminal.summary.tracker_ids", lambda _: ("http://tracker:5000", "1", "r"))
    show_summary(folder)
    lines = capsys.readouterr().out.splitlines()
    assert "look    http://tracker:5000" in lines
    assert any(line.startswith("run     http://tracker:5000/#/experiments/1/runs/r") for line in lines)


def test_a_program_beside_an_interpreter_whose_path_has_a_space_is_quoted(tmp_path, monkeypatch):
    place = tmp_path / "my venv" / "bin"
    place.mkdir(parents=True)
    (place / "tool").touch()
    monkeypatch.setattr("sys.executable", str(place / "python"))
    assert shlex.split(in_venv("tool --flag x")) == [str(place / "tool"), "--flag", "x"]


def test_the_command_that_opens_the_tracker_is_quoted():
    assert shlex.split(RunAddresses("sqlite:////my runs/m.db", "1").how_to_look())[-1] == "sqlite:////my runs/m.db"
