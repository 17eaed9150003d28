"""The one reader of JSON and YAML: plain files of bounded size and depth, plain values, errors in one line.

YAML is read as people write it: `1e-3` and `1.0e9` are numbers, `010`, `1:30` and `2024_05` are not what YAML 1.1 makes
of them (8, 90, 202405). Paths are relative to their file, `~` is a home.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Hashable
from io import BufferedReader
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from dfkd_core.errors import ConfigError, Unreadable

LARGEST_BYTES = 256 * 2**20
DEEPEST = 64  # levels; what is deeper overflows the stack of whoever walks over it
MOST_VALUES = 4_000_000  # once aliases are written out
LONGEST = 300  # characters of a rule

_KINDS = {stat.S_ISDIR: "folder", stat.S_ISFIFO: "pipe", stat.S_ISSOCK: "socket"}
_FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+|[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)|[-+]?\.(?:inf|Inf|INF))$"
    r"|^\.(?:nan|NaN|NAN)$"
)
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")


def open_plain(path: str | Path) -> BufferedReader:
    """Open a file for reading; what is none (a folder, a pipe that nobody may ever write to) is Unreadable.

    FileNotFoundError stays one, for those to whom an absent file says something.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise Unreadable(f"must be readable, but {getattr(error, 'strerror', None) or error}", file=path) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((name for is_kind, name in _KINDS.items() if is_kind(mode)), "device")
        raise Unreadable(f"must be a file, but is a {kind}", file=path)
    return os.fdopen(descriptor, "rb")


def read_content(path: str | Path) -> bytes:
    """All of a file as `open_plain` opens it; over LARGEST_BYTES it is Unreadable."""
    with open_plain(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LARGEST_BYTES:
            limit = f"at most {LARGEST_BYTES // 2**20} MiB"
            raise Unreadable(f"must have {limit}, but has {size / 2**20:.0f}", file=path)
        return file.read()


def read_json(path: str | Path, *, finite: bool = True) -> Any:
    """The value of a JSON file; errors as `open_plain`, and Unreadable for what is damaged."""
    return parse_json(read_content(path), path, finite=finite)


def read_json_object(path: str | Path) -> dict[str, Any]:
    """As `read_json`, of a file that holds one object."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise Unreadable(f"must hold a mapping, but holds {type(content).__name__}", file=path)
    return content


def parse_json(text: str | bytes, file: str | Path | None = None, *, finite: bool = True) -> Any:
    """Parse JSON text of at most DEEPEST levels, else Unreadable.

    JSON has no NaN and no infinity, though Python's reader and writer know both: they are taken when not `finite`.
    """
    try:
        content = json.loads(text, parse_constant=_finite, parse_float=_finite) if finite else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable("JSON", error, file) from error
    opened = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    if opened > DEEPEST:  # else it cannot be deeper
        _require_plain(content, file)
    return content


def parse_yaml(text: str, file: str | Path | None = None) -> Any:
    """Parse YAML text: plain values only, at most DEEPEST levels; else Unreadable naming line and column."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader subclass
    # TypeError: keys that cannot be hashed; LookupError: values that are not of their tag
    except (yaml.YAMLError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise _unreadable("YAML", error, file) from error
    _require_plain(content, file)
    return content


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping; Unreadable, too, where there is none."""
    try:
        text = read_content(path).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise Unreadable(f"must be a readable YAML file, but {error.strerror}", file=path) from error
    except UnicodeDecodeError as error:
        raise Unreadable("must be a readable YAML file, but it is not UTF-8 text", file=path) from error
    content = parse_yaml(text, path)
    if not isinstance(content, dict):
        raise Unreadable(f"must hold a mapping, but holds {type(content).__name__}", file=path)
    return content


def dump_yaml(mapping: Any) -> str:
    """YAML text of a mapping of plain values, keys in their own order; `parse_yaml` reads the same back."""
    text: str = yaml.dump(mapping, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def seen_from(base: Path, name: str, key: str = "") -> Path:
    """The path that `name` means in a file of the folder `base`; ConfigError for what can be no path."""
    if "\0" in name:
        raise ConfigError(f"must be a path, but got {name!r}", key=key)
    try:
        return base / Path(name).expanduser()
    except RuntimeError as error:  # ~user of somebody unknown here
        raise ConfigError(f"must be a path, but {name!r} names a home that is not known", key=key) from error


def typed_path(name: str | Path, key: str = "") -> Path:
    """The path that a user means by a name, seen from the working directory; errors as `seen_from`."""
    return seen_from(Path(), str(name), key)


def real_path(path: str | Path) -> Path:
    """Where a path leads, absolute and behind all links; a loop of links stays one, to be told by who opens it."""
    return Path(os.path.realpath(path))


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 numbers that refuses a key given twice, and what would be neither text nor number."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        try:
            if self.depth > DEEPEST:
                raise ConstructorError(None, None, f"it is deeper than {DEEPEST} levels")
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise ConstructorError(None, None, f"the key {key.value!r} appears twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_int(self, node: yaml.ScalarNode) -> int:
        text = node.value
        return int(text, 0) if text.startswith(("0x", "0o")) else int(text)


class _Dumper(yaml.SafeDumper):
    """Puts quotes around text that `_Loader` would read as a number."""


_INT_TAG, _FLOAT_TAG = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_OF_YAML_1_1 = (_INT_TAG, _FLOAT_TAG, "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag not in _OF_YAML_1_1]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(_INT_TAG, _Loader.construct_int)
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(_FLOAT_TAG, _FLOAT, list("-+0123456789."))
    _class.add_implicit_resolver(_INT_TAG, _INT, list("-+0123456789"))


def _require_plain(content: Any, file: str | Path | None) -> None:
    """Unreadable unless a value is made of mappings, lists, text, numbers and truth values, and bounded."""
    counted: dict[int, int] = {}  # values in each list and mapping, that aliases may name many times
    open_now: set[int] = set()

    def count(value: Any) -> int:
        if value is None or isinstance(value, str | int | float):
            return 1
        if not isinstance(value, list | dict):
            raise Unreadable(
                f"must hold text, numbers, lists and mappings, but holds a {type(value).__name__}", file=file
            )
        if id(value) in counted:
            return counted[id(value)]
        if id(value) in open_now or len(open_now) >= DEEPEST:
            raise Unreadable(f"must have at most {DEEPEST} levels, but is deeper", file=file)
        open_now.add(id(value))
        children = [*value, *value.values()] if isinstance(value, dict) else value
        counted[id(value)] = total = 1 + sum(map(count, children))
        open_now.remove(id(value))
        if total > MOST_VALUES:
            raise Unreadable(f"must hold at most {MOST_VALUES:,} values, but its aliases stand for more", file=file)
        return total

    count(content)


def _unreadable(form: str, error: Exception, file: str | Path | None) -> Unreadable:
    """What is wrong, where, in one line of at most LONGEST characters."""
    mark = getattr(error, "problem_mark", None)
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = "it is nested too deep" if isinstance(error, RecursionError) else getattr(error, "problem", None)
    fallback = "a value is none of its tag" if isinstance(error, LookupError) else "unreadable"
    problem = problem or (str(error) if isinstance(error, ValueError) else "") or fallback
    if len(problem) > LONGEST:
        problem = f"{problem[:LONGEST]}..."
    return Unreadable(f"must be valid {form}, but {problem}{where}", file=file)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is no finite number")
    return number
