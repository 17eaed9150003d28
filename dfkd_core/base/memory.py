"""Let the C library keep freed memory: a training step asks for the same tens of megabytes again and again."""

from __future__ import annotations

import ctypes

# glibc's malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MEBIBYTE = 2**20


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
