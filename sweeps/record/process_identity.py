"""Who a process is, beyond its id: neither a recycled id nor a clock that was set back is taken for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

_ENDED = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)  # a zombie does no work


def place() -> str:
    """Within which process ids mean the same: one boot of one host, and in it one namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return f"{socket.gethostname()}/{psutil.boot_time():.0f}"


def start_of(pid: int) -> str | None:
    """When a process of this place was started, in hundredths of a second since the boot; None when it has ended.

    No clock changes that: both times below are told by the same one, and asked again when it was set in between.
    """
    try:
        process, boot_s = psutil.Process(pid), psutil.boot_time()
        start_s, has_ended = process.create_time() - boot_s, process.status() in _ENDED
    except psutil.NoSuchProcess:
        return None
    if psutil.boot_time() != boot_s:
        return start_of(pid)
    return None if has_ended else str(round(100 * start_s))


def is_running(pid: int, start: str) -> bool:
    """True when this place runs the process that was started then."""
    return start_of(pid) == start


def this_process() -> tuple[int, str]:
    """The calling process: its id and its start."""
    return os.getpid(), start_of(os.getpid()) or ""
