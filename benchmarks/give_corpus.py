"""What it costs to give nodes a corpus: `python -m benchmarks.give_corpus CORPUS [--nodes 3]`.

Workers of one Ray on this machine, each with a cache folder of its own, stand for nodes that lack the corpus; the
keeper gives it to all of them at once. Prints how long it took, MB/s of all together, CPU seconds of keeper and node
for 100 MB, and how much memory the keeper took.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import psutil
import ray

from benchmarks.hand_over import cpu_s, keeper_process
from cluster import own_ray
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.deciding.inputs import NodeDiffers
from sweeps.engine.on_ray.by_value import by_value
from sweeps.engine.on_ray.node_inputs import NodeInputs
from sweeps.engine.on_ray.trial_desk import start_keeper


@ray.remote(num_cpus=0)
class Node:
    def __init__(self, keeper, cache):
        os.environ["DFKD_CACHE"] = cache
        self.inputs = NodeInputs(DistillationWorkload.domain, 1, keeper)

    def fetch(self, config):
        began, before = time.perf_counter(), cpu_s(psutil.Process())
        self.inputs.given(config, NodeDiffers("lacks the corpus"))
        return time.perf_counter() - began, cpu_s(psutil.Process()) - before


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--nodes", type=int, default=3)
    options = parser.parse_args()
    config = {"data": {"corpus": str(options.corpus.resolve())}, "distillation": {"method": "none"}}
    own_ray.start(1)
    try:
        with tempfile.TemporaryDirectory(prefix="dfkd-give-", dir=Path.cwd()) as place:
            measure(Path(place), config, options.nodes)
    finally:
        own_ray.stop()


def measure(folder, config, num_nodes):
    keeper = start_keeper(folder, folder, "", by_value(DistillationWorkload), 1)
    began = time.perf_counter()
    parcel = ray.get(keeper.parcel.remote(config, False))
    mb, process = parcel.num_bytes / 1e6, keeper_process(keeper)
    print(f"{len(parcel.files)} files, {mb:.0f} MB, listed in {time.perf_counter() - began:.1f} s")
    before, held = cpu_s(process), process.memory_full_info().uss
    nodes = [Node.remote(keeper, str(folder / f"cache-{number}")) for number in range(num_nodes)]
    took = ray.get([node.fetch.remote(config) for node in nodes])
    wall_s, (_, told) = max(seconds for seconds, _ in took), ray.get(keeper.news.remote(0))
    sent_mb = sum(news.num_bytes for news in told.values()) / 1e6
    print(f"{num_nodes} nodes: {sent_mb:.0f} MB in {wall_s:.1f} s, {sent_mb / wall_s:.0f} MB/s")
    print(f"CPU for 100 MB: keeper {100 * (cpu_s(process) - before) / sent_mb:.2f} s, ", end="")
    print(f"node {100 * sum(cpu for _, cpu in took) / sent_mb:.2f} s")
    print(f"the keeper took {(process.memory_full_info().uss - held) / 1e6:.0f} MB of its own more for it")


if __name__ == "__main__":
    main()
