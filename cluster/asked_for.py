"""What a file to launch with will ask for, read from the file as it stands, its owner's changes included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import read_content, read_yaml
from dfkd_core.errors import ConfigError, Unreadable

GIB_OF = {"Ki": 2.0**-20, "Mi": 2.0**-10, "Gi": 1.0, "Ti": 2.0**10, "": 2.0**-30}
SECONDS_OF = (1.0, 60.0, 3600.0)  # of what stands between a time's colons, from its end


@dataclass(frozen=True)
class AskedFor:
    """Nodes for trials that a file asks for at most."""

    num_nodes: int
    cpus: float  # of one node, as the rest
    gpus: float
    gpu_type: str | None  # as the file calls it
    memory_gib: float | None
    how: str  # when they come
    hours: float | None = None  # of one run of the job; None where nothing ends it

    def nodes(self, gpu_type: str | None = None) -> list[dict[str, Any]]:
        """As `ray.nodes()` would tell of them; a sweep's type of GPU is believed to be theirs."""
        resources = {"CPU": self.cpus, "GPU": self.gpus}
        if self.gpus and gpu_type:
            resources[f"accelerator_type:{gpu_type}"] = 1.0
        name = f"{self.num_nodes} nodes" if self.num_nodes > 1 else "1 node"
        return [{"Alive": True, "NodeManagerHostname": name, "Resources": resources}] * self.num_nodes

    def __str__(self) -> str:
        gpus = f", {self.gpus:g} GPU{f' ({self.gpu_type})' if self.gpu_type else ''}" if self.gpus else ""
        memory = f", {self.memory_gib:g} GB" if self.memory_gib else ""
        limit = f", for {self.hours:.3g} h each time" if self.hours else ""
        number = f"{self.num_nodes} {'nodes' if self.num_nodes > 1 else 'node'}"
        return f"{number} of {self.cpus:g} CPU{gpus}{memory}, {self.how}{limit}"


def asked_for(file: Path) -> AskedFor:
    """Read a file that `dfkd cluster render` wrote. ConfigError: it is none, or asks for no nodes."""
    rule = "must be a file of `dfkd cluster render aws|gcp|on-prem|kuberay|slurm`"
    try:
        text = read_content(file).decode()
    except FileNotFoundError as error:
        raise ConfigError(f"{rule}, but there is none; write it first", key="--against", file=file) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{rule}, but is no text; write it anew", key="--against", file=file) from error
    try:
        if "#SBATCH" in text:
            return _slurm(text)
        document = {} if re.search("^FROM ", text, re.MULTILINE) else read_yaml(file)
        if document.get("kind") in ("RayJob", "RayCluster"):
            return _kuberay(document["spec"])
        if "provider" in document:
            return _launcher(document)
    except Unreadable:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{rule}, but lacks or spoils what says its nodes: {error!r}", file=file) from error
    raise ConfigError(f"{rule}; a Dockerfile, and any other file, asks for no nodes", file=file)


def _slurm(text: str) -> AskedFor:
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(\S+)", text, re.MULTILINE))
    kind, _, gpus = options.get("gpus-per-node", "0").rpartition(":")
    first, _, last = options.get("array", "").partition("%")[0].partition("-")
    is_array = "array" in options
    days, _, clock = options["time"].rpartition("-") if "time" in options else ("", "", "")
    parts = [float(part) for part in clock.split(":")] if clock else []
    if days:  # after a day's dash, hours come first
        parts = [*parts, *[0.0] * (3 - len(parts))]
    elif len(parts) == 1:  # minutes alone
        parts = [*parts, 0.0]
    seconds = sum(part * unit for part, unit in zip(reversed(parts), SECONDS_OF, strict=False))
    memory = options.get("mem", "")
    return AskedFor(
        num_nodes=int(last or first) - int(first) + 1 if is_array else int(options["nodes"]),
        cpus=float(options["cpus-per-task"]),
        gpus=float(gpus),
        gpu_type=kind or None,
        memory_gib=float(memory[:-1]) if memory.endswith("G") else None,
        how="one by one as they are free" if is_array else "all at once",
        hours=(float(days or 0) * 24 + seconds / 3600) or None,
    )


def _kuberay(spec: Mapping[str, Any]) -> AskedFor:
    cluster = spec.get("rayClusterSpec", spec)
    (group,) = cluster["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    asked = {**container["resources"].get("requests", {}), **container["resources"].get("limits", {})}
    amount, unit = re.fullmatch(r"([\d.]+)([KMGT]i)?", str(asked["memory"])).groups()  # type: ignore[union-attr]
    comes = "when the sweep asks for them" if cluster.get("enableInTreeAutoscaling") else "all from the start"
    return AskedFor(
        num_nodes=int(group["maxReplicas"]),
        cpus=float(asked["cpu"]),
        gpus=float(asked.get("nvidia.com/gpu", 0)),
        gpu_type=None,
        memory_gib=float(amount) * GIB_OF[unit or ""],
        how=comes,
    )


def _launcher(document: Mapping[str, Any]) -> AskedFor:
    provider = document["provider"]
    if provider["type"] == "local":
        start = " ".join(document["worker_start_ray_commands"])
        numbers = {kind: int(number) for kind, number in re.findall(r"--num-(cpus|gpus)=(\d+)", start)}
        return AskedFor(
            num_nodes=len(provider["worker_ips"]),
            cpus=float(numbers["cpus"]),
            gpus=float(numbers.get("gpus", 0)),
            gpu_type=None,
            memory_gib=None,
            how=f"which are there: {', '.join(provider['worker_ips'])}",
        )
    head = document["head_node_type"]
    ((_, worker),) = [kind for kind in document["available_node_types"].items() if kind[0] != head]
    machine = worker["node_config"]
    is_spot = "InstanceMarketOptions" in machine or "scheduling" in machine
    name = machine.get("InstanceType") or machine["machineType"].rpartition("/")[2]
    return AskedFor(
        num_nodes=int(worker["max_workers"]),
        cpus=float(worker["resources"]["CPU"]),
        gpus=float(worker["resources"].get("GPU", 0)),
        gpu_type=None,
        memory_gib=None,
        how=f"{name} {'on spot' if is_spot else 'on demand'}, when the sweep asks for them",
    )
