"""A search that lives in another environment: its adapter is asked and told over pipes, one JSON object a line.

    {"do": "begin", "space": ..., "num_epochs": 9, "seed": 0}            -> null
    {"do": "ask"}                                                        -> {"key", "values", "start", "end"} or null
    {"do": "report", "key": 3, "epoch": 1, "costs": [-0.4, 12.1]}        -> whether it goes on

Adapters lie in `benchmarks/search/peers/`; each says how its environment is made, and which variable names its Python.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.search.problem import Problem
from benchmarks.search.simulator import Job
from search_spaces.space import Space

PEERS = Path(__file__).with_name("peers")
# adapter -> the variable that names its Python
PYTHONS = {"syne_moasha": "BENCH_SYNE_TUNE", "neps_primo": "BENCH_NEPS"}


def is_there(peer: str) -> bool:
    """Whether its environment is given."""
    return bool(os.environ.get(PYTHONS[peer]))


@cache
def _process(peer: str) -> subprocess.Popen[str]:
    """Started once for all its searches: imports take seconds."""
    python = str(Path(os.environ[PYTHONS[peer]]).expanduser())
    command = [python, "-W", "ignore", str(PEERS / f"{peer}.py")]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=alone
    )
    atexit.register(process.kill)
    return process


class PeerSearch:
    """One run of a foreign search."""

    shows_stopped = False

    def __init__(self, problem: Problem, seed: int, peer: str) -> None:
        self._peer, self._space = peer, Space.parse(problem.space)
        self._call(do="begin", space=dict(problem.space), num_epochs=problem.num_epochs, seed=seed)

    def ask(self, now: float) -> Job | None:
        """What the peer proposes, without the values that are not active."""
        asked = self._call(do="ask")
        if asked is None:
            return None
        point: dict[str, Any] = {}
        for dimension in self._space.dimensions:
            if dimension.is_active(point):
                point[dimension.key] = asked["values"][dimension.key]
        return Job(asked["key"], point, asked["start"], asked["end"])

    def report(self, key: int, epoch: int, costs: tuple[float, float], now: float) -> bool:
        """Tell it."""
        return bool(self._call(do="report", key=key, epoch=epoch, costs=list(costs)))

    def _call(self, **call: Any) -> Any:
        process = _process(self._peer)
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(call) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._peer} ended; run its adapter by hand: {PEERS / self._peer}.py")
        return json.loads(line)
