"""Passwords come from the environment and go nowhere else: not into logs, tags, pages or files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

_SECRET_NAME = re.compile(r"(PASSWORD|PASSWD|TOKEN|SECRET|SECRET_ACCESS_KEY|API_KEY)$")
# Shorter values are words of ordinary text ("true", "dev"): replacing them would garble it.
_SHORTEST_SECRET = 6
MASK = "***"


def public_uri(uri: str) -> str:
    """Return `uri` without its password; of http(s) addresses without the user as well (it may be a token)."""
    parts = _split(uri)
    if parts is None or "@" not in parts.netloc:
        return uri
    userinfo, host = parts.netloc.rsplit("@", 1)
    user = "" if parts.scheme in ("http", "https") else userinfo.split(":", 1)[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))


def user_and_password(uri: str) -> tuple[str | None, str | None]:
    """Return what stands before the @ of `uri`, percent-decoded; None for what is not there."""
    parts = _split(uri)
    if parts is None:
        return None, None
    return _decoded(parts.username), _decoded(parts.password)


def secrets(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return the values that must not be repeated: of variables named like a secret, and passwords inside URLs."""
    found: set[str] = set()
    for name, value in (os.environ if environ is None else environ).items():
        if _SECRET_NAME.search(name.upper()):
            found.add(value)
        elif "://" in value and "@" in value and (parts := _split(value)) is not None and parts.username is not None:
            # Where there is no password, the user before a server's @ may be a token.
            raw = parts.password if parts.password is not None else parts.username if "http" in parts.scheme else ""
            found |= {raw, unquote(raw)}
    return tuple(sorted((s for s in found if len(s) >= _SHORTEST_SECRET), key=len, reverse=True))


def scrub(value: Any, hidden: tuple[str, ...]) -> Any:
    """Return `value` (text, or lists and mappings of it) with every one of `hidden` masked."""
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, MASK)
        return value
    if isinstance(value, Mapping):
        return {key: scrub(item, hidden) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(item, hidden) for item in value]
    return value


def _split(uri: str) -> SplitResult | None:
    try:
        return urlsplit(uri)
    except ValueError:  # such as an unclosed [ of an IPv6 address: no URL, nothing to strip
        return None


def _decoded(text: str | None) -> str | None:
    return None if text is None else unquote(text)
