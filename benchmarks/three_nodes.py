"""`dfkd sweep submit` on three nodes, one of which dies: `python -m benchmarks.three_nodes DIR`, as root; a transcript.

Three namespaces (network and host name) on a bridge are the nodes of a Ray cluster that asks for a token; at the
bridge's own address an S3 server keeps the sweep's copy (`storage.shared`) and the artifacts of an MLflow server. A
sweep of real trainings on the tests' corpus is submitted through the head's dashboard; when the third node trains, all
its processes are killed. DIR must live on, not below /tmp; all nodes see it, as they are one machine. `CHECK`, where it
is set, is a further command that is given the sweep folder at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "tests" / "end_to_end")]
import services  # noqa: E402 - tests/ joins the path first
from one_story import disagreements, runs_by_number  # noqa: E402
from tiny_corpus import experiment, write_corpus, write_teacher  # noqa: E402

from sweeps.record.sweep import Sweep  # noqa: E402
from sweeps.terminal.status import sweep_status  # noqa: E402

NAME, OUTSIDE = "three-nodes", "10.77.43.254"
NODES = {"head": "10.77.43.1", "two": "10.77.43.2", "three": "10.77.43.3"}
RAY, DASHBOARD_PORT = f"{NODES['head']}:6379", 8265
AT = ("--address", f"http://{NODES['head']}:{DASHBOARD_PORT}")
COPY = f"s3://{services.BUCKET}/sweeps"
TRIALS, EPOCHS, TRIES = 12, 4, 6
STARTED = time.monotonic()

Environment = dict[str, str]


def say(text: str) -> None:
    """A line of the transcript, with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", flush=True)


