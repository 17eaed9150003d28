"""What a file to launch with asks for is read from the file itself, whoever has changed it since."""

import pytest
from launch_texts import text

from cluster.asked_for import asked_for
from dfkd_core.errors import ConfigError

ON_SLURM = "3 nodes of 4 CPU, 2 GPU (a100), 16 GB, {}, for 30 h each time"
GPUS = {"gpus_per_worker": 2, "accelerator": "a100", "time_limit": "1-06:00:00", "workers": 3}


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("slurm", GPUS, ON_SLURM.format("all at once")),
        ("slurm", {**GPUS, "array": True}, ON_SLURM.format("one by one as they are free")),
        ("slurm", {"time_limit": "90"}, "2 nodes of 4 CPU, 16 GB, all at once, for 1.5 h each time"),
        ("slurm", {"time_limit": "2-12", "workers": 1}, "1 node of 4 CPU, 16 GB, all at once, for 60 h each time"),
        ("aws", {"workers": 7}, "7 nodes of 4 CPU, m6i.xlarge on spot, when the sweep asks for them"),
        (
            "gcp",
            {"spot": False, "gpus_per_worker": 1},
            "2 nodes of 4 CPU, 1 GPU, c3-standard-4 on demand, when the sweep asks for them",
        ),
        ("on-prem", {"gpus_per_worker": 1}, "2 nodes of 4 CPU, 1 GPU, which are there: 10.0.0.2, 10.0.0.3"),
        ("kuberay", {"gpus_per_worker": 1}, "2 nodes of 4 CPU, 1 GPU, 16 GB, when the sweep asks for them"),
        ("kuberay", {"queue": "team", "stays": True}, "2 nodes of 4 CPU, 16 GB, all from the start"),
    ],
)
def test_each_kind_says_its_nodes_when_they_come_and_for_how_long(tmp_path, kind, options, said):
    (tmp_path / "FILE").write_text(text(kind, **options))
    assert str(asked_for(tmp_path / "FILE")) == said


def test_a_file_that_its_owner_has_changed_is_read_as_it_stands(tmp_path):
    (tmp_path / "FILE").write_text(text("slurm").replace("--nodes=2", "--nodes=5").replace("24:00:00", "10:30"))
    asked = asked_for(tmp_path / "FILE")
    assert (asked.num_nodes, asked.hours) == (5, 10.5 / 60)
    assert [node["Resources"] for node in asked.nodes()] == [{"CPU": 4.0, "GPU": 0.0}] * 5


def test_a_sweep_s_type_of_gpu_is_believed_to_be_the_nodes(tmp_path):
    (tmp_path / "FILE").write_text(text("slurm", gpus_per_worker=1))
    node = asked_for(tmp_path / "FILE").nodes("A100")[0]
    assert node["Resources"] == {"CPU": 4.0, "GPU": 1.0, "accelerator_type:A100": 1.0}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (text("docker"), "FILE: must be a file of `dfkd cluster render .*; a Dockerfile, .*asks for no nodes"),
        ("name: first\n", "FILE: must be a file of `dfkd cluster render"),
        ("#SBATCH --job-name=mine\n", "FILE: must be a file of .* but lacks or spoils .*'nodes'"),
        ("kind: RayJob\nspec: {rayClusterSpec: {}}\n", "FILE: must be a file of .*'workerGroupSpecs'"),
        (None, "FILE: --against: must be a file of .* but there is none"),
    ],
)
def test_what_asks_for_no_nodes_is_refused_with_the_file(tmp_path, content, rule):
    if content is not None:
        (tmp_path / "FILE").write_text(content)
    with pytest.raises(ConfigError, match=rule):
        asked_for(tmp_path / "FILE")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda place: place.mkdir(), "must be a file, but is a folder"),
        (lambda place: place.symlink_to(place), "must be readable, but Too many levels of symbolic links"),
        (lambda place: place.write_bytes(b"\xff\xfe\x00"), "--against: must be a file of .* but is no text"),
        (lambda place: place.write_text("a: [1"), "must be valid YAML, but "),
    ],
)
def test_what_is_no_such_file_is_told_in_one_line_without_a_number_of_the_system(tmp_path, made, said):
    place = tmp_path / "FILE"
    made(place)
    with pytest.raises(ConfigError, match=f"^{place}: {said}") as caught:
        asked_for(place)
    assert "Errno" not in str(caught.value)
