"""What the tests of every page share."""

from __future__ import annotations

import time

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"


def until(page, condition):
    """Wait until a JavaScript condition holds; the page's own policy forbids playwright's way, which evaluates text."""
    deadline = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never came true: {condition}"
        page.wait_for_timeout(20)
