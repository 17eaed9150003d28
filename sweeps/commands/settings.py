"""`--set KEY.PATH=VALUE`: text for fields that hold text, YAML for others; a path is seen from where it is typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dfkd_core.base.documents import parse_yaml
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

    found = {}
    for key, text in pairs(options, FLAG):
        head, _, below = key.partition(".")
        names_file = key in ("config", "space") and not text.lstrip().startswith("{")
        if head == "config" and below:
            found[key] = _config_value(below, text)
        elif names_file or holds_text(SweepSpec, key):
            found[key] = _text(text)
            if key == "config" or (key == "space" and "/" in text):
                found[key] = str(Path.cwd() / text)
        else:
            found[key] = parse_yaml(text, FLAG)
    return found


def _config_value(key: str, text: str) -> Any:
    from dfkd_core.base.schema import holds_text
    from dfkd_core.config import ExperimentConfig, place

    if not holds_text(ExperimentConfig, key):
        return parse_yaml(text, FLAG)
    value = _text(text)
    return value if value is None else place(key, value, Path.cwd())


def _text(text: str) -> str | None:
    """The text as it stands, which YAML would cut at a # or take for a number; in quotes, what stands between them."""
    if text in NOTHING:
        return None
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return str(parse_yaml(text, FLAG)) if is_quoted else text
