"""`--set KEY.PATH=VALUE`: text for fields that hold text, YAML for others; a path is seen from where it is typed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import parse_yaml, typed_path
from sweeps.commands.options import pairs

FLAG = "--set"
NOTHING = ("", "~", "null")


def config_settings(options: list[str] | None) -> dict[str, Any]:
    """Settings of an experiment config, by key path."""
    return {key: _config_value(key, text) for key, text in pairs(options, FLAG)}


def sweep_settings(options: list[str] | None) -> dict[str, Any]:
    """Settings of a sweep file, by key path; `config.` leads to the experiment config that it names."""
    from dfkd_core.base.schema import holds_text
    from sweeps.definition.spec import SweepSpec
    from sweeps.tracking.addresses import absolute_uri

    found: dict[str, Any] = {}
    for key, text in pairs(options, FLAG):
        head, _, below = key.partition(".")
        names_file = key in ("config", "space") and not text.lstrip().startswith("{")
        if head == "config" and below:
            found[key] = _config_value(below, text)
        elif names_file or holds_text(SweepSpec, key):
            found[key] = _text(text)
            if key == "config" or (key == "space" and "/" in text):
                found[key] = str(Path.cwd() / text)
            elif key == "storage.tracking_uri" and found[key]:
                found[key] = absolute_uri(found[key], Path.cwd())
        else:
            found[key] = _seen_from_here(key, parse_yaml(text, FLAG))
    return found


def _seen_from_here(key: str, value: Any) -> Any:
    """A value of the sweep file that is no text, with the paths in it made absolute."""
    from dfkd_core.config import placed
    from search_spaces.space import changed_values, setting_of

    here = Path.cwd()
    if key.startswith("space."):
        path, field = setting_of(key)
        placed_entry = changed_values({path: {field: value} if field else value}, lambda n, v: placed(n, v, here))[path]
        return placed_entry[field] if field else placed_entry
    if key == "space" and isinstance(value, Mapping):
        return changed_values(value, lambda name, one: placed(name, one, here))
    if key == "config" and isinstance(value, Mapping):
        return {name: placed(name, block, here) for name, block in value.items()}
    if key == "evaluate_first" and isinstance(value, list):
        return [_seen_from_here("config", point) for point in value]
    if key == "warm_start" and isinstance(value, list):
        return [str(typed_path(place, "warm_start").resolve()) if isinstance(place, str) else place for place in value]
    return value


def _config_value(key: str, text: str) -> Any:
    from dfkd_core.base.schema import holds_text
    from dfkd_core.config import ExperimentConfig, placed

    value = _text(text) if holds_text(ExperimentConfig, key) else parse_yaml(text, FLAG)
    return placed(key, value, Path.cwd())


def _text(text: str) -> str | None:
    """The text as it stands, which YAML would cut at a # or take for a number; in quotes, what stands between them."""
    if text in NOTHING:
        return None
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return str(parse_yaml(text, FLAG)) if is_quoted else text
