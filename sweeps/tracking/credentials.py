"""Passwords come from the environment and go nowhere else: not into logs, tags, pages or files."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from sweeps.record.agreed import agree, is_agreed

CREDENTIALS = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)
_log = logging.getLogger(__name__)
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


def trust_tracker(sweep_id: str, uri: str | None) -> None:
    """Let this sweep's deliveries log in at the server that its file names, since the user has run the file."""
    if uri is not None:
        agree(sweep_id, f"tracker {_place(uri)}")


def is_trusted(sweep_id: str, uri: str) -> bool:
    """Whether credentials may go to a server: the user's environment names it, or the user's own sweep does."""
    named = os.environ.get("MLFLOW_TRACKING_URI")
    return (named is not None and _place(named) == _place(uri)) or is_agreed(sweep_id, f"tracker {_place(uri)}")


def withheld(sweep_id: str, uri: str) -> list[str]:
    """Return what of this user's is kept from a server that only the sweep folder names: it may be anybody's."""
    if not uri.startswith(("http://", "https://")) or is_trusted(sweep_id, uri):
        return []
    kept = [name for name in CREDENTIALS if os.environ.get(name)]
    file = Path("~/.mlflow/credentials")
    return kept + [str(file)] * file.expanduser().exists()


def withhold(sweep_id: str, uri: str) -> None:
    """Let this process log in nowhere with what `withheld` names, nor with anything else of the user's home."""
    kept = withheld(sweep_id, uri)
    if kept:
        _log.warning("%s is named by the sweep folder alone: it gets nothing of %s", uri, ", ".join(kept))
        for name in CREDENTIALS:
            os.environ.pop(name, None)
        os.environ["HOME"] = os.devnull


def _place(uri: str) -> str:
    return public_uri(uri).rstrip("/")


def _split(uri: str) -> SplitResult | None:
    try:
        return urlsplit(uri)
    except ValueError:  # such as an unclosed [ of an IPv6 address: no URL, nothing to strip
        return None


def _decoded(text: str | None) -> str | None:
    return None if text is None else unquote(text)
