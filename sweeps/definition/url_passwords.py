"""Passwords inside URLs of a file are refused, without being repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dfkd_core.errors import ConfigError

# user:password@ after a scheme; `host:5000/` is a port, whatever @ comes later in the path.
_URL = re.compile(r"://[^\s:@/]*:(?!\d+/)[^\s@]+@")
# an option behind a URL's question mark that is called after what it holds
_OPTION = re.compile(r"://\S*[?&][\w.-]*(password|passwd|pwd|secret|token|access_?key|api_?key)[\w.-]*=[^&\s]", re.I)


class PasswordInUrlError(ConfigError):
    """A secret in a file; the message does not hold it."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "must not hold a password; give it through the environment (PGPASSWORD, MLFLOW_TRACKING_PASSWORD)", key=key
        )


def refuse_passwords(values: Any) -> None:
    """Raise PasswordInUrlError at the first text below `values` that holds one."""
    for key, text in _texts(values, ""):
        if _URL.search(text) or _OPTION.search(text):
            raise PasswordInUrlError(key)


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text of a nested mapping, with its key path."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{key}[{index}]")
