"""`dfkd cluster render`: each kind's options are its fields; what is wrong is told in one line."""

import pytest
import yaml

from cluster.launch_files import KINDS
from sweeps.cli import run


def test_a_file_is_written_from_options_and_says_how_it_is_used(tmp_path, capsys):
    place = tmp_path / "made" / "job.yaml"
    assert run(["cluster", "render", "kuberay", "-o", str(place), "--image", "dfkd:latest", "--workers", "7"]) == 0
    written, asks = capsys.readouterr().out.splitlines()
    assert written == f"{place}: written; its first lines say how to use it"
    assert asks == "it asks for a head of 2 CPU, 8 GB, and up to 7 workers, each of 4 CPU, 16 GB"
    (workers,) = yaml.safe_load(place.read_text())["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert workers["maxReplicas"] == 7


def test_an_option_is_said_once_for_each_host(tmp_path):
    hosts = ["--hosts", "10.0.0.2", "--hosts", "10.0.0.3"]
    assert run(["cluster", "render", "on-prem", "-o", str(tmp_path / "f"), "--head", "10.0.0.1", *hosts]) == 0
    assert yaml.safe_load((tmp_path / "f").read_text())["provider"]["worker_ips"] == ["10.0.0.2", "10.0.0.3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aws"], "--shared"),
        (["slurm", "--dfkd", "/d; rm -rf /"], "dfkd cluster render: dfkd"),
        (["slurm", "--dfkd", "/d", "--workers", "0"], "workers"),
        (["slurm", "--dfkd", "/d", "--out", "runs/x"], "out"),
        (["azure"], "azure"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(tmp_path, capsys, arguments, said):
    assert run(["cluster", "render", *arguments, "-o", str(tmp_path / "f")]) == 2
    error = capsys.readouterr().err
    assert said in error and len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_help(kind, capsys):
    assert run(["cluster", "render", kind, "--help"]) == 0
    assert "--workers" in capsys.readouterr().out


def test_a_plan_against_a_file_and_a_cluster_at_once_is_refused(tmp_path, capsys):
    words = ["--against", str(tmp_path / "f"), "--address", "auto"]
    assert run(["sweep", "plan", "sweeps/specs/first.yaml", *words]) == 2
    assert capsys.readouterr().err.startswith("dfkd: --against: must not stand beside --address")
