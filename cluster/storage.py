"""Paths that every node can reach; a folder that other nodes cannot see is refused at the start."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from dfkd_core.errors import ConfigError


def check_shared(folder: Path) -> None:
    """Write a file here and read it from every other node; ConfigError names the first node that cannot."""
    here = ray.get_runtime_context().get_node_id()
    others = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]
    if not others:
        return
    probe, word = folder / f".probe-{uuid.uuid4().hex}", uuid.uuid4().hex
    probe.write_text(word)
    try:
        for node in others:
            if _read_on(node["NodeID"], probe) != word:
                name = node.get("NodeManagerHostname", node["NodeID"])
                raise ConfigError(
                    f"must be visible from every node, but {name} cannot read what {socket.gethostname()} wrote; "
                    "put the sweep on a shared file system with --out",
                    file=folder,
                )
    finally:
        probe.unlink(missing_ok=True)


def _read_on(node_id: str, path: Path) -> str | None:
    strategy = NodeAffinitySchedulingStrategy(node_id, soft=False)
    read: Any = ray.remote(_read).options(num_cpus=0, scheduling_strategy=strategy)
    return str(ray.get(read.remote(str(path)), timeout=60))


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None
