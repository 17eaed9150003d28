"""Whether a student's weights have room in this machine's memory, told before they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from dfkd_core.base.allowance import allowed_memory_bytes
from dfkd_core.errors import ConfigError
from dfkd_core.models.base import FLOAT_BYTES, Student

GIVEN = 2**26  # numbers, for which any machine has room
COPIES = 4  # that training holds: weights, gradients and the optimiser's two moments


class Counted(TorchFunctionMode):
    """Counts the numbers that layers ask memory for; those beyond GIVEN get none, and no first values.

    ConfigError as soon as the memory that may be used here could not hold them and what training adds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.num_asked = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every function of torch that a constructor calls comes by here."""
        kwargs = kwargs or {}
        if function is torch.empty:
            held = torch.empty(*args, **{**kwargs, "device": "meta"})
            self.num_asked += held.numel()
            if self.num_asked <= GIVEN:
                return function(*args, **kwargs)
            allowed = allowed_memory_bytes()
            if COPIES * FLOAT_BYTES * self.num_asked > allowed:
                rule = "must fit into memory, but weights, gradients and the optimiser's moments take more than the"
                remedy = "lower its width, channels or layers"
                raise ConfigError(f"{rule} {allowed / 2**30:.3g} GiB here; {remedy}", key="student")
            return held
        written = kwargs.get("tensor", args[0] if args else None)
        is_in_place = function.__name__.endswith("_") and not function.__name__.endswith("__")
        return written if is_in_place and isinstance(written, Tensor) and written.is_meta else function(*args, **kwargs)


def built_within_memory(build: Callable[[], Student]) -> Student:
    """The student that `build` makes; ConfigError where this machine has no memory for training it."""
    drawn = torch.get_rng_state()
    with Counted() as counted:
        student = build()
    if counted.num_asked <= GIVEN:
        return student
    torch.set_rng_state(drawn)
    return build()
