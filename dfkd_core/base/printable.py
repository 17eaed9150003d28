"""Text from elsewhere as a terminal may show it."""

from __future__ import annotations

import re

# C0 and C1 with DEL, lone surrogates, line and paragraph separators, and what turns the direction of writing
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str, *, keep: str = "") -> str:
    r"""The text with every character that could steer a terminal, or hide what is written, spelled out: \x1b, \u202e.

    Characters in `keep`, such as a newline, stay as they are.
    """

    def spelled(found: re.Match[str]) -> str:
        code = ord(found[0])
        return found[0] if found[0] in keep else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNSAFE.sub(spelled, text)
