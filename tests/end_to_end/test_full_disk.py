"""The sweep's disk fills up in the middle: one line, exit status 1, and nothing is lost."""

import os
import signal
import subprocess

import pytest
from closed_form import Curve, sweep
from drivers import begin, dfkd, wait_for_epochs
from one_story import disagreements

from sweeps import SweepSpec, SweepStopped, resume_sweep, run_sweep
from sweeps.terminal.status import sweep_status

SIZE = "16m"


@pytest.fixture
def disk(tmp_path):
    """A file system with little room."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a tmpfs")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path):
    """Write until there is no room left."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while True:
            os.write(handle, b"x" * 4096)
    except OSError:
        return
    finally:
        os.close(handle)


def test_a_disk_that_fills_up_ends_the_sweep_in_one_line_and_loses_nothing(disk, tmp_path):
    folder, log = disk / "runs" / "full", tmp_path / "log"
    log.mkdir()
    with begin(sweep(8, 6, log, config={"epoch_s": 0.3}), folder) as driver:
        wait_for_epochs(log, 4, driver)
        driver.signal(signal.SIGINT)
        driver.end()
    with dfkd("sweep", "resume", folder) as driver:
        wait_for_epochs(log, 3, driver)
        fill(disk / "ballast")
        status, said = driver.end()
    assert status == 1
    *_, last = said.splitlines()
    assert f"{folder}: sweep failed: " in last
    assert f"go on with `dfkd sweep resume {folder}`" in last
    assert "Traceback" not in said
    assert sweep_status(folder)["trials"]["FAILED"] == 0
    (disk / "ballast").unlink()
    with dfkd("sweep", "resume", folder) as driver:
        status, said = driver.end()
    assert status == 0, said
    assert disagreements(folder, 8) == []


def test_a_worker_without_room_costs_its_trial_nothing(tmp_path):
    log, folder = tmp_path / "log", tmp_path / "runs" / "worker"
    log.mkdir()
    spec = SweepSpec.model_validate(sweep(2, 2, log, config={"faults": {"fill": [0, 1]}}))
    with pytest.raises(SweepStopped, match="had no room to write"):
        run_sweep(spec, out=folder, workload=Curve)
    assert sweep_status(folder)["trials"]["FAILED"] == 0
    for _ in range(2):  # each trial finds the disk full once
        try:
            resume_sweep(folder, workload=Curve)
        except SweepStopped:
            continue
        break
    assert sweep_status(folder)["trials"]["COMPLETE"] == 2
    assert disagreements(folder, 2) == []