def run(environment: Environment, *command: str) -> None:
    """Show a command, what it says, and its exit status."""
    say(f"$ {shlex.join(command)}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr + f"(exit {done.returncode})", flush=True)


def wait_for(true: Callable[[], object], what: str, timeout_s: float = 900) -> None:
    """Poll twice a second; TimeoutError with what did not come."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.5)


@contextmanager
def bridge(tag: str) -> Iterator[None]:
    """A network namespace for each node, with a cable into one bridge."""

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    try:
        ip("link", "add", f"br{tag}", "type", "bridge")
        ip("addr", "add", f"{OUTSIDE}/24", "dev", f"br{tag}")
        ip("link", "set", f"br{tag}", "up")
        for name, address in NODES.items():
            space, cable = f"{tag}-{name}", f"{name}{tag}"
            ip("netns", "add", space)
            ip("link", "add", cable, "type", "veth", "peer", "name", "eth9", "netns", space)
            ip("link", "set", cable, "master", f"br{tag}")
            ip("link", "set", cable, "up")
            ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth9")
            for device in ("eth9", "lo"):
                ip("-n", space, "link", "set", device, "up")
            ip("-n", space, "route", "add", "default", "via", OUTSIDE)
        yield
    finally:
        for name in NODES:
            subprocess.run(["ip", "netns", "del", f"{tag}-{name}"], check=False)
        subprocess.run(["ip", "link", "del", f"br{tag}"], check=False)


def programs(folder: Path) -> Path:
    """A folder with `dfkd`, `python` and `ray` of this environment, as an installation has them on PATH."""
    folder.mkdir()
    for name, words in {"python": "", "ray": "-m ray.scripts.scripts ", "dfkd": "-m sweeps "}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words}"$@"\n')
        (folder / name).chmod(0o755)
    return folder


def node(tag: str, name: str, log: Path, environment: Environment, *arguments: str) -> subprocess.Popen[bytes]:
    """Ray on a node, whose host name is its own, too."""
    words = ("ray", "start", *arguments, f"--node-ip-address={NODES[name]}", "--num-cpus=1", "--block")
    say(f"{name}$ {' '.join(words)}")
    small = ("--disable-usage-stats", "--object-store-memory=100000000")
    # a session folder of its own: an agent that unpacks a job's working directory removes the one that is there
    folder = Path(environment["RAY_TMPDIR"])
    apart = folder.with_name(name)
    apart.mkdir(exist_ok=True)
    begin = f'mount --bind {apart} {folder}; hostname {name}; exec "$@"'
    own = ("ip", "netns", "exec", f"{tag}-{name}", "unshare", "--uts", "--mount", "sh", "-ec", begin, "-")
    with log.open("w") as said:
        return subprocess.Popen([*own, *words, *small], env=environment, stdout=said, stderr=said)


def lose(tag: str, name: str) -> None:
    """Everything on a node ends at once."""
    listed = subprocess.run(["ip", "netns", "pids", f"{tag}-{name}"], capture_output=True, text=True, check=False)
    for pid in listed.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def joins(tag: str, name: str, log: Path, environment: Environment, is_up: Callable[[], bool], *words: str) -> None:
    """A node of the cluster; begun again where Ray gives up, as it does after 30 s of a busy machine."""
    for _ in range(TRIES):
        started = node(tag, name, log, environment, *words)
        wait_for(lambda: started.poll() is not None or is_up(), f"node {name}")  # noqa: B023 - used at once
        if started.poll() is None:
            return
        say(f"{name}: Ray gave up ({log})")
        lose(tag, name)
    raise SystemExit(f"{name}: Ray could not be started in {TRIES} tries: {log}")


@contextmanager
def cluster(tag: str, place: Path, environment: Environment) -> Iterator[None]:
    """A head with a dashboard, and two more nodes, each of one processor."""

    def has_dashboard() -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((NODES["head"], DASHBOARD_PORT), timeout=2).close()
            return "Ray runtime started" in (place / "head.log").read_text()
        return False

    dashboard = ("--dashboard-host=0.0.0.0", f"--dashboard-port={DASHBOARD_PORT}", "--include-dashboard=true")
    head = ("--head", "--port=6379", *dashboard)
    try:
        joins(tag, "head", place / "head.log", environment, has_dashboard, *head)
        for name in ("two", "three"):
            log = place / f"{name}.log"
            joins(tag, name, log, environment, lambda: "Ray runtime started" in log.read_text(), f"--address={RAY}")  # noqa: B023
        yield
    finally:
        for name in NODES:
            lose(tag, name)


def write_sweep(place: Path) -> str:
    """A random search over real trainings of a few seconds an epoch; the file's path."""
    config = experiment(write_corpus(place / "corpus"), write_teacher(place / "teacher.onnx"))
    config["data"]["train_hours"] = 60 / 3600
    sweep = {
        "name": NAME,
        "config": config,
        "space": {
            "distillation.weight": {"min": 0.03, "max": 30, "log": True},
            "student.width": {"values": [0.0625, 0.125]},
        },
        "objectives": [
            {"metric": "val/si_sdr_db", "goal": "maximize"},
            {"metric": "model/params", "goal": "minimize", "scale": "log"},
        ],
        "reference_point": {"val/si_sdr_db": -30.0, "model/params": 4_000_000},
        "budget": {"trials": TRIALS, "epochs_per_trial": EPOCHS},
        "sampler": {"name": "random", "seed": 5},
        "failures": {"max_retries": 0},
        "storage": {"shared": COPY},
    }
    (place / "three-nodes.yaml").write_text(yaml.safe_dump(sweep))
    return str(place / "three-nodes.yaml")


def trains(out: Path, name: str) -> bool:
    """Whether a node has told of an epoch of a trial that still runs; False before there is a ledger."""
    try:
        status = sweep_status(out)
        runs = runs_by_number(status) if status["mlflow"]["tracking_uri"] else {}
    except Exception:
        return False
    tags = [(run.data.tags.get("dfkd.node"), run.info.status) for (run, *_) in runs.values()]
    return (name, "RUNNING") in tags and sum(record.epochs for record in Sweep.open(out).records()) >= TRIALS


def story(tag: str, place: Path, laptop: Environment, stranger: Environment, keys: Environment) -> int:
    """What a user types on a machine beside the cluster; how many disagreements the end has."""
    file, out = write_sweep(place), place / "runs" / NAME
    submit = ("dfkd", "sweep", "submit", file, *AT, "--out", str(out))
    status = ("dfkd", "sweep", "status", NAME, *AT)

    def is_over() -> bool:
        done = subprocess.run(status, env=laptop, capture_output=True, text=True, check=False)
        return any(state in done.stdout for state in ("succeeded", "failed", "stopped"))

    run(stranger, "dfkd", "sweep", "list", *AT)
    run(laptop, "dfkd", "sweep", "plan", file, *AT)
    run(laptop, *submit)
    wait_for(lambda: trains(out, "three"), "a trial on the third node")
    run(laptop, *status)
    lose(tag, "three")
    epochs = sum(record.epochs for record in Sweep.open(out).records())
    say(f"three: every process killed; {epochs} of {TRIALS * EPOCHS} epochs were there")
    run(laptop, *submit)
    wait_for(is_over, "the end", 1500)
    run(laptop, *status)
    run(laptop, "dfkd", "sweep", "status", str(out))
    run(laptop, *submit, "--follow")
    run(
        {**laptop, **keys}, "dfkd", "sweep", "resume", f"{COPY}/{NAME}", "--out", str(place / "from-the-store"), "--yes"
    )
    wrong = [f"{folder.name}: {line}" for folder in (out, place / "from-the-store") for line in disagreements(folder)]
    say("ledger, MLflow, front and folders tell one story" if not wrong else "\n".join(wrong))
    if check := os.environ.get("CHECK"):
        run(laptop, *shlex.split(check), str(out), "--trials", str(TRIALS))
    return len(wrong)


def main(place: Path) -> int:
    """Services, cluster and story, in a place that is emptied first."""
    if find_spec("aiohttp_cors") is None:
        raise SystemExit("the head's dashboard needs ray[default]: pip install 'dfkd-sweeps[cluster]'")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    tag = f"d{os.getpid() % 10_000}"
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dfkd-", ignore_cleanup_errors=True)))
        os.environ.update(PATH=f"{programs(temporary / 'bin')}:{os.environ['PATH']}", HOME=str(temporary))
        stack.enter_context(bridge(tag))
        store = stack.enter_context(services.s3(temporary / "s3", OUTSIDE))
        keys = {**services.ACCOUNT, "MLFLOW_S3_ENDPOINT_URL": store, "AWS_ENDPOINT_URL": store}
        runs, bucket = f"sqlite:///{temporary}/runs.db", f"s3://{services.BUCKET}/mlflow"
        tracker = stack.enter_context(services.mlflow(temporary / "mlflow", runs, bucket, keys, OUTSIDE))
        say(f"an S3 server at {store}, an MLflow server at {tracker} with its artifacts there")
        laptop = {**os.environ, "PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": tracker}
        say("$ ray get-auth-token --generate")
        subprocess.run(["ray", "get-auth-token", "--generate"], check=True, capture_output=True)
        own = {"RAY_AUTH_MODE": "token", "RAY_TMPDIR": str(temporary / "ray"), "OMP_NUM_THREADS": "1"}
        patience = {"RAY_agent_register_timeout_ms": "200000"}  # all nodes share this machine's processors
        on_nodes = {**os.environ, "PYTHONPATH": str(ROOT), **own, **patience, **keys}
        for folder in ("ray", "stranger"):
            (temporary / folder).mkdir()
        stack.enter_context(cluster(tag, place, on_nodes))
        return story(tag, place, laptop, {**laptop, "HOME": str(temporary / "stranger")}, keys)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, metavar="DIR")
    sys.exit(main(parser.parse_args().place.resolve()))
