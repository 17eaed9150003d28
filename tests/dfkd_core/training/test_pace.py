"""No time is told of a step for which this machine has no memory, and none is tried."""

import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.training import pace


@pytest.mark.parametrize("told", [pace.epoch_seconds, pace.start_seconds])
def test_a_batch_beyond_the_memory_here_is_warned_of_and_not_tried(told, monkeypatch, caplog):
    batch = {"batch_size": 10**9, "start_from": "own-dccrn"}
    config = ExperimentConfig.parse({"training": batch, "data": {"segment_s": 0.25}})
    monkeypatch.setattr(pace, "_step_seconds", lambda *arguments, **named: pytest.fail("a step was tried"))
    assert told(config) is None
    assert "training.batch_size 1000000000: a step takes about" in caplog.text
