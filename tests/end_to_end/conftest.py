"""A headless browser for every test of a page, and one Ray for the sweeps of a module.

Tests of pages are skipped, with the reason, where there is no browser.
"""

from __future__ import annotations

import shutil

import pytest

from cluster.session import connect


@pytest.fixture(scope="module")  # its event loop would be in the way of other modules' own
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def own_ray():
    """For what is called in this process: each call would start one."""
    with connect(num_cpus=2):
        yield


@pytest.fixture
def open_page(browser):
    """Open a file; at the end every error of its console, and every request beyond the file itself, fails the test."""
    wrong, contexts = [], []

    def opened(file, width=1280, height=900, scheme="light", touch=False):
        size = {"width": width, "height": height}
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=touch, is_mobile=touch)
        context.set_default_timeout(120_000)  # the machine is shared
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda request: wrong.append(request.url) if request.url.startswith(("http", "ws")) else None
        )
        page.goto(f"file://{file}")
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
