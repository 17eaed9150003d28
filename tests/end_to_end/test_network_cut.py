"""Two nodes in two network namespaces, one Ray cluster with token authentication; then the cable is cut."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from closed_form import epochs_run, sweep
from drivers import BEGIN, ROOT
from one_story import disagreements

HEAD, WORKER, PORT = "10.77.41.1", "10.77.41.2", 6391
TOKEN = "7d4b8c0f1e2a3b4c5d6e7f8091a2b3c4d5e6f70819"
# A cut is noticed in seconds instead of the default minute.
QUICK = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "3",
}
ENVIRONMENT = {
    **os.environ,
    **QUICK,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": TOKEN,
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
}


def may_make_namespaces():
    probe = f"dfkd-{os.getpid()}-probe"
    return (
        os.geteuid() == 0
        and shutil.which("ip")
        and not run("ip", "netns", "add", probe)
        and not run("ip", "netns", "del", probe)
    )


def run(*command):
    return subprocess.run(command, capture_output=True, check=False).returncode


class Machines:
    """Two namespaces joined by a pair of virtual cables, and what runs in them."""

    def __init__(self, folder):
        self.folder, self.processes = Path(folder), []
        self.names = [f"dfkd-{os.getpid()}-{side}" for side in "ab"]

    def __enter__(self):
        first, second = self.names
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        subprocess.run(
            ["ip", "link", "add", "dfkd0", "netns", first, "type", "veth", "peer", "name", "dfkd0", "netns", second],
            check=True,
        )
        for name, address in zip(self.names, (HEAD, WORKER), strict=True):
            for command in (f"addr add {address}/24 dev dfkd0", "link set dfkd0 up", "link set lo up"):
                subprocess.run(["ip", "-n", name, *command.split()], check=True)
        return self

    def __exit__(self, *error):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        for name in self.names:
            run("ip", "netns", "del", name)

    def start(self, side, *command, **options):
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.names[side], *command], start_new_session=True, env=ENVIRONMENT, **options
        )
        self.processes.append(process)
        return process

    def ray(self, side, *arguments):
        """A node of the cluster; its files lie where a socket's name is short enough."""
        log = (self.folder / f"ray-{side}.log").open("w")
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        return self.start(side, *command, "--object-store-memory=100000000", *arguments, stdout=log, stderr=log)

    def cut(self):
        subprocess.run(["ip", "-n", self.names[1], "link", "set", "dfkd0", "down"], check=True)


def wait_until(true, process, timeout_s=400):
    deadline = time.monotonic() + timeout_s
    while not true():
        assert process.poll() is None, "the driver has ended"
        assert time.monotonic() < deadline
        time.sleep(0.1)


if may_make_namespaces():  # as root; elsewhere there is nothing to test

    def test_a_cut_link_costs_no_trial_and_the_cut_off_worker_writes_nothing(tmp_path):
        log, folder, temporary = tmp_path / "log", tmp_path / "runs" / "cut", Path(f"/tmp/dfkd{os.getpid()}")
        log.mkdir()
        spec = sweep(3, 8, log, config={"epoch_s": 1.0}, failures={"max_retries": 0})
        try:
            with Machines(tmp_path) as machines:
                place = ("--head", f"--port={PORT}", "--num-cpus=1", f"--node-ip-address={HEAD}")
                machines.ray(0, *place, "--include-dashboard=false", f"--temp-dir={temporary}")
                time.sleep(6)
                machines.ray(1, f"--address={HEAD}:{PORT}", f"--node-ip-address={WORKER}", "--num-cpus=1")
                time.sleep(6)
                told = (tmp_path / "driver.log").open("w")
                begin = BEGIN.replace("workload=workload", f"workload=workload, address='{HEAD}:{PORT}'")
                command = [sys.executable, "-c", begin, json.dumps(spec), str(folder), "Curve"]
                driver = machines.start(0, *command, cwd=ROOT, stdout=told, stderr=told)
                wait_until(lambda: len({line["node"] for line in epochs_run(log) if line["epoch"] > 2}) == 2, driver)
                machines.cut()
                assert driver.wait(timeout=400) == 0, (tmp_path / "driver.log").read_text()[-2000:]
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        assert disagreements(folder, 3) == []
        by_trial = {}
        for line in epochs_run(log):
            by_trial.setdefault(line["x"], []).append(line)
        assert any(len({line["node"] for line in lines}) == 2 for lines in by_trial.values()), (
            "a trial went on elsewhere"
        )
        assert TOKEN not in "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
