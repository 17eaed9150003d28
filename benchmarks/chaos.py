"""Random kill -9 of driver, workers, raylet, GCS and delivery in a sweep: `python -m benchmarks.chaos --kills 30`.

Afterwards there must be as many COMPLETE trials as without faults, none twice; per kill and trial at most the epoch
in flight and the one before its save are paid again; ledger, MLflow, front and folders tell one story.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path[1:1] = [str(Path(__file__).parents[1] / "tests")]
from closed_form import epochs_run, sweep  # noqa: E402 - tests/ joins the path first
from drivers import Driver, begin, dfkd  # noqa: E402
from one_story import disagreements  # noqa: E402

from sweeps.terminal.status import sweep_status  # noqa: E402

TARGETS = ("driver", "worker", "raylet", "gcs_server", "delivery", "start-up")
MEAN_WAIT_S = 1.5
START_UP_S = 12.0  # a driver is killed at any moment of it
SERVER_LIMIT_S = 90.0
SAVE_S = 2.0  # an epoch that ended this long ago has been saved and reported


@dataclass
class Figures:
    """What happened."""

    trials: int
    epochs: int
    kills: Counter[str] = field(default_factory=Counter)
    server_s: list[float] = field(default_factory=list)  # from a server's death to the driver's end
    resume_s: list[float] = field(default_factory=list)  # from a resume's start to its first epoch
    allowed: Counter[float] = field(default_factory=Counter)  # epochs that may be paid again, by trial
    wrong: list[str] = field(default_factory=list)
    num_epochs: int = 0
    took_s: float = 0.0

    def text(self) -> str:
        """The figures in a few lines."""
        due, servers = self.trials * self.epochs, sorted(self.server_s)
        lines = [
            f"{self.kills.total()} kills in {self.took_s:.0f} s: {dict(self.kills)}",
            f"{self.num_epochs} epochs run, {due} due: {(self.num_epochs - due) / due:.1%} paid again "
            f"({(self.num_epochs - due) / max(1, self.kills.total()):.1f} per kill)",
            f"from a server's death to the driver's end: {max(servers, default=0):.1f} s at most",
            f"from resume to the first epoch: {sorted(self.resume_s)[len(self.resume_s) // 2]:.1f} s (median)",
        ]
        return "\n".join(lines + [f"WRONG: {problem}" for problem in self.wrong])


def chaos(
    folder: Path,
    trials: int,
    epochs: int,
    plan: list[str],
    epoch_s: float,
    seed: int,
    mean_wait_s: float = MEAN_WAIT_S,
) -> Figures:
    """Run one sweep to its end through the kills of `plan`, last one first, about `mean_wait_s` apart."""
    draw, log, figures, started = random.Random(seed), folder / "log", Figures(trials, epochs), time.monotonic()
    log.mkdir(parents=True)
    out = folder / "runs" / "chaos"
    mapping = sweep(trials, epochs, log, config={"epoch_s": epoch_s}, failures={"max_lost_nodes": len(plan) + 1})
    status = torment(lambda: start(mapping, out), log, plan, draw, figures, mean_wait_s)
    figures.wrong += [f"the driver ended with {status}"] if status else []
    figures.num_epochs, figures.took_s = len(epochs_run(log)), time.monotonic() - started
    figures.wrong += [f"{plan} were never killed"] if plan else []
    figures.wrong += overpaid(log, figures) + disagreements(out, trials)
    complete = sweep_status(out)["trials"].get("COMPLETE")
    figures.wrong += [f"{complete} trials are COMPLETE, not {trials}"] if complete != trials else []
    return figures


def torment(
    start: Callable[[], Driver],
    log: Path,
    plan: list[str],
    draw: random.Random,
    figures: Figures,
    mean_wait_s: float = MEAN_WAIT_S,
) -> int:
    """Start and kill drivers until one ends by itself; returns its exit status."""
    while True:
        with start() as driver:
            status = live(driver, log, plan, draw, figures, mean_wait_s)
        if status is not None:
            return status


def plan_kills(draw: random.Random, kills: int) -> list[str]:
    """Whom to kill, in which order: each target about as often."""
    first = draw.randrange(len(TARGETS))
    plan = [TARGETS[(first + k) % len(TARGETS)] for k in range(kills)]
    draw.shuffle(plan)
    return plan


def start(mapping: dict, out: Path) -> Driver:
    """A new sweep, or a resume from the command line."""
    return dfkd("sweep", "resume", out) if (out / "sweep.yaml").exists() else begin(mapping, out)


def live(
    driver: Driver, log: Path, plan: list[str], draw: random.Random, figures: Figures, mean_wait_s: float
) -> int | None:
    """Kill while the driver lives; its exit status, or None where it has to be resumed."""
    if plan and plan[-1] == "start-up":
        time.sleep(draw.uniform(0, START_UP_S))
        strike(driver, "driver", log, figures)
        figures.kills[plan.pop()] += 1
        driver.process.wait()
        return None
    resumed, before = time.monotonic(), len(epochs_run(log))
    while len(epochs_run(log)) == before and driver.process.poll() is None:
        time.sleep(0.05)
    figures.resume_s.append(time.monotonic() - resumed)
    while plan:
        if not wait(driver, draw.expovariate(1 / mean_wait_s)):
            break
        target = plan[-1] if plan[-1] != "start-up" else "driver"
        if not strike(driver, target, log, figures):
            continue
        figures.kills[plan.pop()] += 1
        if target == "driver":
            driver.process.wait()
            return None
        if target in ("raylet", "gcs_server"):
            return outlived(driver, figures)
    said = driver.process.communicate(timeout=600)[0]
    if driver.process.returncode:
        figures.wrong.append(said[-1500:])
    return driver.process.returncode


def wait(driver: Driver, seconds: float) -> bool:
    """Let time pass; false when the driver has ended meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and driver.process.poll() is None:
        time.sleep(0.02)
    return driver.process.poll() is None


