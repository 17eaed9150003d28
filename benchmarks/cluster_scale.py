"""One driver and many workers: 16 and 64 logical ones on four Ray nodes of this machine, then nodes that come and go.

Trials wait for 10 s in five epochs and train nothing, so that what is measured is the engine's own: the time against
the ideal one, processor time by kind of process, and from the driver's the largest cluster that it can feed. For a
first look: `python -m benchmarks.cluster_scale --workers 16 --trials 64`. 64 workers hold 12 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path[1:1] = [str(Path(__file__).parents[1] / "tests")]
from closed_form import Curve, epochs_run, sweep  # noqa: E402 - tests/ joins the path first
from one_story import disagreements  # noqa: E402

from sweeps import SweepSpec, run_sweep  # noqa: E402
from sweeps.record.sweep import Sweep  # noqa: E402
from sweeps.record.trials import TrialState  # noqa: E402
from sweeps.terminal.display import Display, SweepView  # noqa: E402

NUM_NODES, NUM_TRIALS, TRIAL_S, EPOCHS = 4, 320, 10.0, 5
SIZES = (16, 64)
STORE = 80 << 20
LOOK_S = 5.0  # between looks at other processes' time
MOST_BUSY = 0.5  # of one core, of a driver that feeds as many workers as it can
GOAL = {60: None, 600: 1000, 3600: None}  # workers, by seconds of a trial
NUM_COMING, NUM_CHURNED, CHURN_S = 16, 96, (0.5, 4.0)


class Clock(Display):
    """When how many trials were at work, and what processor time this process and its children had used by then."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int, float]] = []
        self.children: dict[int, tuple[str, float]] = {}  # by process, as last seen: workers end with the sweep
        self._next_look = 0.0

    def update(self, view: SweepView) -> None:
        self.seen.append((time.time(), view.counts[TrialState.RUNNING], time.process_time()))
        if time.monotonic() >= self._next_look:
            self.children.update(children_s())
            self._next_look = time.monotonic() + LOOK_S


@contextmanager
def cluster_of(num_nodes: int, cpus: int) -> Iterator[Any]:
    """Ray nodes on this machine, and a head without room for trials; RAY_ADDRESS names it."""
    os.environ["RAY_agent_register_timeout_ms"] = "200000"  # noqa: SIM112 - as Ray spells it
    import ray
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        for _ in range(num_nodes):
            cluster.add_node(num_cpus=cpus, object_store_memory=STORE)
        yield cluster
    finally:
        del os.environ["RAY_ADDRESS"]
        ray.shutdown()
        cluster.shutdown()


