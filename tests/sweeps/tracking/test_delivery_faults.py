"""Through a faulty network to a real MLflow server: nothing lost, nothing twice."""

import base64
import os
import random
import socket
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from fault_proxy import FaultProxy
from mlflow.tracking import MlflowClient
from tracked_sweeps import QUICK, assert_whole, deliver, runs_of, sweep_folder, tell, tell_trial

from sweeps.tracking.credentials import trust_tracker
from sweeps.tracking.deliverer import Deliverer
from sweeps.tracking.delivery import rejected, undelivered
from sweeps.tracking.mlflow_runs import prepare_environment
from sweeps.tracking.spool_state import Health


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def server_port(tmp_path_factory):
    """A real MLflow server with one worker, for all tests of this file."""
    runs, port = tmp_path_factory.mktemp("server"), free_port()
    sweep_folder(runs, "unused")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    stores = ["--backend-store-uri", f"sqlite:///{runs}/mlflow.db", "--artifacts-destination", str(runs / "artifacts")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (runs / "log.txt").open("wb") as log:
        process = subprocess.Popen([*command, *stores], env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(port, process)
        yield port
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def wait_for(port, process):
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the MLflow server did not start")


@pytest.fixture(autouse=True)
def _clean_environment():
    with mock.patch.dict(os.environ):
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "60"
        prepare_environment()
        yield


@pytest.fixture
def folder(tmp_path):
    return sweep_folder(tmp_path / "runs", database=False)


@pytest.fixture
def sweep_id(request):
    """A sweep of its own in the shared server."""
    return request.node.name


def deliver_to_the_end(folder):
    Deliverer(folder, lambda: not undelivered(folder), QUICK).run()


def assert_arrived(port, sweep_id, num_trials):
    assert_whole(f"http://127.0.0.1:{port}", num_trials, sweep_id)


def test_a_server_without_faults_gets_everything(folder, server_port, sweep_id):
    (folder / "sweep.yaml").write_text("name: first\n")
    with FaultProxy(server_port) as proxy:
        tracker = tell(folder, 3, uri=proxy.uri, sweep_id=sweep_id, end=False)
        tracker.artifact("sweep.yaml")
        tracker.trial_rank(0, False, None)
        tracker.trial_epoch(1, 3, {"train/loss": float("nan")})
        tracker.sweep_finished("finished")
        deliver(folder)
        (parent,) = runs_of(proxy.uri, "sweep", sweep_id)
        assert [file.path for file in MlflowClient(proxy.uri).list_artifacts(parent.info.run_id)] == ["sweep.yaml"]
    assert rejected(folder) == 0
    assert_arrived(server_port, sweep_id, 3)
    creations = [path for _, path, _ in proxy.requests if path.endswith("runs/create")]
    assert len(creations) == 4


@pytest.mark.parametrize("fault", ["down", "error", "drop"])
def test_random_faults_lose_and_double_nothing(folder, server_port, sweep_id, fault):
    """A third of all requests is refused, fails, or is carried out without an answer."""
    rng = random.Random(fault)
    with FaultProxy(server_port, lambda *_: fault if rng.random() < 0.33 else "none") as proxy:
        tell(folder, 5, uri=proxy.uri, sweep_id=sweep_id)
        deliver_to_the_end(folder)
    assert sum(request[2] == fault for request in proxy.requests) > 5
    assert undelivered(folder) == 0
    assert_arrived(server_port, sweep_id, 5)


@pytest.mark.parametrize("first_down", [0, 12, 22], ids=["start", "middle", "end"])
def test_an_outage_is_seen_and_made_good(folder, server_port, sweep_id, first_down):
    """The server is gone from some request on and comes back: what is owed shows meanwhile, and arrives then."""
    back = threading.Event()

    def down_until_back(number, method, path):
        return "down" if number >= first_down and not back.is_set() else "none"

    with FaultProxy(server_port, down_until_back) as proxy:
        tracker = tell(folder, 6, uri=proxy.uri, sweep_id=sweep_id)
        delivery = threading.Thread(target=deliver_to_the_end, args=(folder,))
        delivery.start()
        deadline = time.monotonic() + 120
        while not Health.load(folder).trouble and time.monotonic() < deadline:
            time.sleep(0.01)
        owed = undelivered(folder)
        tell_trial(tracker, 6)
        tracker.sweep_finished("finished")
        back.set()
        delivery.join(300)
    assert owed > 0
    assert Health.load(folder).trouble is None
    assert undelivered(folder) == 0
    assert_arrived(server_port, sweep_id, 7)


def test_a_slow_server_is_served(folder, server_port, sweep_id):
    with FaultProxy(server_port, delay_s=0.3) as proxy:
        tell(folder, 2, uri=proxy.uri, sweep_id=sweep_id)
        deliver_to_the_end(folder)
    assert_arrived(server_port, sweep_id, 2)
    assert len(proxy.requests) < 20


def test_a_server_slower_than_the_timeout_makes_no_second_run(folder, server_port, sweep_id):
    """Requests time out and are carried out all the same: the look-up finds what they made."""
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "1"
    slow = iter([3, 9, 14])
    next_slow = next(slow)

    def stalls(number, method, path):
        nonlocal next_slow
        proxy.delay_s = 1.5 if number == next_slow else 0.0
        next_slow = next(slow, -1) if number == next_slow else next_slow
        return "none"

    with FaultProxy(server_port, stalls) as proxy:
        tell(folder, 3, uri=proxy.uri, sweep_id=sweep_id)
        deliver_to_the_end(folder)
    assert_arrived(server_port, sweep_id, 3)


def test_a_password_reaches_the_server_and_nothing_else(folder, server_port, sweep_id, caplog, monkeypatch):
    """Basic authentication is sent; files, logs, tags and failure reasons never hold the password."""
    rng = random.Random(7)
    with FaultProxy(server_port, lambda *_: "error" if rng.random() < 0.2 else "none") as proxy:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.uri.replace("://", "://ann:planted-pw@"))
        tracker = tell(folder, 2, sweep_id=sweep_id, end=False)
        tracker.trial_started(2, {}, {"note": "planted-pw"})
        tracker.trial_finished(2, "FAILED", 0.0, f"cannot reach {os.environ['MLFLOW_TRACKING_URI']}", {})
        deliver_to_the_end(folder)
    run = runs_of(f"http://127.0.0.1:{server_port}", "trial", sweep_id)[2]
    assert proxy.authorizations == {"Basic " + base64.b64encode(b"ann:planted-pw").decode()}
    assert "***" in run.data.tags["dfkd.failure_reason"]
    assert "planted-pw" not in str(run.data.tags) + caplog.text
    for path in folder.rglob("*"):
        assert path.is_dir() or b"planted-pw" not in path.read_bytes()


@pytest.mark.parametrize("kept_in", ["environment", "home"])
def test_a_server_that_the_folder_alone_names_gets_no_credentials(
    folder, server_port, sweep_id, tmp_path, monkeypatch, kept_in
):
    """Unless the user's environment names it, or the user's own run of the sweep did."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if kept_in == "home":
        (tmp_path / ".mlflow").mkdir()
        login = "mlflow_tracking_username = ann\nmlflow_tracking_password = planted-pw\n"
        (tmp_path / ".mlflow" / "credentials").write_text(f"[mlflow]\n{login}")
    else:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ann")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted-pw")
    sent = []
    for trusted in (False, True):
        with FaultProxy(server_port) as proxy, mock.patch.dict(os.environ):
            if trusted:
                trust_tracker(sweep_id, proxy.uri)
            tell(folder, 1, uri=proxy.uri, sweep_id=sweep_id).close()
            deliver(folder)
        sent.append(proxy.authorizations)
    assert sent == [{None}, {"Basic " + base64.b64encode(b"ann:planted-pw").decode()}]
