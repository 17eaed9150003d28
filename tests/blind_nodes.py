"""Ray nodes that do not see a folder: each in a mount namespace of its own, with an empty file system over it."""

import contextlib
import os
import shlex
import subprocess
import sys
import time

import ray
from ray.cluster_utils import Cluster

STORE = 100 << 20  # bytes of each node's object store
QUICK = {"RAY_AUTH_MODE": "disabled", "RAY_agent_register_timeout_ms": "200000"}


class BlindNodes:
    """A cluster whose head sees everything and has no room for trials; nodes with room do not see some folders."""

    def __init__(self, hidden, logs, env=None):
        self.hidden, self.logs, self.env, self.processes = hidden, logs, env or {}, []
        head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self.cluster.address

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in self.processes:
            self.kill(process)
        self.cluster.shutdown()

    def add(self, **env):
        """A node with room for one trial, once it has joined."""
        known = self._alive()
        over = " && ".join(f"mount -t tmpfs tmpfs {shlex.quote(str(folder))}" for folder in self.hidden)
        start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
        start += [f"--address={self.address}", "--num-cpus=1", f"--object-store-memory={STORE}"]
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{over} && exec {shlex.join(start)}"]
        log = (self.logs / f"node-{len(self.processes)}.log").open("w")
        environment = {**os.environ, **QUICK, **self.env, **env}
        process = subprocess.Popen(command, start_new_session=True, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        deadline = time.monotonic() + 240
        while not self._alive() - known:
            assert process.poll() is None and time.monotonic() < deadline, "the node does not join"
            time.sleep(0.2)
        return process

    def _alive(self):
        nodes = self.cluster.global_state.node_table() if self.cluster.global_state else ray.nodes()
        return {node["NodeID"] for node in nodes if node["Alive"]}

    @staticmethod
    def kill(process):
        """The node is gone, with all that ran on it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()
