"""What the tests of every page share."""

from __future__ import annotations

import time

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">"


def until(page, condition, seen="null"):
    """Wait until a JavaScript condition holds; the page's own policy forbids playwright's way, which evaluates text.

    `seen` is told, evaluated, of a condition that never came true.
    """
    deadline = time.monotonic() + 120
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"never came true: {condition}; seen {page.evaluate(seen)}"
        page.wait_for_timeout(20)


def listen_through(view):
    """Play every sound of the front's page in `view` (a page or a frame); returns how many, and their lengths.

    Each must be ready in full (readyState 4), start, and get on.
    """
    lengths = []
    rows = view.locator("#trials tbody tr[data-trial]")
    for row in range(rows.count()):
        rows.nth(row).locator("button").click()
        clips = view.locator("#listening .chip")
        for clip in range(clips.count()):
            clips.nth(clip).click()
            assert view.locator("#listening .silent").count() == 0, "every point of the front can be heard"
            for card in range(view.locator("#listening audio").count()):
                lengths.append(heard(view, card))
    return lengths


def heard(view, card):
    """Press one card's button and wait until its sound gets on; returns its length in seconds."""
    sound = f"document.querySelectorAll('#listening audio')[{card}]"
    until(view, f"{sound}.readyState === 4 && {sound}.duration > 0")
    view.locator("#listening .play").nth(card).click()
    words = f"document.querySelectorAll('#listening .play')[{card}].textContent"
    seen = f"[{words}, {sound}.paused, {sound}.currentTime, {sound}.readyState, {sound}.networkState]"
    until(view, f"!{sound}.paused && {sound}.currentTime > 0.01 || {sound}.ended", seen)
    assert view.evaluate(f"{sound}.error") is None
    return view.evaluate(f"{sound}.duration")


def chosen(page):
    """The number of the chosen trial."""
    return int(page.inner_text("#details h2").split()[1])


def limit(page, name, value, side="at most"):
    """Type a limit as a user does."""
    field = page.locator(f"#within input[aria-label^='{name}'][aria-label$='{side}']")
    field.fill(value)
    field.press("Enter")


def pick(page, trial):
    """Click where a point of the front is drawn, whatever lies upon it."""
    mark = page.locator(f'#scatter [data-trial="{trial}"]')
    mark.evaluate("node => node.closest('svg').scrollIntoView({block: 'center'})")
    box = mark.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
