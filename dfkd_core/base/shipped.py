"""The trained models that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "teachers" / "shipped"


def shipped_names() -> list[str]:
    """Their names, sorted."""
    return sorted(weights.parent.name for weights in FOLDER.glob("*/model.safetensors"))
