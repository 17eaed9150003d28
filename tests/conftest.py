"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
import tempfile

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_memory_monitor_refresh_ms", "0")  # what else fills the machine ends no worker of a test
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="dfkd-state-")  # agreements of tests are no user's
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "RAY_ADDRESS"):
    os.environ.pop(name, None)

# a shell has what it starts in the background ignore interrupts, and programs hand that on to those they start
signal.signal(signal.SIGINT, signal.default_int_handler)

ALLOWED_SKIP = "no GPU"


@pytest.fixture(autouse=True, scope="module")
def no_token_of_another_module() -> None:
    """Ray leaves the token authentication of one cluster behind, and the next one would ask for it."""
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
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
