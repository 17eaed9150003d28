"""Which nodes see a folder of the driver's: those that do not hand their checkpoints over."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dfkd_core.errors import ConfigError

ANSWER_S = 60.0


def blind_nodes(folder: Path) -> list[str]:
    """Write a file here and read it from every other node; returns the names of those that cannot.

    A folder inside Ray's own session, where a submitted job's working directory lies, goes with it and is refused.
    Ray lists a dead node as alive until its heartbeats are missed; a node found dead only then is passed over.
    ConfigError: a living node does not answer.
    """
    session = ray._private.worker._global_node and ray._private.worker._global_node.get_session_dir_path()
    if session and folder.resolve().is_relative_to(Path(session).resolve()):
        rule = f"must be a place that lives on, but lies in Ray's session, {session}, which goes with the cluster"
        raise ConfigError(f"{rule}; name another --out", file=folder)
    probe, word = folder / f".probe-{uuid.uuid4().hex}", uuid.uuid4().hex
    others = [node["NodeID"] for node in _other_nodes()]
    if not others:
        return []
    probe.write_text(word)
    try:
        answers = _read_on(others, probe)
    finally:
        probe.unlink(missing_ok=True)
    blind = {node_id for node_id, answer in answers.items() if answer != word}
    found = []
    for node in _other_nodes() if blind else []:
        if node["NodeID"] in blind:
            answer, name = answers[node["NodeID"]], node.get("NodeManagerHostname", node["NodeID"])
            if isinstance(answer, RayError):
                rule = f"must answer, but {name} does not ({type(answer).__name__})"
                raise ConfigError(f"{rule}; take it out of the cluster, or try again when it does", key="--address")
            found.append(name)
    return found


def require_seen(folder: Path) -> None:
    """ConfigError naming the nodes that do not see the folder, which whoever trains there writes into."""
    if blind := blind_nodes(folder):
        rule = f"must be visible from every node, but {', '.join(blind)} cannot read what this one wrote"
        raise ConfigError(f"{rule}; put it on a shared file system", file=folder)


def _other_nodes() -> list[dict[str, Any]]:
    here = ray.get_runtime_context().get_node_id()
    return [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]


def _read_on(node_ids: list[str], path: Path) -> dict[str, str | RayError | None]:
    """What each node reads at `path`, all asked at once; a RayError in place of an answer that does not come."""
    reads = {}
    for node_id in node_ids:
        there = NodeAffinitySchedulingStrategy(node_id, soft=False)
        reads[node_id] = ray.remote(read_text).options(num_cpus=0, scheduling_strategy=there).remote(str(path))
    ray.wait(list(reads.values()), num_returns=len(reads), timeout=ANSWER_S)
    answers: dict[str, str | RayError | None] = {}
    for node_id, read in reads.items():
        try:
            answers[node_id] = ray.get(read, timeout=0)
        except RayError as error:
            answers[node_id] = error
    return answers


def read_text(path: str) -> str | None:
    """A file's text; None where it cannot be read."""
    try:
        return Path(path).read_text()
    except OSError:
        return None
