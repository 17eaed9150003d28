"""`dfkd sweep submit` and what is asked of submitted sweeps, with a stand-in for the cluster."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml

from cluster import jobs
from cluster.jobs import SweepJob
from dfkd_core.errors import ConfigError
from sweeps.cli import run

SPEC = {
    "name": "first",
    "config": {"student": {"model": "dccrn"}, "distillation": {"method": "none"}, "data": {"corpus": "speech"}},
    "space": {"student.width": {"values": [0.125, 0.25]}},
    "objectives": [{"metric": "val/pesq_wb", "goal": "maximize"}],
    "reference_point": {"val/pesq_wb": 1.0},
    "budget": {"trials": 2, "epochs_per_trial": 1},
}
MADE = SweepJob("first-1", "first", "/shared/runs/first", "RUNNING", "", None, 60.0)
AT = ["--address", "http://head:8265"]


class Remote:
    """Remembers what it was asked, and tells of one job."""

    asked: list
    ends: SweepJob | BaseException = MADE

    def __init__(self, address):
        self.asked.append(address)

    def submit(self, name, spec, out, tree, report):
        report("sending 0.0 MB: the sweep alone")
        self.asked.append((name, spec, out, tree))
        return MADE

    def follow(self, job, write):
        write("a driver's line\nand \x1b[31manother\n")
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends

    def job(self, name):
        self.asked.append(("job", name))
        return MADE

    def stop(self, name):
        self.asked.append(("stop", name))
        return self.ends

    def jobs(self):
        return [MADE]

    def page(self, job):
        return f"http://head:8265/#/jobs/{job.job_id}"

    def last_lines(self, job, count):
        return ["trial 1 complete", "trial 2 \x1b[31mcomplete"][-count:]


@pytest.fixture
def remote(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.yaml").write_text(yaml.safe_dump(SPEC))
    monkeypatch.setattr(Remote, "asked", [], raising=False)
    monkeypatch.setattr(jobs, "Cluster", Remote)
    return Remote


def submit(*more):
    return run(["sweep", "submit", "first.yaml", *AT, "--out", "/shared/runs/first", *more])


def test_a_sweep_is_sent_complete_with_its_paths_made_absolute(remote, tmp_path, capsys):
    assert submit("--set", "budget.trials=5") == 0
    address, (name, spec, out, tree) = remote.asked
    assert (address, name, out, tree) == (AT[1], "first", "/shared/runs/first", None)
    assert spec["budget"]["trials"] == 5
    assert spec["config"]["data"]["corpus"] == str(tmp_path / "speech")
    assert spec["config"]["training"]["batch_size"] >= 1
    assert "dfkd sweep stop first --address http://head:8265" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ends", "status"),
    [
        (replace(MADE, status="SUCCEEDED", driver_exit_code=0), 0),
        (replace(MADE, status="FAILED", driver_exit_code=2), 2),
        (replace(MADE, status="FAILED", driver_exit_code=130), 130),
        (replace(MADE, status="FAILED", message="the head went away"), 1),
        (replace(MADE, status="STOPPED"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_whoever_follows_gets_the_driver_s_lines_and_its_exit_status(remote, monkeypatch, capsys, ends, status):
    monkeypatch.setattr(Remote, "ends", ends)
    assert submit("--follow") == status
    said = capsys.readouterr()
    assert "a driver's line\nand \\x1b[31manother\n" in said.out
    assert ("the job goes on" in said.err) == isinstance(ends, KeyboardInterrupt)


@pytest.mark.parametrize("broken", ["config.student.width=7", "budget.trials=0", "storage.tracking_uri=http://u:p@h"])
def test_what_is_wrong_is_said_before_a_cluster_is_asked(remote, capsys, broken):
    assert submit("--set", broken) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert remote.asked == []


def test_a_submitted_sweep_is_shown_listed_and_stopped_by_its_name(remote, capsys):
    assert run(["sweep", "status", "first", *AT]) == 0
    assert run(["sweep", "list", *AT]) == 0
    assert run(["sweep", "stop", "first", *AT]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == said[2] == str(MADE)
    assert said[1] == "dashboard http://head:8265/#/jobs/first-1"
    assert said[3] == "first-1: asked to stop; its epochs in flight have 300 s to end"
    assert [call for call in remote.asked if call != AT[1]] == [("job", "first"), ("stop", "first")]
    assert run(["sweep", "status", "first", "--json", *AT]) == 0
    assert json.loads(capsys.readouterr().out)["job_id"] == "first-1"


@pytest.mark.parametrize(("more", "asked"), [([], True), (["--yes"], False)])
def test_a_priced_sweep_is_submitted_with_consent_though_its_corpus_lies_elsewhere(
    remote, monkeypatch, capsys, more, asked
):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    questions = []
    monkeypatch.setattr("typer.confirm", lambda question, abort: questions.append(question))
    monkeypatch.setattr(Remote, "nodes", lambda self: [{"Alive": True, "Resources": {"CPU": 2.0}}], raising=False)
    assert submit("--set", "resources.price_per_hour=2", *more) == 0
    assert bool(questions) == asked == ("no plan can be made here" in capsys.readouterr().out)
    assert remote.asked[-1][0] == "first"


def test_a_submitted_sweep_is_watched_with_its_driver_s_last_lines_until_it_ends(remote, monkeypatch, capsys):
    states = iter([MADE, replace(MADE, status="FAILED", driver_exit_code=130)])
    monkeypatch.setattr(Remote, "job", lambda self, name: next(states))
    monkeypatch.setattr("sweeps.commands.jobs.WATCH_S", 0.0)
    assert run(["sweep", "status", "first", "--watch", *AT]) == 130
    said = capsys.readouterr().out
    assert "failed" in said and "http://head:8265/#/jobs/first-1" in said
    assert "trial 1 complete" in said and "trial 2 \\x1b[31mcomplete" in said


def test_a_sweep_that_the_cluster_does_not_know_is_one_line(remote, monkeypatch, capsys):
    def unknown(self, name):
        raise ConfigError("must be a job's id or a sweep's name; there are none", key=name)

    monkeypatch.setattr(Remote, "job", unknown)
    assert run(["sweep", "status", "absent", *AT]) == 2
    assert capsys.readouterr().err == "dfkd: absent: must be a job's id or a sweep's name; there are none\n"
