"""What is installed, which device, and which settings are in force and where each comes from."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from dfkd_core.base.allowance import allowed_cpus, allowed_memory_bytes
from dfkd_core.base.cache import cache_dir
from sweeps.git_commit import git_commit
from sweeps.tracking.credentials import public_uri

PACKAGES = ("torch", "torchaudio", "ray", "optuna", "mlflow", "pesq", "pystoi", "onnxruntime", "moocore")
SETTINGS: Mapping[str, str] = {
    "DFKD_CACHE": "the user's cache folder",
    "RAY_ADDRESS": "a Ray of its own on this machine",
    "MLFLOW_TRACKING_URI": "SQLite in the folder that holds the sweep folders",
}


def report() -> str:
    """Some lines to read, and to send along with a question."""
    import torch

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    allowed, whole = allowed_memory_bytes() / 2**30, psutil.virtual_memory().total / 2**30
    cache = cache_dir()
    rows = {
        "python": platform.python_version(),
        "dfkd-sweeps": f"{_version('dfkd-sweeps')}, commit {git_commit() or 'unknown'}",
        **{package: _version(package) for package in PACKAGES},
        "cores": f"{allowed_cpus()} of {os.cpu_count()} may be used",
        "memory": f"{allowed:.1f} of {whole:.1f} GiB may be used",
        "GPUs": ", ".join(gpus) or "none; trials train on the CPU",
    }
    for name, default in SETTINGS.items():
        value = os.environ.get(name)
        rows[name] = f"{public_uri(value)} (environment)" if value else f"{default} (default)"
    rows["cache"] = f"{cache}, {shutil.disk_usage(_existing(cache)).free / 2**30:.0f} GiB free"
    without = "missing: the demo corpus cannot be fetched, use a corpus of your own"
    rows["apt-get"] = shutil.which("apt-get") or without
    return "\n".join(f"{name:22}{value}" for name, value in rows.items())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing; pip install it"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
