"""How much of this machine a process may use, which is often less than it has: taskset, Slurm, containers, cgroups."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MEMBERSHIP, CGROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def allowed_cpus() -> int:
    """Whole processors that this process may use: by its affinity, and by the quota of its cgroup."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    num = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = min(_limits("cpu", _quota), default=math.inf)
    return max(1, int(min(num, quota)))


def allowed_memory_bytes() -> int:
    """Memory that this process may use: the machine's, or less where its cgroup has a limit."""
    import psutil

    return int(min([psutil.virtual_memory().total, *_limits("memory", _memory_bytes)]))


def _limits(controller: str, read: Callable[[Path], float]) -> Iterator[float]:
    """What limits this process: in its own cgroup and those above it, of version 1 or 2."""
    with suppress(OSError, ValueError):  # not Linux
        for line in MEMBERSHIP.read_text().splitlines():
            _, controllers, own = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            top = CGROUPS / controller if controllers else CGROUPS
            # In a container the path may be the host's: what is not there is passed over, up to the top.
            folder = Path(os.path.normpath(f"{top}/{own}"))
            for place in (folder, *(above for above in folder.parents if above.is_relative_to(top))):
                with suppress(OSError, ValueError):  # no such limit, or "max"
                    yield read(place)


def _quota(place: Path) -> float:
    """Processors, as processor time by wall time."""
    both = place / "cpu.max"
    if both.exists():
        quota, period = both.read_text().split()
    else:
        quota, period = ((place / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    return int(quota) / int(period) if int(quota) > 0 else math.inf


def _memory_bytes(place: Path) -> float:
    name = "memory.max" if (place / "memory.max").exists() else "memory.limit_in_bytes"
    return int((place / name).read_text())
