"""Paths that every node can reach; a folder that other nodes cannot see is refused at the start."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path
from typing import Any, cast

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dfkd_core.errors import ConfigError

ANSWER_S = 60.0


def check_shared(folder: Path) -> None:
    """Write a file here and read it from every other node; ConfigError names the first node that cannot.

    Ray lists a dead node as alive until its heartbeats are missed; a node found dead only then is passed over.
    """
    word, others = uuid.uuid4().hex, [node["NodeID"] for node in _other_nodes()]
    answers = _answers(folder, word, others) if others else {}
    blind = {node_id for node_id, answer in answers.items() if answer != word}
    for node in _other_nodes() if blind else []:
        if node["NodeID"] in blind:
            raise _refusal(folder, node, answers[node["NodeID"]])


def _other_nodes() -> list[dict[str, Any]]:
    here = ray.get_runtime_context().get_node_id()
    return [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]


def _answers(folder: Path, word: str, node_ids: list[str]) -> dict[str, str | RayError | None]:
    """What each node reads where `word` is written in the folder for a moment."""
    probe = folder / f".probe-{uuid.uuid4().hex}"
    probe.write_text(word)
    try:
        return dict(zip(node_ids, _read_on(node_ids, probe), strict=True))
    finally:
        probe.unlink(missing_ok=True)


def _refusal(folder: Path, node: dict[str, Any], answer: str | RayError | None) -> ConfigError:
    reason = f"cannot read what {socket.gethostname()} wrote; put the sweep on a shared file system with --out"
    if isinstance(answer, RayError):
        reason = f"does not answer ({type(answer).__name__}); take it out of the cluster, or try again when it does"
    name = node.get("NodeManagerHostname", node["NodeID"])
    return ConfigError(f"must be visible from every node, but {name} {reason}", file=folder)


def _read_on(node_ids: list[str], path: Path) -> list[str | RayError | None]:
    """What each node reads at `path`, all asked at once; a RayError in place of an answer that does not come."""
    reads = [_read_task(node_id).remote(str(path)) for node_id in node_ids]
    ray.wait(reads, num_returns=len(reads), timeout=ANSWER_S)
    return [_answer(read) for read in reads]


def _read_task(node_id: str) -> Any:
    strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
    return ray.remote(_read).options(num_cpus=0, scheduling_strategy=strategy)


def _answer(read: Any) -> str | RayError | None:
    try:
        return cast("str | None", ray.get(read, timeout=0))
    except RayError as error:
        return error


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None
