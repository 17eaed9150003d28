"""The literal table of architectures: a new model is one file and one line here."""

from __future__ import annotations

from typing import Any

from dfkd_core.models.dccrn import DCCRN

MODELS: dict[str, type[DCCRN]] = {
    "dccrn": DCCRN,
}


def build_model(model: str, **fields: Any) -> DCCRN:
    """Build a student by name: `build_model("dccrn", width=0.25)`; forward maps (batch, time) to (batch, time)."""
    kind = MODELS[model]
    return kind(kind.Config.parse({"model": model, **fields}))
