"""Jobs of a cluster, with a stand-in for Ray's client; the real one is met end to end."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.exceptions import AuthenticationError

from cluster import jobs
from cluster.jobs import Cluster
from dfkd_core.errors import ConfigError

ROOT = Path(__file__).parents[2]


class Client:
    """What Ray's client does, in a list."""

    told: list[SimpleNamespace]

    def __init__(self, address):
        Client.sent = {}

    def list_jobs(self):
        return Client.told

    def submit_job(self, **request):
        Client.sent = request
        Client.files = sorted(
            p.name for p in jobs.Path(request["runtime_env"]["working_dir"]).rglob("*") if p.is_file()
        )
        Client.told.append(told(request["submission_id"], request["metadata"], "PENDING"))
        return request["submission_id"]

    def get_job_logs(self, job_id):
        return "one\ntwo\nthree\n"

    async def tail_job_logs(self, job_id):
        yield "a line\n"

    def stop_job(self, job_id):
        Client.stopped = job_id


def told(job_id, metadata, status="RUNNING", start=1000.0, end=None):
    return SimpleNamespace(
        submission_id=job_id,
        job_id=None,
        metadata=metadata,
        status=SimpleNamespace(value=status),
        message="",
        driver_exit_code=None,
        start_time=start,
        end_time=end,
    )


def of_sweep(name, out="/shared/runs/x"):
    return {"dfkd_sweep": name, "dfkd_out": out}


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    monkeypatch.setattr(jobs, "job_client", Client)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (*jobs.PASSED_ON, *jobs.SECRETS):
        monkeypatch.delenv(name, raising=False)
    Client.told = [told("other", {"user": "me"})]
    return Cluster("http://head:8265")


def submit(cluster, name="first", out="/shared/runs/first", tree=None, report=lambda line: None):
    return cluster.submit(name, {"name": name}, out, tree, report)


def test_the_driver_begins_or_goes_on_and_has_time_to_finish_its_epochs(cluster):
    job = submit(cluster)
    assert job.sweep == "first" and job.out == "/shared/runs/first"
    assert "--out /shared/runs/first --or-resume --address auto" in Client.sent["entrypoint"]
    assert Client.sent["runtime_env"]["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"] == "300"
    assert Client.files == ["sweep.yaml"]


def test_places_are_passed_on_and_secrets_are_named_and_stay_here(cluster, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracker:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret")
    lines = []
    submit(cluster, report=lines.append)
    assert Client.sent["runtime_env"]["env_vars"]["MLFLOW_TRACKING_URI"] == "http://tracker:5000"
    assert "s3cret" not in str(Client.sent) + "".join(lines)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:s3cret@tracker:5000")
    Client.told.clear()
    submit(cluster, report=lines.append)
    assert "s3cret" not in str(Client.sent) + "".join(lines)
    assert any("MLFLOW_TRACKING_URI is not sent" in line for line in lines)
    assert any("MLFLOW_TRACKING_TOKEN is not sent" in line for line in lines)


def test_a_place_with_a_space_is_one_word_of_the_command(cluster):
    submit(cluster, out="/shared/my runs/first")
    assert "--out '/shared/my runs/first' --or-resume" in Client.sent["entrypoint"]


@pytest.mark.parametrize("out", ["runs/first", "/tmp/x", "/var/tmp/x/y", "/dev/shm/x"])
def test_a_place_that_does_not_live_on_is_refused(cluster, out):
    with pytest.raises(ConfigError, match=r"--out: must be a"):
        submit(cluster, out=out)
    assert Client.sent == {}


def test_a_sweep_that_runs_already_is_refused_with_its_job(cluster):
    Client.told.append(told("first-1", of_sweep("first")))
    with pytest.raises(ConfigError, match="runs already as job first-1"):
        submit(cluster)
    Client.told.append(told("second-1", of_sweep("second", "/shared/runs/third")))
    with pytest.raises(ConfigError, match="second-1 into /shared/runs/third"):
        submit(cluster, "third", "/shared/runs/third")


def test_a_job_is_found_by_id_or_as_the_newest_of_its_sweep(cluster):
    Client.told += [
        told("first-1", of_sweep("first"), "STOPPED", 1000.0, 9000.0),
        told("first-2", of_sweep("first"), "RUNNING", 20_000.0),
    ]
    assert cluster.job("first-1").is_over and cluster.job("first").job_id == "first-2"
    assert [job.job_id for job in cluster.jobs()] == ["first-2", "first-1"]
    assert cluster.stop("first").job_id == Client.stopped == "first-2"
    with pytest.raises(ConfigError, match="there are first-2, first-1"):
        cluster.job("absent")


def test_a_working_tree_is_sent_without_what_git_ignores_and_what_is_never_sent(cluster, tmp_path):
    tree = tmp_path / "tree"
    for place in ("code.py", "runs/x/trial.json", "data.wav", ".venv/lib.py", "pkg/__pycache__/a.pyc", "pkg/a.py"):
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).write_text("x")
    (tree / ".gitignore").write_text("*.wav\n")
    submit(cluster, tree=tree)
    assert Client.files == [".gitignore", "a.py", "code.py", "data.wav", "sweep.yaml"]  # no repository: nothing ignored
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    Client.told.clear()
    lines = []
    submit(cluster, tree=tree, report=lines.append)
    assert Client.files == [".gitignore", "a.py", "code.py", "sweep.yaml"]
    assert "MB of at most 524: the working tree" in lines[0] and ".venv" in lines[0]


