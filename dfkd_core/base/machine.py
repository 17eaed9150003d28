"""What a training may use of this machine: its device, precision, threads and freed memory."""

from __future__ import annotations

import ctypes
import re
from typing import TYPE_CHECKING

from dfkd_core.errors import ConfigError

if TYPE_CHECKING:  # a process that trains nothing gives memory back, and needs no torch for it
    import torch

# glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MEBIBYTE = 2**20


def choose_device(name: str) -> torch.device:
    """The device that `training.device` names; `auto` is the first GPU, else the CPU."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        rule = f"must be auto, cpu, cuda or cuda:N, but got {name!r}; use auto"
        raise ConfigError(rule, key="training.device") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"must be auto, cpu, cuda or cuda:N, but got {name!r}; use auto", key="training.device")
    if device.type == "cuda" and (device.index or 0) not in range(torch.cuda.device_count()):
        found = torch.cuda.device_count()
        raise ConfigError(
            f"must be a GPU that torch finds, but got {name!r} of {found}; use auto", key="training.device"
        )
    return device


def mixed_precision(device: torch.device, precision: str) -> torch.autocast:
    """A context in which matrix products run in bfloat16 when `precision` asks for it."""
    import torch

    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def limit_threads(num_threads: int) -> None:
    """Hold torch and numpy to so many threads, for the rest of this process.

    numpy's BLAS starts one for each core, and these wait for work by spinning: without the limit the metrics of a
    validation cost a second core as much time as their own.
    """
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(num_threads)
    threadpool_limits(num_threads, user_api="blas")


def keep_freed_memory(kept_bytes: int = 1024 * MEBIBYTE) -> bool:
    """Serve large tensors from the heap and hand none of it back below `kept_bytes`; True when glibc agreed.

    By default glibc maps each large block anew, and the kernel zeroes it page by page: 18,000 page faults in a
    DCCRN step of width 0.25, a sixth of its CPU time. For the process that trains, once, at its start. Other C
    libraries have other allocators and are left alone.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    # 32 MiB is the largest threshold that glibc takes.
    settings = ((M_MMAP_THRESHOLD, 32 * MEBIBYTE), (M_TRIM_THRESHOLD, kept_bytes), (M_TOP_PAD, 64 * MEBIBYTE))
    return all(library.mallopt(key, value) == 1 for key, value in settings)


def return_freed_memory() -> None:
    """Hand what the C library keeps back to the system: for a process between two trainings, where glibc is."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def refused_memory(error: RuntimeError) -> str | None:
    """What torch's error says of memory that the system refused, in one line; None where it is about something else."""
    asked = re.search(r"can't allocate memory: you tried to allocate (\d+) bytes", str(error))
    if asked is None:
        return None
    remedy = "use a smaller training.batch_size, data.segment_s or student"
    return f"{int(asked[1]) / 2**30:,.1f} GiB of memory were asked for at once, more than there is; {remedy}"