def scaled(workers: int, trials: int, trial_s: float) -> list[dict[str, Any]]:
    """One sweep on so many workers."""
    clock, title = Clock(), f"{workers} workers, {trials} trials of {trial_s:g} s"
    config = {"epoch_s": trial_s / EPOCHS}
    more = {"resources": {}, "sampler": {"name": "random"}}
    spec = SweepSpec.model_validate(sweep(trials, EPOCHS, config=config, **more))
    with cluster_of(NUM_NODES, workers // NUM_NODES), tempfile.TemporaryDirectory() as root:
        before = children_s()
        run_sweep(spec, out=Path(root) / "sweep", workload=Curve, display=clock)
        used: Counter[str] = Counter()
        for pid, (kind, seconds) in (clock.children | children_s()).items():
            used[kind] += seconds - before.get(pid, ("", 0.0))[1]
        records = Sweep.open(Path(root) / "sweep").records()
    spans = sorted((r.started or 0.0, r.finished or 0.0) for r in records)
    first, last = spans[0][0], max(end for _, end in spans)
    ratio = (last - first) / (trials * trial_s / workers)
    full = next((when for when, at_work, _ in clock.seen if at_work >= workers), last)
    end = max(spans[-1][0], full)  # until nothing was left to begin
    busy = sum(max(0.0, min(e, end) - max(s, full)) for s, e in spans) / max(1e-9, workers * (end - full))
    begun = next((cpu for when, _, cpu in clock.seen if when >= first), 0.0)
    driver_s = (clock.seen[-1][2] - begun) / trials
    rows = [
        row(f"{title}: time against ideal", ratio, "times", "<= 1.2", ratio <= 1.2),
        row("  until all workers were at work", full - first, "s"),
        row("  workers busy from then until the last trial began", busy, "share"),
        row("  driver's processor time", 1e3 * driver_s, "ms/trial"),
    ]
    rows += [row(f"  processor time of {kind}", 1e3 * s / trials, "ms/trial") for kind, s in sorted(used.items())]
    cores = sum(used.values()) / (last - first)
    rows.append(row(f"  of this machine's {os.cpu_count()} cores, all of it took", cores, "cores"))
    for seconds, goal in GOAL.items():
        most, target = MOST_BUSY * seconds / driver_s, f">= {goal}" if goal else ""
        rows.append(row(f"  workers for trials of {seconds // 60} min", most, "workers", target, goal and most >= goal))
    return rows


def children_s() -> dict[int, tuple[str, float]]:
    """Kind and processor seconds so far of each of this process's children that lives."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        try:
            name, times, words = child.name(), child.cpu_times(), " ".join(child.cmdline())
        except psutil.NoSuchProcess:
            continue
        kind = "Ray's servers" if name in ("raylet", "gcs_server") else "other processes"
        if words.startswith("ray::"):
            kind = "workers"
        elif "sweeps.tracking" in words:
            kind = "the delivery to MLflow"
        found[child.pid] = kind, times.user + times.system
    return found


def churned(num_nodes: int, trials: int, seed: int) -> list[dict[str, Any]]:
    """Nodes of one processor come and go at random while a sweep runs, half of them without a word."""
    draw, moves, wrong = random.Random(seed), Counter[str](), []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root, cluster_of(num_nodes, 1) as cluster:
        log, folder = Path(root) / "log", Path(root) / "runs" / "churned"
        log.mkdir()
        # a random trial draws a short straw often: what is measured is whether anything is lost, not patience
        more = {"resources": {}, "failures": {"max_retries": 0, "max_lost_nodes": 1000}}
        spec = SweepSpec.model_validate(sweep(trials, EPOCHS, log, config={"epoch_s": TRIAL_S / EPOCHS}, **more))

        def drive() -> None:
            try:
                run_sweep(spec, out=folder, workload=Curve)
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")

        driver = threading.Thread(target=drive)  # Ray wants nodes to be removed from the main thread
        driver.start()
        while driver.is_alive():
            driver.join(timeout=draw.uniform(*CHURN_S))
            if not epochs_run(log):
                continue
            nodes = list(cluster.worker_nodes)
            leaves = len(nodes) > num_nodes // 2 and (len(nodes) >= num_nodes or draw.random() < 0.5)
            if leaves:
                cluster.remove_node(draw.choice(nodes), allow_graceful=draw.random() < 0.5)
            else:
                cluster.add_node(num_cpus=1, object_store_memory=STORE)
            moves["left" if leaves else "joined"] += 1
        wrong += disagreements(folder, trials)
        ledger = Sweep.open(folder).ledger
        states = Counter(str(record.state) for record in ledger.records())
        wrong += [f"{states} instead of {trials} complete trials"] if states != {"COMPLETE": trials} else []
        epochs = Counter((line["x"], line["epoch"]) for line in epochs_run(log))
        losses = sum(len(ledger.events(number, "lost")) for number in range(trials))
    missing = trials * EPOCHS - len(epochs)
    again = epochs.total() - len(epochs)
    print("\n".join(wrong), file=sys.stderr)
    return [
        row(
            f"{num_nodes} nodes, {moves['left']} left and {moves['joined']} joined: wrong",
            len(wrong),
            "",
            "0",
            not wrong,
        ),
        row(f"  epochs that were never run, of {trials * EPOCHS}", missing, "", "0", not missing),
        row(f"  epochs paid again, for {losses} attempts lost", again, "", f"<= {2 * losses}", again <= 2 * losses),
    ]


def row(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


def run() -> list[dict[str, Any]]:
    rows = [line for workers in SIZES for line in scaled(workers, NUM_TRIALS, TRIAL_S)]
    return rows + churned(NUM_COMING, NUM_CHURNED, seed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--trial-s", type=float, default=TRIAL_S)
    parser.add_argument("--nodes", type=int, default=0, help="that come and go")
    asked = parser.parse_args()
    rows = scaled(asked.workers, asked.trials, asked.trial_s) if asked.workers else []
    rows += churned(asked.nodes, asked.trials, seed=1) if asked.nodes else []
    print("\n".join(json.dumps(line) for line in rows))


if __name__ == "__main__":
    main()