def test_a_tree_over_the_limit_is_refused_with_its_largest_folders(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "LARGEST_BYTES", 100)
    for place, size in (("corpus/a", 90), ("code/b", 20)):
        (tmp_path / "tree" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / place).write_bytes(b"x" * size)
    with pytest.raises(ConfigError, match=r"tree: may hold .*\(corpus .*, code .*\); name large folders in .gitignore"):
        submit(cluster, tree=tmp_path / "tree")


def test_an_address_that_is_no_dashboard_is_refused():
    with pytest.raises(ConfigError, match="--address: must be the dashboard's http://HOST:8265"):
        Cluster("head:6379")


def test_nobody_who_answers_is_told_with_the_address(monkeypatch, tmp_path):
    def refuse(address):
        raise ConnectionError("connection refused")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(jobs, "job_client", refuse)
    with pytest.raises(ConfigError, match=r"no Ray dashboard answers at http://127\.0\.0\.1:9: connection refused"):
        Cluster("http://127.0.0.1:9")


def test_a_port_that_takes_calls_and_says_nothing_is_told_in_time(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(jobs, "ANSWER_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"--address: no Ray dashboard answers at {address}: timed out"):
            Cluster(address)


def test_a_port_that_speaks_something_else_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    def greet(server):
        caller, _ = server.accept()
        with caller:
            caller.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            caller.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        with pytest.raises(ConfigError, match=r"no Ray dashboard answers .*speaks no HTTP \(BadStatusLine\)"):
            Cluster(f"http://127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("Unauthorized: Missing authentication token", "asks for a token, and there is none"),
        ("Forbidden: invalid authentication token", "takes another token than ours"),
    ],
)
def test_a_dashboard_that_refuses_us_is_told_apart_from_none(cluster, monkeypatch, said, rule):
    def refuse(self):
        raise AuthenticationError(said)

    monkeypatch.setattr(Client, "list_jobs", refuse)
    with pytest.raises(ConfigError, match=rf"http://head:8265 {rule}; .*~/\.ray/auth_token.*RAY_AUTH_TOKEN_PATH"):
        cluster.jobs()


def test_a_token_in_the_home_is_shown_to_the_cluster_by_a_process_that_has_imported_ray_before(tmp_path):
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("ab12" * 16)
    code = """
import ray
from cluster import jobs
jobs.job_client = lambda address: None
jobs.Cluster("http://head:8265")
from ray._private.authentication.http_token_authentication import get_auth_headers_if_auth_enabled
print(sorted(get_auth_headers_if_auth_enabled({}).values()))
"""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH")}
    env = {**clean, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout == f"['Bearer {'ab12' * 16}']\n", done.stderr


@pytest.mark.parametrize("error", [ImportError("no aiohttp"), RuntimeError("require the ray[default] installation")])
def test_a_client_that_is_not_installed_is_told_with_the_way_to_have_it(monkeypatch, error):
    def lacks(address):
        raise error

    monkeypatch.setattr("ray.job_submission.JobSubmissionClient", lacks)
    monkeypatch.setattr(jobs, "_knock", lambda address: None)
    with pytest.raises(ConfigError, match=r"pip install 'dfkd-sweeps\[cluster\]'"):
        jobs.job_client("http://head:8265")


def test_a_job_has_a_page_and_last_lines(cluster):
    job = submit(cluster)
    assert cluster.page(job) == f"http://head:8265/#/jobs/{job.job_id}"
    assert cluster.last_lines(job, 2) == ["two", "three"]


def test_living_nodes_are_told_as_ray_names_them(cluster, monkeypatch):
    def list_nodes(address, **options):
        assert address == "http://head:8265"
        return [
            SimpleNamespace(node_name="one", state="ALIVE", resources_total={"CPU": 2.0}),
            SimpleNamespace(node_name="two", state="DEAD", resources_total={}),
        ]

    monkeypatch.setattr("ray.util.state.list_nodes", list_nodes)
    assert cluster.nodes() == [{"Alive": True, "NodeManagerHostname": "one", "Resources": {"CPU": 2.0}}]


def test_the_log_is_handed_on_until_the_job_ends(cluster):
    job = submit(cluster)
    Client.told[-1].status.value = "FAILED"
    Client.told[-1].driver_exit_code = 130
    said = []
    ended = cluster.follow(job, said.append)
    assert said == ["a line\n"] and ended.is_over and ended.driver_exit_code == 130
