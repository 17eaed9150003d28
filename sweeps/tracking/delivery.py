"""Delivery to MLflow as a process of its own, and what is asked of it.

Nothing here imports mlflow but the process itself. Killing the process at any moment loses and doubles nothing.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sweeps.record.trials import TrialState
from sweeps.tracking.credentials import scrub, secrets
from sweeps.tracking.run_key import PARENT, TRIAL, RunKey
from sweeps.tracking.spool import SPOOL, SpoolReader, last_sequence
from sweeps.tracking.spool_state import DeliveryState, Health

_LOG_FILE = "delivery.log"
_LONGEST_LOG_BYTES = 1 << 20
_POLL_S = 0.1
_EVERYTHING = 1 << 62  # records
_NICENESS = 1  # a no-op sweep leaves it a fifth of a core: enough, if it gets it
_SETTING_UP = 15  # times the patience: five minutes at the usual 20 s, for what takes seconds on a quiet machine
_RESTART_S = 2.0  # a process that cannot even start is not started in a tight loop


class DeliveryHandle:
    """The delivery process of a sweep folder, as its driver holds it."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(folder)
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def keep_alive(self) -> None:
        """Start the process again if it ended though something is left to deliver."""
        too_soon = time.monotonic() - self._started_s < _RESTART_S
        if not self.is_alive and not too_soon and undelivered(self._folder):
            self._process = self._start()

    def trouble_age_s(self) -> float:
        """Return for how long this process has been failing, 0 while it succeeds."""
        health = Health.load(self._folder)
        failing = health.pid == self.pid and health.trouble_since_s is not None
        return max(0.0, time.time() - (health.trouble_since_s or 0.0)) if failing else 0.0

    @property
    def is_setting_up(self) -> bool:
        """True while this process loads MLflow or makes its database."""
        health = Health.load(self._folder)
        return health.setting_up and health.pid == self.pid

    def stop(self) -> None:
        """End the process now; what is not delivered stays in the spool."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._started_s = time.monotonic()
        spool = self._folder / SPOOL
        spool.mkdir(parents=True, exist_ok=True)
        log = spool / _LOG_FILE
        mode = "wb" if log.exists() and log.stat().st_size > _LONGEST_LOG_BYTES else "ab"
        # Not by -m, which puts the working directory first on the path: its files are not ours to run.
        here = str(Path(__file__).resolve().parents[2])
        code = f"import sys; sys.path.append({here!r}); from sweeps.tracking.delivery import main; main()"
        words = [str(self._folder.resolve()), "--driver", str(os.getpid())]
        command = [sys.executable, "-P", "-c", code, *words]
        with log.open(mode) as output:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


def start_delivery(folder: Path) -> DeliveryHandle:
    """Start delivering the folder's spool; the process ends with the sweep, or soon after this one."""
    return DeliveryHandle(folder)


def undelivered(folder: Path) -> int:
    """Return the number of records that MLflow does not have yet."""
    return max(0, last_sequence(Path(folder) / SPOOL) - DeliveryState.load(Path(folder)).cursor)


def rejected(folder: Path) -> int:
    """Return the number of things that MLflow refused for good; `spool/rejected.jsonl` names them."""
    return DeliveryState.load(Path(folder)).num_rejected


def trouble(folder: Path) -> str | None:
    """Return what is in the way of delivery at present; None when nothing is."""
    health = Health.load(Path(folder))
    return "MLflow was still being set up on this busy machine" if health.setting_up else health.trouble


def set_aside(folder: Path) -> tuple[list[str], str]:
    """Return the files that the artifact store has not taken, and why; `sync` and `resume` try them again."""
    state = DeliveryState.load(Path(folder))
    return sorted(state.set_aside), state.set_aside_because


class _Prospects:
    """Whether waiting for a delivery is worth while, judged from what is left and the time of its last success."""

    def __init__(self, patience_s: float, longest_s: float, failing_s: float) -> None:
        self._patience_s, self._longest_s = patience_s, longest_s
        self._came_s = self._began_s = time.monotonic()
        self._moved_s = self._began_s - min(failing_s, patience_s)
        self._seen: tuple[int, float] | None = None
        self._first: tuple[int, float] | None = None  # records left, and when, at the first progress

    def are_poor(self, left: int, progress_s: float, is_setting_up: bool) -> bool:
        """True when nothing has moved for too long, or when the rest would take too long at this pace."""
        now_s = time.monotonic()
        if is_setting_up and now_s - self._came_s < _SETTING_UP * self._patience_s:
            self._began_s = self._moved_s = now_s  # MLflow's own time begins when it can be asked
            return False
        if self._seen is not None and self._seen != (left, progress_s):
            self._moved_s = now_s
            self._first = self._first or (left, now_s)
        self._seen = left, progress_s
        if now_s - self._moved_s > self._patience_s or now_s - self._began_s > self._longest_s:
            return True
        if self._first is None or now_s - self._first[1] < self._patience_s / 2:
            return False
        pace_per_s = (self._first[0] - left) / (now_s - self._first[1])
        return left > pace_per_s * self._longest_s


