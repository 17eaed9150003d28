"""Key paths (`student.width`): what a nested mapping holds there, and the same mapping with other values there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dfkd_core.errors import ConfigError


def value_at(mapping: Mapping[str, Any], key: str) -> Any:
    """What a nested mapping holds at a key path; None where there is nothing."""
    node: Any = mapping
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node


def dotted_key(mapping: Mapping[str, Any], key: str) -> str | None:
    """A key that itself holds a dot and stands in the mapping where this path leads; None where there is none."""
    for own, value in mapping.items():
        if not (key == own or key.startswith(f"{own}.")):
            continue
        if "." in own:
            return own
        return dotted_key(value, key.removeprefix(f"{own}.")) if isinstance(value, Mapping) else None
    return None


def with_overrides(mapping: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a nested mapping with key paths set to new values; ConfigError where a path goes through a value."""
    result = {k: dict(v) if isinstance(v, Mapping) else v for k, v in mapping.items()}
    for key, value in overrides.items():
        *parents, last = key.split(".")
        node = result
        for parent in parents:
            child = node.get(parent)
            if child is not None and not isinstance(child, Mapping):
                raise ConfigError(f"has no keys below {parent!r}, which holds {child!r}", key=key)
            node[parent] = dict(child or {})
            node = node[parent]
        node[last] = value
    return result
