"""YAML as people write it: `1e-3` and `1.0e9` are numbers, paths are relative to their file, `~` is a home."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from dfkd_core.errors import ConfigError

_FLOAT = re.compile(
    r"^[-+]?(?:(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+"
    r"|[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 floats (PyYAML reads 1e-3 as a string) that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise ConstructorError(None, None, f"the key {key.value!r} appears twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))


def parse_yaml(text: str, file: str | Path | None = None) -> Any:
    """Parse YAML text; a syntax error becomes a ConfigError naming `file`, line and column."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader subclass
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the last two: impossible dates, endless nesting
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "unreadable"
        raise ConfigError(f"must be valid YAML, but {problem}{where}", file=file) from error


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path with a null byte
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"must be a readable YAML file, but {reason}", file=path) from error
    content = parse_yaml(text, path)
    if not isinstance(content, dict):
        raise ConfigError(f"must hold a mapping, but holds {type(content).__name__}", file=path)
    return content


def dump_yaml(mapping: Any) -> str:
    """YAML text of a mapping of plain values, keys in their own order."""
    return yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True, width=120)


def seen_from(base: Path, name: str, key: str = "") -> Path:
    """The path that `name` means in a file of the folder `base`; ConfigError for what can be no path."""
    if "\0" in name:
        raise ConfigError(f"must be a path, but got {name!r}", key=key)
    try:
        return base / Path(name).expanduser()
    except RuntimeError as error:  # ~user of somebody unknown here
        raise ConfigError(f"must be a path, but {name!r} names a home that is not known", key=key) from error
