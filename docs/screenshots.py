"""Pictures of a front's page for the documentation: `python docs/screenshots.py runs/demo docs/pictures`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

VIEWS = {  # name: width, height, colour scheme, element to start at
    "front-light": (1280, 820, "light", "body"),
    "front-dark": (1280, 820, "dark", "body"),
    "front-phone": (390, 820, "light", "body"),
    "front-listening": (1280, 420, "light", "#listening"),
    "front-searched": (1280, 480, "light", "#parallel"),
}


def take(page_file: Path, target: Path) -> None:
    """Write one PNG for each of VIEWS."""
    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, (width, height, scheme, start) in VIEWS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(page_file.resolve().as_uri())
            page.wait_for_selector("html[data-ready]")
            page.evaluate("(start) => document.querySelector(start).scrollIntoView()", start)
            page.wait_for_timeout(300)
            page.screenshot(path=target / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]) / "front" / "front.html", Path(sys.argv[2]))
