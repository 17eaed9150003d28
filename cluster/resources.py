"""What one trial asks for; refused early when no node can hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.errors import ConfigError


def bundle(cpus: float, gpus: float = 0, accelerator_type: str | None = None) -> dict[str, float]:
    """Ray's resource bundle for one trial."""
    wanted = {"CPU": cpus, "GPU": gpus}
    if accelerator_type:
        wanted[f"accelerator_type:{accelerator_type}"] = 0.001
    return {name: amount for name, amount in wanted.items() if amount}


def in_words(wanted: Mapping[str, float]) -> str:
    """What a trial asks for, for people: 2 CPU, 0.5 GPU, A100."""
    kinds = [name.partition(":")[2] for name in wanted if ":" in name]
    amounts = [f"{amount:g} {name}" for name, amount in wanted.items() if ":" not in name]
    return ", ".join([*amounts, *kinds]) or "nothing"


def check_fits(wanted: Mapping[str, float], nodes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a trial that no node alone can hold; `nodes` are those of `ray.nodes()`."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in alive):
        return
    name = next((n for n, amount in wanted.items() if all(node.get(n, 0) < amount for node in alive)), None)
    rule = f"no node can hold a trial: it asks for {in_words(wanted if name is None else {name: wanted[name]})}"
    if name is None:  # all of it somewhere, and nowhere at once
        kinds = [in_words({n: node.get(n, 0) for n in wanted if ":" not in n or node.get(n)}) for node in alive]
        raise ConfigError(f"{rule} of one node; there are nodes of {'; '.join(sorted(set(kinds)))}", key="resources")
    if ":" in name:
        kind = name.partition(":")[0] + ":"
        known = sorted({n.removeprefix(kind) for node in alive for n in node if n.startswith(kind)})
        remedy = f"the nodes have {', '.join(known) or 'no GPU whose type is known'}"
        raise ConfigError(f"{rule}, and {remedy}", key="resources.accelerator_type")
    most = max((node.get(name, 0) for node in alive), default=0)
    raise ConfigError(f"{rule}, the largest node has {most:g}; ask for less", key="resources")


GPU_GIB = {  # memory by Ray's name of the type; of those that come in two sizes the smaller
    "T4": 16,
    "V100": 16,
    "P100": 16,
    "RTX-4090": 24,
    "L4": 24,
    "A10G": 24,
    "A100": 40,
    "A100-40G": 40,
    "A100-80G": 80,
    "L40S": 48,
    "H100": 80,
    "H200": 141,
    "B200": 180,
}


def gpu_bytes(node: Mapping[str, Any]) -> float | None:
    """The memory of one of a node's GPUs, from its type; None of a node without any, and of an unknown type."""
    resources = node["Resources"]
    if "gpu_bytes" in node:
        return float(node["gpu_bytes"])
    kinds = [name.partition(":")[2] for name in resources if name.startswith("accelerator_type:")]
    return GPU_GIB[kinds[0]] * 2.0**30 if resources.get("GPU") and kinds and kinds[0] in GPU_GIB else None


def this_machine() -> dict[str, Any]:
    """What a Ray for this machine alone would say of its one node; accelerator types only Ray itself knows."""
    import torch

    gpus = torch.cuda.device_count()
    found = {"Alive": True, "Resources": {"CPU": allowed_cpus(), "GPU": gpus}}
    return {**found, "gpu_bytes": torch.cuda.get_device_properties(0).total_memory} if gpus else found


def num_slots(wanted: Mapping[str, float], nodes: Sequence[Mapping[str, Any]]) -> int:
    """How many trials fit on the nodes at once."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    return sum(int(min((node.get(n, 0) // amount for n, amount in wanted.items()), default=1)) for node in alive)


def outside(node_ids: Sequence[str]) -> dict[str, str]:
    """Ray's label selector for every node but these."""
    return {"ray.io/node-id": f"!in({','.join(node_ids)})"} if node_ids else {}
