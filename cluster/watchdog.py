"""Ray's own processes are watched: without them a driver hangs for up to a minute, then dies without a word."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

NAMES = ("gcs_server", "raylet")
LOOK_S = 0.5


@contextmanager
def watched(remedy: str) -> Iterator[None]:
    """While entered, the death of a Ray that this process has started ends this process with status 1.

    Nothing is put away first: what is on disk is all that counts, as after a kill. `remedy` says how to go on.
    """
    processes, over = own_processes(), threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            dead = first_dead(processes)
            if dead is not None:
                sys.stderr.write(f"dfkd: Ray's process {dead.pid} has ended, and with it this driver; {remedy}\n")
                sys.stderr.flush()
                os._exit(1)

    thread = threading.Thread(target=watch, name="ray-watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def own_processes() -> list[psutil.Process]:
    """Ray's server processes among the children of this one."""
    return [child for child in psutil.Process().children() if child.name() in NAMES]


def first_dead(processes: list[psutil.Process]) -> psutil.Process | None:
    """The first process that has ended, waited for or not."""
    for process in processes:
        try:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            return process
    return None