def wait_delivered(folder: Path, handle: DeliveryHandle, patience_s: float = 20.0, longest_s: float = 60.0) -> int:
    """Wait while delivery gets on, `longest_s` at most; return the number of records that are left.

    Gives up after `patience_s` without progress (a delivery that was failing already has used some of it up), and
    sooner than `longest_s` when the pace shows that it would not be enough. Neither counts while the delivery sets
    MLflow up on this machine: that gets 15 times `patience_s`.
    """
    prospects = _Prospects(patience_s, longest_s, handle.trouble_age_s())
    while (left := undelivered(folder)) > 0:
        handle.keep_alive()
        if prospects.are_poor(left, Health.load(folder).progress_s, handle.is_setting_up):
            return left
        time.sleep(_POLL_S)
    return 0


def deliver_all(folder: Path, timeout_s: float = 20.0) -> int:
    """Deliver what is owed, as long as no `timeout_s` pass without progress; return what is left."""
    if not undelivered(folder):
        return 0
    handle = start_delivery(folder)
    try:
        return wait_delivered(folder, handle, timeout_s, math.inf)
    finally:
        handle.stop()


def run_ids(folder: Path) -> dict[int, str]:
    """Return the trials' run ids by number, as far as MLflow has given them."""
    keys = ((RunKey.parse(text), run_id) for text, run_id in DeliveryState.load(Path(folder)).runs.items())
    return {key.number: run_id for key, run_id in keys if key.kind == TRIAL and key.number is not None}


def tracker_ids(folder: Path) -> tuple[str | None, str | None, str | None]:
    """Return the tracking URI, the experiment's id and the sweep's own run id; None before delivery knows them."""
    state = DeliveryState.load(Path(folder))
    return state.tracking_uri, state.experiment_id, state.runs.get(state.root)


def recorded_states(folder: Path) -> dict[int, str]:
    """Return each trial's newest state in MLflow or on the way there, by number."""
    return {
        key.number: state
        for key, state in recorded_run_states(folder).items()
        if key.kind == TRIAL and key.number is not None
    }


def recorded_run_states(folder: Path) -> dict[RunKey, str]:
    """Return the newest state of each child run in MLflow or on the way there.

    A driver killed between ledger and spool leaves trials whose state here is older than the ledger's: tell them
    again, with their own times.
    """
    delivery = DeliveryState.load(folder)
    states = {RunKey.parse(text): state for text, state in delivery.states.items()}
    for record in SpoolReader(folder / SPOOL, delivery.cursor).read(_EVERYTHING):
        by_event = {"trial_started": TrialState.RUNNING.value, "trial_finished": record.fields.get("state")}
        with suppress(ValueError):  # a damaged record, which delivery rejects
            if isinstance(state := by_event.get(record.event), str):
                states[RunKey.parse(str(record.fields.get("run")))] = state
    return {key: state for key, state in states.items() if key != PARENT}


def main() -> None:
    """Deliver the spool of one sweep folder until the sweep or its driver ends."""
    parser = argparse.ArgumentParser(prog="delivery", description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--driver", type=int, default=None, help="process id; its death ends the delivery")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    # The driver decides what an interrupt means; delivery ends when the driver does.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)

    def is_alone() -> bool:
        """Nobody waits for this process: its driver died, or it never had one."""
        return arguments.driver is None or os.getppid() != arguments.driver

    lock = FileLock(arguments.folder / SPOOL / "delivery.lock")
    while True:
        with suppress(Timeout), lock.acquire(timeout=1.0):
            _deliver(arguments.folder, is_alone)
            return
        if is_alone():
            return


def _deliver(folder: Path, is_alone: Callable[[], bool]) -> None:
    from sweeps.tracking.deliverer import Deliverer
    from sweeps.tracking.mlflow_runs import prepare_environment
    from sweeps.tracking.retrying import Stopped

    prepare_environment()
    try:
        Deliverer(folder, is_alone).run()
    except Stopped as stopped:
        logging.getLogger(__name__).warning("stopped without a driver: %s", stopped)
    except Exception:
        # The interpreter's own report would go to the log as it is, an address with its password included.
        logging.getLogger(__name__).error("%s", scrub(traceback.format_exc(), secrets()))
        sys.exit(1)


if __name__ == "__main__":
    main()
