"""Pictures for the documentation: `python docs/screenshots.py runs/demo docs/pictures [runs/plain]`.

The page of a front, its comparison with a second sweep where one is named, and MLflow's own pages of the sweep.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from sweeps.tracking.delivery import tracker_ids

FRONT_VIEWS = {  # name: width, height, colour scheme, element to start at
    "front-light": (1280, 820, "light", "body"),
    "front-dark": (1280, 820, "dark", "body"),
    "front-phone": (390, 820, "light", "body"),
    "front-listening": (1280, 420, "light", "#listening"),
    "front-searched": (1280, 480, "light", "#parallel"),
}
COMPARE_VIEWS = {
    "compare-light": (1280, 1010, "light", "body"),
    "compare-dark": (1280, 1010, "dark", "body"),
    "compare-phone": (390, 820, "light", "body"),
}
QUERY = "tags.dfkd.pareto = 'true'"
COLUMNS = ("val/pesq_wb", "model/params", "student.width", "dfkd.front_rank")
CROWDING = ("Dataset", "Source", "Models")
PATIENCE_MS = 90_000


def take_page(browser: Browser, file: Path, views: dict[str, tuple[int, int, str, str]], target: Path) -> None:
    """One PNG for each view of a page from disk."""
    for name, (width, height, scheme, start) in views.items():
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        page.goto(file.resolve().as_uri())
        page.wait_for_selector("html[data-ready]")
        page.evaluate("(start) => document.querySelector(start).scrollIntoView()", start)
        page.wait_for_timeout(300)
        page.screenshot(path=target / f"{name}.png")
        page.close()


def take_mlflow(browser: Browser, folder: Path, target: Path) -> None:
    """The front among MLflow's runs, and the page in its artifact view."""
    uri, experiment, run = tracker_ids(folder)
    if uri is None or experiment is None or run is None:
        raise SystemExit(f"{folder}: nothing is delivered to MLflow yet; dfkd sweep sync {folder}")
    with served(uri) as address:
        page = browser.new_page(viewport={"width": 1500, "height": 480})
        page.set_default_timeout(PATIENCE_MS)
        order = f"orderByKey={quote('metrics.`model/params`', safe='')}&orderByAsc=true&startTime=ALL"
        page.goto(f"{address}/#/experiments/{experiment}/runs?searchFilter={quote(QUERY)}&{order}")
        page.wait_for_selector("text=matching run")
        close_assistant(page)
        choose_columns(page)
        page.screenshot(path=target / "mlflow-front.png")
        page.set_viewport_size({"width": 1500, "height": 900})
        page.goto(f"{address}/#/experiments/{experiment}/runs/{run}/artifacts/front/front.html")
        page.frame_locator("iframe[sandbox]").locator("html[data-ready]").wait_for()
        close_assistant(page)
        page.wait_for_timeout(1500)
        page.screenshot(path=target / "mlflow-artifact.png")
        page.close()


def close_assistant(page: Page) -> None:
    """MLflow's own helper takes a quarter of the width."""
    page.wait_for_timeout(1000)
    close = page.locator("button[aria-label='Close']")
    if close.count():
        close.first.click()


def choose_columns(page: Page) -> None:
    """Columns that matter, as a user picks them under "Columns"."""
    page.click("button:has-text('Columns')")
    for name in (*COLUMNS, *CROWDING):
        page.locator("input[placeholder*='earch column']").first.fill(name)
        page.wait_for_timeout(600)
        offered = page.locator("[data-radix-popper-content-wrapper]").get_by_text(name, exact=True)
        if offered.count():
            offered.last.click()
    page.keyboard.press("Escape")
    page.mouse.click(1200, 30)
    page.wait_for_timeout(1000)


@contextmanager
def served(tracking_uri: str) -> Iterator[str]:
    """The address of an MLflow server of our own on a tracking database; a server's address is used as it is."""
    if tracking_uri.startswith("http"):
        yield tracking_uri.rstrip("/")
        return
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with subprocess.Popen([*command, "--backend-store-uri", tracking_uri], env=env, **quiet) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Until something listens."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("MLflow's server does not answer")


def compared(folders: list[Path], target: Path) -> Path:
    """The page that compares two sweeps, as the command writes it."""
    subprocess.run(
        [sys.executable, "-m", "sweeps", "front", "compare", *map(str, folders), "--out", str(target)], check=True
    )
    return target


def take(folder: Path, target: Path, other: Path | None = None) -> None:
    """Write every picture of a sweep."""
    target.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take_page(browser, folder / "front" / "front.html", FRONT_VIEWS, target)
        if other is not None:
            take_page(browser, compared([folder, other], Path(scratch, "compare.html")), COMPARE_VIEWS, target)
        take_mlflow(browser, folder, target)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
