"""Who a process is, beyond its id: neither a recycled id nor a clock that was set back is taken for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psutil

_ENDED = ("Z", "X")  # a zombie does no work


def place() -> str:
    """Within which process ids mean the same: one boot of one host, and in it one namespace of processes."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return f"{socket.gethostname()}/{psutil.boot_time():.0f}"


def start_of(pid: int) -> str | None:
    """When a process of this place was started, as a mark that no clock changes; None when it does not run."""
    try:
        # Behind the name, which may hold anything: state, ..., and as the 20th the start in ticks since the boot.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)
    return None if fields[0] in _ENDED else fields[19]


def _start_elsewhere(pid: int) -> str | None:
    """The same where there is no /proc: seconds since 1970."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.0f}"
    except psutil.NoSuchProcess:
        return None


def is_running(pid: int, start: str) -> bool:
    """True when this place runs the process that was started then."""
    return start_of(pid) == start


def this_process() -> tuple[int, str]:
    """The calling process: its id and its start."""
    return os.getpid(), start_of(os.getpid()) or ""
