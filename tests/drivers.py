"""Drivers as processes of their own, to be interrupted and killed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from closed_form import epochs_run

ROOT = Path(__file__).parents[1]
BEGIN = """
import json, sys
import closed_form
from sweeps import SweepSpec, SweepStopped, run_sweep
try:
    spec, workload = SweepSpec.model_validate(json.loads(sys.argv[1])), getattr(closed_form, sys.argv[3])
    run_sweep(spec, out=sys.argv[2], workload=workload)
except SweepStopped as stopped:
    print(stopped)
    sys.exit(130)
assert not {"mlflow", "torch"} & sys.modules.keys(), "the one is the delivery's, the other that of other workloads"
"""


class Driver:
    """A driver's process; what it says goes to a file beside the sweep."""

    def __init__(self, *command, cwd=ROOT, importable=True):
        paths = [str(ROOT), str(ROOT / "tests")] if importable else []
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self.process = subprocess.Popen(
            [sys.executable, *command], env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL, and nothing else: its Ray must not outlive it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self, timeout_s=400):
        """Exit status and all that was said."""
        said, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, said


def begin(spec, folder, workload="Curve"):
    """A new sweep, from Python."""
    return Driver("-c", BEGIN, json.dumps(spec), str(folder), workload)


def dfkd(*arguments, **options):
    """The command line."""
    return Driver("-m", "sweeps", *map(str, arguments), **options)


def wait_for_epochs(log, num, driver, timeout_s=400):
    """Wait until `num` more epochs have begun."""
    target, deadline = len(epochs_run(log)) + num, time.monotonic() + timeout_s
    while len(epochs_run(log)) < target:
        assert driver.process.poll() is None, driver.process.communicate()[0]
        assert time.monotonic() < deadline, "no epoch begins"
        time.sleep(0.05)


def epochs_by_trial(log):
    """How often each epoch of each trial was begun: {x: {epoch: times}}."""
    found = {}
    for line in epochs_run(log):
        found.setdefault(line["x"], Counter())[line["epoch"]] += 1
    return found


def alive(pids):
    """Which of the processes still run."""
    found = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            found.append(pid)
    return found
