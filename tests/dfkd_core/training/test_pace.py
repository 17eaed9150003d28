"""No time is told of a step for which this machine has no memory, and none is tried."""

import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.training import pace
from dfkd_core.training.footprint import training_bytes


@pytest.mark.parametrize("told", [pace.epoch_seconds, pace.start_seconds])
def test_a_batch_beyond_the_memory_here_is_warned_of_and_not_tried(told, monkeypatch, caplog):
    batch = {"batch_size": 10**9, "start_from": "own-dccrn"}
    config = ExperimentConfig.parse({"training": batch, "data": {"segment_s": 0.25, "train_hours": 10_000}})
    monkeypatch.setattr(pace, "_step_seconds", lambda *arguments, **named: pytest.fail("a step was tried"))
    assert told(config) is None
    assert "training.batch_size 1000000000: a step takes about" in caplog.text


def test_a_batch_larger_than_an_epoch_is_the_epoch():
    sizes = [
        {"training": {"batch_size": size}, "data": {"segment_s": 1.0, "train_hours": 0.01}} for size in (36, 10**9)
    ]
    assert len({training_bytes(ExperimentConfig.parse(size)) for size in sizes}) == 1
