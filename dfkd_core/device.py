"""Where a model runs and at which precision."""

from __future__ import annotations

import torch

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
