"""Calls are repeated more and more slowly, and only for as long as somebody waits."""

import time

import pytest

from sweeps.tracking.mlflow_runs import RefusedError, UnreachableError
from sweeps.tracking.retrying import Patience, Retry, Stopped
from sweeps.tracking.spool import SPOOL
from sweeps.tracking.spool_state import Health

PATIENCE = Patience(first_retry_s=0.1, longest_retry_s=0.5, alone_s=0.5)


@pytest.fixture
def pauses(monkeypatch):
    """Collects the pauses instead of making them."""
    made = []
    monkeypatch.setattr(Retry, "pause", lambda self, seconds: made.append(seconds))
    return made


@pytest.fixture
def folder(tmp_path):
    (tmp_path / SPOOL).mkdir()
    return tmp_path


def failing(num_times, error=UnreachableError):
    remaining = iter(range(num_times))

    def call():
        if next(remaining, None) is not None:
            raise error("down: planted-pw")
        return "answer"

    return call


def test_pauses_double_up_to_a_cap_and_are_spread(folder, pauses):
    assert Retry(folder, lambda: False, PATIENCE)(failing(5)) == "answer"
    for pause_s, longest_s in zip(pauses, [0.1, 0.2, 0.4, 0.5, 0.5], strict=True):
        assert 0.7 * longest_s <= pause_s <= longest_s


def test_every_call_begins_with_a_short_pause(folder, pauses):
    retry = Retry(folder, lambda: False, PATIENCE)
    retry(failing(4))
    retry(failing(1))
    assert pauses[-1] <= 0.1


def test_a_refusal_is_not_repeated(folder, pauses):
    with pytest.raises(RefusedError):
        Retry(folder, lambda: False, PATIENCE)(failing(1, RefusedError))
    assert pauses == []


def test_alone_the_first_failure_stops(folder, pauses):
    with pytest.raises(Stopped, match="down"):
        Retry(folder, lambda: True, PATIENCE)(failing(1))
    assert pauses == []


def test_alone_a_slow_server_is_left_after_a_while(folder):
    retry = Retry(folder, lambda: True, PATIENCE)
    retry(lambda: None)
    time.sleep(0.6)
    with pytest.raises(Stopped, match="slow"):
        retry(lambda: None)


def test_trouble_is_written_down_without_secrets_and_cleared_by_success(folder, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "planted-pw")
    with pytest.raises(Stopped):
        Retry(folder, lambda: True, PATIENCE)(failing(1))
    assert Health.load(folder).trouble == "down: ***"
    assert "planted-pw" not in caplog.text
    Retry(folder, lambda: False, PATIENCE)(lambda: None)
    assert Health.load(folder).trouble is None


def test_a_disk_that_refuses_is_tried_again(folder, pauses):
    Retry(folder, lambda: False, PATIENCE).on_disk(failing(2, OSError))
    assert len(pauses) == 2


def test_a_pause_ends_with_the_driver(folder):
    began = time.monotonic()
    Retry(folder, lambda: time.monotonic() > began + 0.05, PATIENCE).pause(30.0)
    assert time.monotonic() - began < 10
