"""Workloads that workers cannot import travel by value."""

from __future__ import annotations

import site
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import cloudpickle

from sweeps.workload import Workload

OURS = ("dfkd_core", "search_spaces", "cluster", "sweeps")


def ship_by_value(workload: type[Workload]) -> bytes:
    """The class as bytes; with its whole module unless every worker has that installed."""
    module = sys.modules[workload.__module__]
    if _is_installed(module):
        return bytes(cloudpickle.dumps(workload))
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(workload))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _is_installed(module: ModuleType) -> bool:
    """True for this project's own modules and for what lies among the installed packages."""
    if module.__name__.split(".")[0] in OURS:
        return True
    file = getattr(module, "__file__", None)
    places = [*site.getsitepackages(), sysconfig.get_paths()["stdlib"]]
    return file is not None and any(Path(file).is_relative_to(place) for place in places)
