"""Models from elsewhere, measured on the same clips, that belong on the picture of a front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ReferenceModel:
    """A name and its values by metric, in their own units; drawn where both axes are measured."""

    name: str
    values: Mapping[str, float]
