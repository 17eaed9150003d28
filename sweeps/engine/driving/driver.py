"""One process at work on a sweep: its trials are run, all of it is told, and it is said how that ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cluster.resources import num_slots
from cluster.session import Session
from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.deciding.failures import is_disk_full
from sweeps.engine.driving.front_updates import FrontUpdates
from sweeps.engine.driving.mirroring import Mirroring, mirrored
from sweeps.engine.driving.recovery import retell
from sweeps.engine.driving.stopping import Interrupts
from sweeps.engine.driving.watch import Watch
from sweeps.engine.on_ray.tune_run import run_trials
from sweeps.record.driver_lock import DriverLock
from sweeps.record.ledger import KEPT_OUT, Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_state import SweepState, SweepStopped
from sweeps.terminal.display import Display
from sweeps.tracking.delivery import start_delivery, wait_delivered
from sweeps.tracking.run_key import RunKey
from sweeps.tracking.tracker import Tracker
from sweeps.workload import Workload

PATIENCE_S = 20.0  # without progress of the delivery, at the end


@dataclass(frozen=True)
class Trials:
    """What a driver works on: the sweep's own trials, or their repeats."""

    ledger: Ledger
    folder: Path  # above their files
    run_of: Callable[[int], int | RunKey]  # a trial's run in the tracker
    recorded: Mapping[int, str]  # each trial's newest state there, by number


class Driver:
    """What `run`, `resume` and `confirm` share."""

    def __init__(
        self,
        sweep: Sweep,
        workload: type[Workload],
        lock: DriverLock,
        display: Display,
        tracker: Tracker,
        at_the_end: ExitStack,
        mirroring: Mirroring | None,
    ) -> None:
        self.sweep, self.workload, self.lock, self.display, self.tracker = sweep, workload, lock, display, tracker
        self.patience_s = PATIENCE_S
        self._at_the_end, self._mirroring = at_the_end, mirroring

    @classmethod
    @contextmanager
    def at_work(cls, sweep: Sweep, workload: type[Workload], lock: DriverLock, display: Display) -> Iterator[Self]:
        """A driver under the sweep's lock; left with everything on disk, and with its delivery ended."""
        with (
            told_of_full_disk(sweep.path),
            mirrored(sweep, lock) as mirroring,
            closing(Tracker(sweep.path, sweep.spec.storage.tracking_uri)) as tracker,
            ExitStack() as at_the_end,
        ):
            yield cls(sweep, workload, lock, display, tracker, at_the_end, mirroring)

    def take_up(self, trials: Trials) -> None:
        """Tell what a driver that died has not told, and begin to deliver."""
        retell(trials.ledger, self.tracker, trials.recorded, trials.run_of)
        trials.ledger.state = None
        if trials.ledger.attrs().get(KEPT_OUT):  # nodes may be mended by now
            trials.ledger.set_attr(KEPT_OUT, {})
        self.delivery = start_delivery(self.sweep.path)
        self._at_the_end.callback(self.delivery.stop)

    def work(self, trials: Trials, updates: FrontUpdates, session: Session | None) -> Conductor:
        """Run trials until nothing is left or something ends the work; without a session none is left.

        After a second interrupt MLflow is not waited for.
        """
        wanted = trials.ledger.spec.resources.bundle

        def room() -> int:
            return num_slots(wanted, session.nodes()) if session is not None else 0

        watch = Watch(trials.ledger, self.lock, updates, self.delivery, self.display, room, self._mirroring)
        where = (trials.folder, self.lock, self.tracker)
        conductor = Conductor(trials.ledger, self.workload, *where, trials.run_of, watch.left_s, watch.finished)
        try:
            with self.display, Interrupts(conductor.stop):
                if session is not None:
                    run_trials(conductor, watch, session.is_own)
        except KeyboardInterrupt:
            conductor.stop("interrupted twice")
            self.patience_s = 0.0
        self.lock.check()
        watch.note_time()
        return conductor

    def deliver(self, patience_s: float | None = None) -> int:
        """Wait for MLflow for as long as it makes progress; returns what is still owed."""
        waited_s = self.patience_s if patience_s is None else min(patience_s, self.patience_s)
        return wait_delivered(self.sweep.path, self.delivery, waited_s)


def outcome(conductor: Conductor) -> SweepState:
    """How the work ended."""
    if conductor.failed:
        return SweepState.FAILED
    return SweepState.FINISHED if conductor.is_finished else SweepState.INTERRUPTED


@contextmanager
def told_of_full_disk(folder: Path) -> Iterator[None]:
    """Turn the driver's own failed write into SweepStopped, which says where and how to go on."""
    try:
        yield
    except OSError as error:
        if not is_disk_full(error):
            raise
        place = error.filename or folder
        rule = f"no space left on the disk of {place}; free some"
        raise SweepStopped(SweepState.FAILED, rule, folder) from None
