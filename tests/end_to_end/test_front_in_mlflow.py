"""The page of a front in the artifact view of a running MLflow server, whose frame forbids much."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from front_cases import random_sweep, spec

from sweeps.front import build_front
from sweeps.listening import Excerpt, Listening
from sweeps.report import write_front

PATIENCE_S = 90


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


@pytest.mark.slow
def test_the_page_works_inside_mlflows_frame(artifact, browser):
    front, address = artifact
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.goto(address)
    frame = page.frame_locator("iframe[sandbox='allow-scripts']")
    frame.locator("html[data-ready]").wait_for(timeout=1000 * PATIENCE_S)
    last = front.points[-1]
    frame.locator(f'#scatter [data-trial="{last.trial}"] circle').click()
    assert frame.locator("#details h2").inner_text().startswith(f"Trial {last.trial} ")
    frame.locator("#details .copyable button").first.click()
    frame.locator("#details .copyable button:text-is('Selected')").first.wait_for()
    frame.locator("#listening .play").nth(1).click()
    frame.locator("#listening .play:text-is('Stop')").wait_for()
    assert frame.locator("audio").nth(1).evaluate("(sound) => sound.duration") == pytest.approx(2.0, abs=0.01)
    page.close()
