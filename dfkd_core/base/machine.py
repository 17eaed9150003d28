"""What a training may use of this machine: its device, precision and threads."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_limits

from dfkd_core.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """The device that `training.device` names; `auto` is the first GPU, else the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        rule = f"must be auto, cpu, cuda or cuda:N, but got {name!r}; use auto"
        raise ConfigError(rule, key="training.device") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"must be auto, cpu, cuda or cuda:N, but got {name!r}; use auto", key="training.device")
    if device.type == "cuda" and (device.index or 0) not in range(torch.cuda.device_count()):
        found = torch.cuda.device_count()
        raise ConfigError(
            f"must be a GPU that torch finds, but got {name!r} of {found}; use auto", key="training.device"
        )
    return device


def mixed_precision(device: torch.device, precision: str) -> torch.autocast:
    """A context in which matrix products run in bfloat16 when `precision` asks for it."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def limit_threads(num_threads: int) -> None:
    """Hold torch and numpy to so many threads, for the rest of this process.

    numpy's BLAS starts one for each core, and these wait for work by spinning: without the limit the metrics of a
    validation cost a second core as much time as their own.
    """
    torch.set_num_threads(num_threads)
    threadpool_limits(num_threads, user_api="blas")
