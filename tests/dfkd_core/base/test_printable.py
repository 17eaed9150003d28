"""What a terminal may show of text from elsewhere."""

from __future__ import annotations

import pytest

from dfkd_core.base.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \u00e9 \u6f22 \U0001f600 [red]", "plain \u00e9 \u6f22 \U0001f600 [red]"),
        ("\x1b[31mred\x1b]0;t\x07", "\\x1b[31mred\\x1b]0;t\\x07"),
        ("one\r\ntwo\ttab\x7f\x9b2J", "one\\x0d\\x0atwo\\x09tab\\x7f\\x9b2J"),
        ("abc\u202egnp.exe\u2066", "abc\\u202egnp.exe\\u2066"),
        ("\ud800 \u2028 \u200f", "\\ud800 \\u2028 \\u200f"),
        ("", ""),
    ],
)
def test_what_steers_a_terminal_or_turns_writing_round_is_spelled_out(text, shown):
    assert printable(text) == shown
    printable(text).encode()  # it can be written


def test_what_is_asked_for_is_kept():
    assert printable("one\ntwo\x1b", keep="\n") == "one\ntwo\\x1b"
