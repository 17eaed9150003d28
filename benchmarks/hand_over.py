"""What it costs to hand checkpoints to a keeper: `python -m benchmarks.hand_over [--mb 0.3 3 10] [--num 20]`.

Workers of one Ray on this machine hand checkpoints of random bytes to the keeper, which writes them into a sweep folder
with everything forced to disk, as a sweep's does. Prints for each size: MB/s, seconds of one hand-over, CPU seconds of
keeper and driver for one, and what 256 workers with epochs of a minute ask of both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import psutil
import ray

from cluster import own_ray
from sweeps.engine.on_ray.trial_desk import FarDesk, start_keeper
from sweeps.record.driver_lock import DriverLock
from sweeps.record.trial_folder import TrialFolder

NUM_WORKERS = 256


@ray.remote(num_cpus=0)
class Worker:
    def __init__(self, keeper, number):
        self.desk = FarDesk(keeper, number)
        self.desk.claim()

    def hand_over(self, size, num):
        content, took = os.urandom(size), []
        for epoch in range(1, num + 1):
            began = time.perf_counter()
            self.desk.check()
            self.desk.save(epoch, {"m": 1.0}, lambda place: (place / "weights").write_bytes(content))
            took.append(time.perf_counter() - began)
        return took


def keeper_process(keeper):
    """Asked of itself: other sweeps on this machine have keepers, too."""
    return psutil.Process(ray.get(keeper.__ray_call__.remote(lambda self: os.getpid())))


def cpu_s(process):
    times = process.cpu_times()
    return times.user + times.system


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, nargs="+", default=[0.3, 3, 10])
    parser.add_argument("--num", type=int, default=20)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    own_ray.start(4)
    try:
        with tempfile.TemporaryDirectory(prefix="dfkd-hand-over-", dir=Path.cwd()) as place:
            measure(Path(place), options)
    finally:
        own_ray.stop()


def measure(folder, options):
    lock = DriverLock.acquire(folder)
    keeper = start_keeper(folder, folder, lock.session)
    for number in range(options.workers):
        TrialFolder(folder, number).create({})
    workers = [Worker.remote(keeper, number) for number in range(options.workers)]
    ray.get([worker.hand_over.remote(1000, 2) for worker in workers])
    process, driver = keeper_process(keeper), psutil.Process()
    for mb in options.mb:
        before, began = (cpu_s(process), cpu_s(driver)), time.perf_counter()
        handed = ray.get([worker.hand_over.remote(int(mb * 1e6), options.num) for worker in workers])
        took = [seconds for of_worker in handed for seconds in of_worker]
        wall_s, num = time.perf_counter() - began, len(took)
        kept, driven = ((cpu_s(p) - was) / num for p, was in zip((process, driver), before, strict=True))
        print(
            f"{mb:5.1f} MB: {mb * num / wall_s:6.1f} MB/s from {options.workers} workers; "
            f"one takes {1000 * sorted(took)[num // 2]:.0f} ms (median), {1000 * max(took):.0f} at most; "
            f"CPU of the keeper {1000 * kept:.1f} ms, of the driver {1000 * driven:.2f} ms; {NUM_WORKERS} workers "
            f"with epochs of 60 s: {NUM_WORKERS * mb / 60:.1f} MB/s, {NUM_WORKERS * kept / 60:.0%} of a core"
        )
    lock.release()


if __name__ == "__main__":
    main()
