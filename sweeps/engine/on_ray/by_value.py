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


def by_value(workload: type[Workload]) -> bytes:
    """The class as bytes; with its module and those that lie beside it, unless every worker has them installed."""
    module = sys.modules[workload.__module__]
    beside = [] if _is_installed(module) else _beside(module)
    for other in beside:
        cloudpickle.register_pickle_by_value(other)
    try:
        return bytes(cloudpickle.dumps(workload))
    finally:
        for other in beside:
            cloudpickle.unregister_pickle_by_value(other)


def _beside(module: ModuleType) -> list[ModuleType]:
    """The module, and all that are loaded from the folder of its top-level package or script."""
    top = sys.modules[module.__name__.split(".")[0]]
    file = getattr(top, "__file__", None)
    if file is None:
        return [module]
    folder = Path(file).parent.parent if hasattr(top, "__path__") else Path(file).parent
    loaded = [other for name, other in list(sys.modules.items()) if getattr(other, "__name__", None) == name]
    files = {other.__name__: vars(other).get("__file__") for other in loaded}
    near = {name for name, file in files.items() if isinstance(file, str) and Path(file).is_relative_to(folder)}
    return [other for other in loaded if other.__name__ in near and not _is_installed(other)]


def _is_installed(module: ModuleType) -> bool:
    """True for this project's own modules and for what lies among the installed packages."""
    if module.__name__.split(".")[0] in OURS:
        return True
    file = getattr(module, "__file__", None)
    places = [*site.getsitepackages(), sysconfig.get_paths()["stdlib"]]
    return file is not None and any(Path(file).is_relative_to(place) for place in places)
