"""Connect to Ray, or start what is needed and stop only that."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import ray

from cluster.loopback import on_loopback
from cluster.watchdog import watched
from dfkd_core.errors import ConfigError

KNOCK_S = 10.0
OBJECT_STORE_BYTES = 256 << 20  # trials share files, not objects


@dataclass(frozen=True)
class Session:
    """A Ray that trials can run on."""

    is_own: bool  # started here, and stopped at the end

    def nodes(self) -> list[dict[str, Any]]:
        """What Ray says of its nodes."""
        return list(ray.nodes())


@contextmanager
def connect(
    address: str | None = None, *, num_cpus: int | None = None, remedy: str = "start it again"
) -> Iterator[Session]:
    """A session on the cluster at `address`, else at RAY_ADDRESS, else on a Ray started for this machine alone.

    When a Ray that was started here dies, this process ends with status 1, and `remedy` says how to go on.
    Raises ConfigError for an address that cannot be reached, naming the setting it came from.
    """
    if ray.is_initialized():
        yield Session(is_own=False)
        return
    setting, target = _target(address)
    _start(setting, target, num_cpus)
    try:
        with watched(remedy) if target == "local" else nullcontext():
            yield Session(is_own=target == "local")
    finally:
        ray.shutdown()


def _target(address: str | None) -> tuple[str, str]:
    """Where to connect, and the setting that says so."""
    setting, target = ("--address", address) if address else ("RAY_ADDRESS", os.environ.get("RAY_ADDRESS"))
    if not target:
        return "default", "local"
    if target.startswith("ray://"):
        rule = f"must not be a ray:// address, through which trials would run without the ledger, but got {target!r}"
        raise ConfigError(f"{rule}; start `dfkd` on a machine of the cluster, with the address auto", key=setting)
    return setting, target


def _start(setting: str, target: str, num_cpus: int | None) -> None:
    _knock(setting, target)
    own = {"num_cpus": num_cpus, "object_store_memory": OBJECT_STORE_BYTES, "include_dashboard": False}
    try:
        with on_loopback() if target == "local" else nullcontext():
            ray.init(
                address=target,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **(own if target == "local" else {}),
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise _no_answer(setting, target, error) from error


def _knock(setting: str, target: str) -> None:
    """Try a HOST:PORT first: Ray itself asks a dead address for minutes."""
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(setting, target, error) from error


def _no_answer(setting: str, target: str, error: Exception) -> ConfigError:
    text = " ".join(str(error).split())[:200]
    return ConfigError(f"no Ray cluster answers at {target!r}: {text}; start one or leave it out", key=setting)
