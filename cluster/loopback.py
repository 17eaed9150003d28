"""A Ray for this machine alone listens on the loopback address alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ray._private import ray_constants

SWITCH = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"


@contextmanager
def on_loopback() -> Iterator[None]:
    """While entered, a Ray that is started binds all its servers to 127.0.0.1.

    Ray has no option for it (`_node_ip_address="127.0.0.1"` is replaced by the address of a network card), but a
    switch for systems on which it knows no clusters, read here and by the processes that it starts.
    """
    before, environment = ray_constants.ENABLE_RAY_CLUSTER, os.environ.get(SWITCH)
    ray_constants.ENABLE_RAY_CLUSTER, os.environ[SWITCH] = False, "0"
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
        if environment is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = environment
