"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")  # what else fills the machine ends no worker of a test
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="dfkd-state-")  # agreements of tests are no user's
ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RAY_ADDRESS")
for name in ADDRESSES:
    os.environ.pop(name, None)

# a shell has what it starts in the background ignore interrupts, and programs hand that on to those they start
signal.signal(signal.SIGINT, signal.default_int_handler)

ALLOWED_SKIP = "no GPU"

# what takes longest, in seconds on two quiet cores: begun first, so that no worker is left alone with one at the end
LONG = (
    "end_to_end/test_slurm.py",  # 300, most of it waiting
    "end_to_end/test_confirm.py",  # 200
    "end_to_end/test_hard_day.py",
    "end_to_end/test_front_page.py",
    "end_to_end/test_browsing.py",
    "end_to_end/test_store.py",
    "end_to_end/test_teachers.py",  # 100
    "end_to_end/test_workers.py",
    "end_to_end/test_full_disk.py",
    "end_to_end/test_outcomes.py",
    "end_to_end/test_layouts.py",
    "end_to_end/test_nodes.py",
    "sweeps/tracking/test_delivery.py",
    "sweeps/tracking/test_delivery_faults.py",
    "end_to_end/test_databases.py",
    "end_to_end/test_no_shared_folder.py",
    "end_to_end/test_again.py",
    "end_to_end/test_network_cut.py",
    "end_to_end/test_chaos.py",
    "sweeps/engine/driving/test_full_budget.py",
    "end_to_end/test_front_in_mlflow.py",
    "end_to_end/test_device_cost.py",
    "end_to_end/test_nodes_that_differ.py",  # 30
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take longest come first, in an order that every worker finds."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True, scope="module")
def nothing_of_another_module() -> None:
    """Ray leaves the token authentication of one cluster behind, MLflow an address; the next would take them up."""
    for name in (*ADDRESSES, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        os.environ.pop(name, None)
    if raylet := sys.modules.get("ray._raylet"):
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """With DFKD_NO_SKIPS set, a test that was skipped for want of anything but a GPU fails the run."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    wrong = [reason for reason in reasons if ALLOWED_SKIP not in reason]
    if os.environ.get("DFKD_NO_SKIPS") and wrong:
        terminalreporter.section("skips that are not allowed here", red=True)
        terminalreporter.write_line("\n".join(wrong))
        terminalreporter._session.exitstatus = pytest.ExitCode.TESTS_FAILED
