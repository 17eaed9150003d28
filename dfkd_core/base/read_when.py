"""Which keys of an experiment config are read only where others have certain values: elsewhere they change nothing.

One table for whoever must know: a config that sets such a key is warned, a space that searches it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dfkd_core.base.key_paths import value_at

BANDS = {"distillation.method": ("dfkd", "dispatch")}
SEARCHED_SPLIT = {**BANDS, "distillation.split": ("dynamic",)}
PATCHES = {"distillation.method": ("dispatch",)}
ANYTHING = ("*",)  # any value but null

# key -> the values that others must have
READ_WHEN: dict[str, dict[str, tuple[Any, ...]]] = {
    "distillation.split": BANDS,
    "distillation.split_from": BANDS,
    "distillation.slope": {**BANDS, "distillation.split": ("dynamic", "literal")},
    "distillation.min_cutoff_hz": SEARCHED_SPLIT,
    "distillation.max_cutoff_hz": SEARCHED_SPLIT,
    "distillation.cutoff_hz": {**BANDS, "distillation.split": ("fixed",)},
    "distillation.beta": BANDS,
    "distillation.magnitude": BANDS,
    "distillation.weighting": BANDS,
    "distillation.temperature": {**BANDS, "distillation.weighting": ("dynamic",)},
    "distillation.keep": PATCHES,
    "distillation.patch_bins": PATCHES,
    "distillation.bands": PATCHES,
    "distillation.domain": {"distillation.method": ("output_mse",)},
    "training.slice_by": {"training.start_from": ANYTHING},
    "training.norms": {"training.start_from": ANYTHING},
}

# values that are refused where nothing reads them, so that no warning need say it first
REFUSED = (("training.norms", "freeze"),)


def is_among(value: Any, wanted: tuple[Any, ...]) -> bool:
    """Whether a condition's value is met."""
    return value is not None if wanted == ANYTHING else value in wanted


def condition_text(other: str, wanted: tuple[Any, ...]) -> str:
    """A condition in words: `distillation.split fixed`, `training.start_from set`."""
    return f"{other} set" if wanted == ANYTHING else f"{other} {' or '.join(map(str, wanted))}"


def unread(config: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """A sentence for each key of a complete config that has another value than its default and changes nothing."""
    found = []
    for key, conditions in READ_WHEN.items():
        value = value_at(config, key)
        if value == value_at(defaults, key) or (key, value) in REFUSED:
            continue
        unmet = [
            (other, wanted) for other, wanted in conditions.items() if not is_among(value_at(config, other), wanted)
        ]
        if unmet:
            other, wanted = unmet[0]
            here = value_at(config, other)
            found.append(
                f"{key} {value} changes nothing: it is read only with {condition_text(other, wanted)}, not {here}"
            )
    return found