def strike(driver: Driver, target: str, log: Path, figures: Figures) -> bool:
    """SIGKILL to the driver, to one of its Ray's servers or to the last worker seen; false when there is none."""
    try:
        pid = victim(driver, target, log)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    now = time.time()
    last = {line["x"]: line for line in epochs_run(log)}
    for x, line in last.items():
        if line["epoch"] < figures.epochs or now - line["time"] < SAVE_S:
            figures.allowed[x] += 2
    return True


def victim(driver: Driver, target: str, log: Path) -> int | None:
    """The process to kill."""
    if target == "driver":
        return driver.process.pid
    children = psutil.Process(driver.process.pid).children(recursive=True)
    if target == "worker":
        mine = {child.pid for child in children}
        return next((line["pid"] for line in reversed(epochs_run(log)) if line["pid"] in mine), None)
    if target == "delivery":
        return next((child.pid for child in children if "sweeps.tracking.delivery" in child.cmdline()), None)
    return next((child.pid for child in children if child.name() == target), None)


def outlived(driver: Driver, figures: Figures) -> int | None:
    """A driver whose Ray has died must end by itself, non-zero and soon."""
    started = time.monotonic()
    if wait(driver, SERVER_LIMIT_S):
        figures.wrong.append(f"the driver still runs {SERVER_LIMIT_S:.0f} s after its Ray has died")
        driver.kill()
    figures.server_s.append(time.monotonic() - started)
    return None if driver.process.returncode else 0


def overpaid(log: Path, figures: Figures) -> list[str]:
    """Trials that were trained too little, too often, or that are too many."""
    counts = Counter(line["x"] for line in epochs_run(log))
    wrong = [
        f"the trial at x {x:.3f} ran {n} epochs, {figures.epochs} are due and {figures.allowed[x]} may be paid again"
        for x, n in counts.items()
        if not figures.epochs <= n <= figures.epochs + figures.allowed[x]
    ]
    return wrong + (
        [f"{len(counts)} trials were trained, not {figures.trials}"] if len(counts) != figures.trials else []
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--epoch-s", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    arguments = parser.parse_args()
    trials = arguments.trials or max(8, 3 * arguments.kills)
    print(f"seed {arguments.seed}, {trials} trials of {arguments.epochs} epochs", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        plan = plan_kills(random.Random(arguments.seed), arguments.kills)
        figures = chaos(Path(folder), trials, arguments.epochs, plan, arguments.epoch_s, arguments.seed)
    print(figures.text())
    sys.exit(bool(figures.wrong))


if __name__ == "__main__":
    main()
