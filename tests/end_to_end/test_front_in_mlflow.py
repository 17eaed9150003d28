"""The page of a front in the artifact view of a running MLflow server, whose frame forbids much."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from front_cases import QUALITY, random_sweep, spec
from pages import listen_through

from sweeps.fronts.front import build_front
from sweeps.fronts.listening import Excerpt, Listening
from sweeps.page.report import write_front

PATIENCE_S = 240


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def server(tmp_path):
    """The address of an MLflow server with a database and artifacts of its own."""
    port, places = free_port(), [f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", f"{tmp_path}/artifacts"]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    env = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen([*command, "--backend-store-uri", *places], env=env, **quiet)
    deadline = time.monotonic() + PATIENCE_S
    while not answers(port) and time.monotonic() < deadline:
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.fixture
def artifact(server, tmp_path):
    """The address of a page with sound in the artifact view."""
    from mlflow.tracking import MlflowClient

    records = random_sweep(30)
    front = build_front(spec(), "id-1", records)
    tone = 0.2 * np.sin(np.arange(32_000) / 6)
    room = Listening([Excerpt("a tone", tone, tone, None, {point.trial: tone for point in front.points})])
    write_front(tmp_path, front, records, spec(), listening=room)
    client = MlflowClient(server)
    experiment = client.create_experiment("fronts")
    run = client.create_run(experiment).info.run_id
    client.log_artifact(run, str(tmp_path / "front" / "front.html"), "front")
    return front, f"{server}/#/experiments/{experiment}/runs/{run}/artifacts/front/front.html"


@pytest.fixture
def framed(artifact, browser):
    """The page inside MLflow's frame; an error of its console, or of the page, fails the test."""
    front, address = artifact
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(1000 * PATIENCE_S)
    wrong = []
    page.on("console", lambda told: wrong.append(told.text) if is_error_of_the_page(told) else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    page.locator("iframe[sandbox='allow-scripts']").wait_for(timeout=1000 * PATIENCE_S)
    frame = page.locator("iframe[sandbox='allow-scripts']").element_handle().content_frame()
    frame.wait_for_selector("html[data-ready]", timeout=1000 * PATIENCE_S)
    yield front, frame
    page.close()
    assert wrong == []


def is_error_of_the_page(told):
    """MLflow's own pages report missing services; those are not ours."""
    return told.type == "error" and not told.location["url"].startswith("http")


@pytest.mark.slow
def test_the_page_works_inside_mlflows_frame(framed):
    """Click, axes, sorting, copying and every sound, in one visit: starting the server is what takes time."""
    front, frame = framed
    last = front.points[-1]
    frame.locator(f'#scatter [data-trial="{last.trial}"]').click()
    assert frame.locator("#details h2").inner_text().startswith(f"Trial {last.trial} ")
    frame.select_option("select[aria-label='Across axis']", "model/macs_per_s")
    assert "model/macs_per_s (MAC/s)" in frame.text_content("#scatter svg")
    for _ in range(2):
        frame.click("#trials th button:has-text('pesq_wb')")
    assert frame.locator("#trials tbody tr[data-trial]").first.get_attribute("data-trial") == str(
        front.best(QUALITY).trial
    )
    frame.locator("#details .copyable button").first.click()
    frame.locator("#details .copyable button:text-is('Selected')").first.wait_for()
    assert frame.evaluate("String(getSelection())").strip() == frame.locator("#details code").first.inner_text()
    assert listen_through(frame) == pytest.approx([2.0] * (3 * len(front.points)), abs=0.01)
