"""Connect to Ray, or start what is needed and stop only that."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray._private.services import canonicalize_bootstrap_address
from ray._private.worker import get_dashboard_url
from ray.exceptions import AuthenticationError, RayError

from cluster import own_ray
from cluster.watchdog import watched
from dfkd_core.errors import ConfigError

_log = logging.getLogger(__name__)

KNOCK_S = 10.0
NO_NODE = "No node info found"  # Ray, after a minute
MODE = "RAY_AUTH_MODE"
WITH_TOKEN = f"{MODE}=token and RAY_AUTH_TOKEN_PATH (or RAY_AUTH_TOKEN)"


@dataclass(frozen=True)
class Session:
    """A Ray that trials can run on."""

    is_own: bool  # started here, and stopped at the end

    def nodes(self) -> list[dict[str, Any]]:
        """What Ray says of its nodes."""
        return list(ray.nodes())

    @property
    def dashboard(self) -> str | None:
        """Where the cluster is looked at; None of a Ray of our own, and of one without a dashboard."""
        url = None if self.is_own else get_dashboard_url()
        return f"http://{url}" if url else None


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
    setting, target = ("--address", address) if address else ("RAY_ADDRESS", os.environ.get("RAY_ADDRESS"))
    if not target or target == "local":
        own_ray.start(num_cpus)
        try:
            with watched(remedy):
                yield Session(is_own=True)
        finally:
            own_ray.stop()
        return
    mode = os.environ.get(MODE)
    try:
        _join(setting, target)
        try:
            yield Session(is_own=False)
        finally:
            ray.shutdown()
    finally:
        if mode is None:
            os.environ.pop(MODE, None)
        else:
            os.environ[MODE] = mode
        own_ray.look_again_for_tokens()


def _join(setting: str, target: str) -> None:
    """Connect to a running cluster."""
    if target.startswith("ray://"):
        rule = f"must not be a ray:// address, through which trials would run without the ledger, but got {target!r}"
        raise ConfigError(f"{rule}; start `dfkd` on a machine of the cluster, with the address auto", key=setting)
    _knock(setting, target)
    try:
        if not _lets_in(target):
            rule = f"a Ray answers at {target!r}, but refuses this driver, whose token is missing or another's"
            raise ConfigError(f"{rule}; set {WITH_TOKEN} to the cluster's, or leave {setting} out", key=setting)
        join = partial(ray.init, address=target, log_to_driver=False, logging_level=logging.ERROR)
        with own_ray.own_sigterm():
            try:
                join()
            except ConnectionError as error:
                if NO_NODE not in str(error.__cause__):
                    raise
                _log.warning("no node of the Ray at %s is up on this machine; waiting for another minute", target)
                join()
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        if NO_NODE in str(error.__cause__):
            rule = f"a Ray answers at {target!r}, but no node of it is up on this machine"
            raise ConfigError(f"{rule}; start `dfkd` on a machine of the cluster", key=setting) from error
        if "Version mismatch" not in str(error):
            raise _no_answer(setting, target, error) from error
        versions = ", ".join(re.findall(r"(?:Ray|Python): \S+", str(error)))
        rule = (
            f"the Ray at {target!r} and this driver must be of the same versions, but are (its own first): {versions}"
        )
        raise ConfigError(f"{rule}; install both under the same constraints.txt", key=setting) from error


def _knock(setting: str, target: str) -> None:
    """Try a HOST:PORT first: Ray itself asks a dead address for minutes."""
    host, _, port = target.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(setting, target, error) from error


def _lets_in(target: str) -> bool:
    """Whether the cluster's head takes this driver, which Ray itself would find out after half a minute.

    A head without tokens is met without, even where a Ray of this process's own has left its mode behind. A token that
    lies in the home is used, as by the cluster's other processes, unless RAY_AUTH_MODE says otherwise.
    """
    address = canonicalize_bootstrap_address(target)
    if address is None:
        return True  # there is none, which Ray says itself
    named = os.environ.get(MODE)
    with _silenced(2):
        for mode in ("disabled", "token"):
            os.environ[MODE] = mode
            own_ray.look_again_for_tokens()
            try:
                own_ray.raylet.GcsClient(address=address)
            except AuthenticationError:
                token = own_ray.raylet.AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True)
                if not token or named not in (None, "token"):
                    return False
            else:
                return True
    return False


@contextmanager
def _silenced(descriptor: int) -> Iterator[None]:
    """While entered, what Ray's C++ part writes to the descriptor is dropped."""
    sys.stderr.flush()
    kept, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


def _no_answer(setting: str, target: str, error: Exception) -> ConfigError:
    text = " ".join(str(error).split())[:200].rstrip(".")
    return ConfigError(f"no Ray cluster answers at {target!r}: {text}; start one or leave it out", key=setting)
