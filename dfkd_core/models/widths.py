"""Width scaling: how many units a layer keeps, which widths leave every layer working, which of many layers stay."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

Width = Annotated[float, Field(gt=0, le=1)]
LayerSize = Annotated[int, Field(ge=1, le=4096)]


def scaled(units: int, width: float, multiple_of: int = 1) -> int:
    """Units that a layer keeps at a width: units * width, half rounded up, as a multiple; 0 when it is empty."""
    return multiple_of * math.floor(units * width / multiple_of + 0.5)


def check_width(width: float, units: int, rule: str, works: Callable[[float], bool]) -> None:
    """Refuse a width that breaks `rule`, naming the nearest widths k / units that keep it.

    Raises ValueError, which a config's validator turns into the one-line error.
    """
    if works(width):
        return
    good = [k / units for k in range(1, units + 1) if works(k / units)]
    below, above = [w for w in good if w < width], [w for w in good if w > width]
    names = " or ".join(f"{w:g}" for w in (*below[-1:], *above[:1]))
    remedy = f"the nearest widths that work are {names}" if names else "no width works with these fields"
    raise ValueError(f"student.width must {rule}, but got {width:g}; {remedy}")


def spread(few: int, many: int) -> list[int]:
    """Places of a few among many, first and last among them, of one the first; a few more than many stay in order."""
    if few > many or few == 1:
        return list(range(few))
    return [round(i * (many - 1) / (few - 1)) for i in range(few)]
