"""Ray Tune's scheduler over the conductor: every report goes to it, and it says whether the trial goes on."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.deciding.failures import Failure, FailureKind
from sweeps.engine.on_ray.filling import Filling
from sweeps.engine.on_ray.trainable import TrialError

MEMORY_SIGNS = ("OutOfMemoryError", "running low on memory", "memory pressure")  # of Ray's memory monitor


class LedgerScheduler(FIFOScheduler):  # type: ignore[misc]
    """First in, first out; stops a trial when the conductor says so."""

    def __init__(self, conductor: Conductor, filling: Filling) -> None:
        super().__init__()
        self._conductor, self._filling = conductor, filling
        self.timed_out: set[int] = set()
        self.crash: Exception | None = None  # of the driver's own parts; Tune would hide it in a text of its own

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The trial that has waited longest, of those that have no worker of their own starting where there are some.

        Of those that no worker has taken up some go back: all once the sweep is ending, else those that would no longer
        end in time, or that ask for a node which is kept out since. When nothing is left to begin, Tune keeps no worker
        for it, whose node could go.
        """
        waiting = [trial for trial in tune_controller.get_live_trials() if trial.status == Trial.PENDING]
        kept_out = sorted(self._conductor.kept_out)
        for trial in [trial for trial in waiting if trial.temporary_state.ray_actor is None]:
            if self._conductor.must_wait(trial.config["number"]) or trial.config["kept_out"] != kept_out:
                waiting.remove(trial)
                self._conductor.withdraw(trial.config["number"])
                tune_controller.stop_trial(trial)
        if not waiting and not self._conductor.num_unbegun:
            tune_controller._cleanup_cached_actors(force_all=True)
        manager, workers = tune_controller._actor_manager, tune_controller._trial_to_actor
        unplaced = {None, *manager.pending_actors}
        idle = [t for t in waiting if t.temporary_state.ray_actor is None and workers.get(t) in unplaced]
        most = self._filling.num_waiting(len(waiting) - len(idle), manager.num_live_actors, time.monotonic())
        tune_controller.update_max_pending_trials(most)
        return min(idle or waiting, key=lambda trial: trial.config["number"], default=None)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Pass an epoch's report on."""
        metrics = trial_metrics(result)
        where = {name.removeprefix("where/"): v for name, v in result.items() if name.startswith("where/")}
        with self._noting_crashes():
            goes_on = self._conductor.report(trial.config["number"], result["epoch"], metrics, where)
        return str(TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """Pass a failed attempt on, with the reason that its exception gives."""
        number = trial.config["number"]
        if number in self.timed_out:
            self.timed_out.discard(number)
            limit = self._conductor.spec.failures.trial_timeout_s
            failure = Failure(FailureKind.TIMEOUT, f"took longer than failures.trial_timeout_s {limit:g}")
        else:
            failure = failure_of(exception_of(trial))
        with self._noting_crashes():
            self._conductor.fail(number, failure)

    @contextmanager
    def _noting_crashes(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.crash = error
            raise


def exception_of(trial: Trial) -> BaseException | None:
    """The exception that Tune has just written for this trial, in this process."""
    path = Path(trial.pickled_error_file or "")
    return cloudpickle.loads(path.read_bytes()) if path.is_file() else None


def trial_metrics(result: dict[str, Any]) -> dict[str, Any]:
    """The workload's metrics inside Tune's flattened result."""
    return {name.removeprefix("metrics/"): value for name, value in result.items() if name.startswith("metrics/")}


def failure_of(error: BaseException | None) -> Failure:
    """What an attempt's exception says: the workload's own error, lack of memory, or a lost worker."""
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, TrialError):
        return Failure(FailureKind(cause.kind), cause.reason, cause.node)
    text = " ".join(str(error).split())
    if isinstance(cause, OutOfMemoryError) or any(sign in text for sign in MEMORY_SIGNS):
        remedy = "the worker was killed because the node ran out of memory; use a smaller batch or fewer trials at once"
        return Failure(FailureKind.OUT_OF_MEMORY, remedy)
    if isinstance(error, RayActorError) and error.actor_init_failed:
        return Failure(FailureKind.ERROR, f"a worker could not start: {str(error).strip().splitlines()[-1][:300]}")
    if isinstance(error, RayTaskError):
        return Failure(FailureKind.ERROR, text[:300])
    return Failure(FailureKind.LOST, f"the worker or its node went away: {_why_lost(error, text)}")


def _why_lost(error: BaseException | None, text: str) -> str:
    """What a person can look for; Ray's own long text where it says more than that a process has ended."""
    process = dict(re.findall(r"\b(pid|ip): (\S+)", text))
    if "died unexpectedly" not in text or len(process) < 2:
        return f"{type(error).__name__}: {text[:200]}"
    causes = "killed from outside, for want of memory (dmesg tells), or by a crash in native code"
    return f"process {process['pid']} on {process['ip']} ended without an error: {causes}"
