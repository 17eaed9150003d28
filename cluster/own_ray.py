"""A Ray for this machine alone: reached by nobody else, independent of what other tools left in the environment."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray._common.utils import get_default_ray_temp_dir
from ray._private import ray_constants

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.errors import DFKDError

SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
OBJECT_STORE_BYTES = 256 << 20  # trials share files, not objects
LONGEST_SOCKET = 107  # bytes of a socket's path, on Linux
INSIDE = "/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.10"  # what Ray adds to its folder
NO_ANSWER = ("timed out during startup", "Timed out waiting for file")  # of a raylet, of a GCS, that is slow to come up
READ_ON_START = ("ENABLE_RAY_CLUSTER", "RAY_ENABLE_UV_RUN_RUNTIME_ENV")  # constants of Ray's
# on a busy machine an agent, and workers, which yield to all else, take minutes to come up, and would be given up
SLOW = {"RAY_agent_register_timeout_ms": "200000", "RAY_worker_register_timeout_seconds": "300"}
AUTH = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
LOOPBACK = "127.0.0.1"
raylet: Any = ray._raylet

_log = logging.getLogger(__name__)
_token = secrets.token_hex(32)  # of every Ray that this process starts: none is written to the home, which may not be


def start(num_cpus: int | None) -> None:
    """Start a Ray with room for `num_cpus`, at most what this process may use; DFKDError when it does not come up."""
    require_loopback()
    options: dict[str, Any] = {
        "address": "local",
        "num_cpus": min(num_cpus or allowed_cpus(), allowed_cpus()),
        "object_store_memory": OBJECT_STORE_BYTES,
        "include_dashboard": False,
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        **short_folder(),
    }
    with by_itself(), own_sigterm():
        for is_last in (False, True):
            try:
                ray.init(**options)
                break
            except Exception as error:  # Ray raises Exception itself where its processes are slow
                ray.shutdown()
                if is_last or not any(words in str(error) for words in NO_ANSWER):
                    reason = " ".join(str(error).split())
                    raise DFKDError(f"no Ray could be started on this machine: {reason}") from error
                _log.warning("Ray did not come up in time on this busy machine; trying once more")


@contextmanager
def own_sigterm() -> Iterator[None]:
    """Keep this process's handler of SIGTERM, if it has one: Ray sets another, which exits with status 15."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not signal.SIG_DFL and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def stop() -> None:
    """Stop it, and forget its token: a cluster that is asked for later has another."""
    ray.shutdown()
    look_again_for_tokens()


def look_again_for_tokens() -> None:
    """Ray's C++ part keeps its mode and token: here it looks again, first for the mode, which decides about the other.

    A driver that asks for tokens takes no call of a cluster without, which holds it for dead and ends its workers.
    """
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def by_itself() -> Iterator[None]:
    """While entered, a Ray that is started listens on 127.0.0.1, has a token of its own, and copies no working folder.

    Ray has no option for the first (`_node_ip_address="127.0.0.1"` is replaced by the address of a network card), but
    a switch for systems on which it knows no clusters, read here and by the processes that it starts. The last is
    what it does when it finds that this process was started by `uv run`.
    """
    settings = {SWITCH: "0", **SLOW}
    if not any(name in os.environ for name in AUTH):
        settings["RAY_AUTH_TOKEN"] = _token
        raylet.AuthenticationTokenLoader.instance().reset_cache()
    variables = {name: os.environ.get(name) for name in (*settings, *AUTH)}  # Ray sets the first of AUTH itself
    constants = {name: getattr(ray_constants, name) for name in READ_ON_START}
    os.environ.update(settings)
    vars(ray_constants).update(dict.fromkeys(READ_ON_START, False))
    try:
        yield
    finally:
        vars(ray_constants).update(constants)
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def require_loopback() -> None:
    """DFKDError on a machine whose processes cannot reach each other: Ray would look for them for five minutes."""
    try:
        with socket.create_server((LOOPBACK, 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        rule = f"no Ray can be started: nothing on this machine answers at {LOOPBACK} ({error.strerror or error})"
        raise DFKDError(f"{rule}; bring its loopback interface up (`ip link set lo up`)") from error


def short_folder() -> dict[str, str]:
    """Another folder for Ray where its own would make the paths of its sockets too long; else nothing."""
    named = Path(get_default_ray_temp_dir())
    if len(f"{named}{INSIDE}".encode()) <= LONGEST_SOCKET:
        return {}
    folder = tempfile.mkdtemp(prefix="dfkd-", dir="/tmp")
    _log.warning("%s is too long a path for Ray's sockets (TMPDIR or RAY_TMPDIR); using %s", named, folder)
    return {"_temp_dir": folder}
