"""What is installed, which device, and which settings are in force and where each comes from."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
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
    rows = [*_installed(), *_devices(), *_settings(), *_places()]
    return "\n".join(f"{name:22}{value}" for name, value in rows)


def _installed() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    yield "dfkd-sweeps", f"{_version('dfkd-sweeps')}, commit {git_commit() or 'unknown'}"
    for package in PACKAGES:
        yield package, _version(package)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing; pip install it"


def _devices() -> Iterator[tuple[str, str]]:
    import torch

    yield "cores", f"{allowed_cpus()} of {os.cpu_count()} may be used"
    yield (
        "memory",
        f"{allowed_memory_bytes() / 2**30:.1f} of {psutil.virtual_memory().total / 2**30:.1f} GiB may be used",
    )
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    yield "GPUs", ", ".join(names) or "none; trials train on the CPU"


def _settings() -> Iterator[tuple[str, str]]:
    for name, default in SETTINGS.items():
        value = os.environ.get(name)
        yield name, f"{public_uri(value)} (environment)" if value else f"{default} (default)"


def _places() -> Iterator[tuple[str, str]]:
    cache = cache_dir()
    yield "cache", f"{cache}, {shutil.disk_usage(_existing(cache)).free / 2**30:.0f} GiB free"
    yield "apt-get", shutil.which("apt-get") or "missing: the demo corpus cannot be fetched, use a corpus of your own"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
