import threading

import numpy as np
import pytest
import torch

from dfkd_core.training.batches import batches_on
from dfkd_core.training.signals import Batch
from dfkd_core.training.trainer import Trainer

CPU = torch.device("cpu")
ORDER = [np.array([4, 1]), np.array([0, 3]), np.array([2])]


class Shard:
    """Signals that tell their number; notes in which thread they were rendered."""

    def __init__(self, taught=True):
        self.taught, self.threads = taught, []

    def batch(self, indices):
        self.threads.append(threading.current_thread().name)
        rows = torch.from_numpy(np.repeat(indices[:, None].astype(np.float32), 8, axis=1))
        return Batch(rows, 10 * rows, 100 * rows if self.taught else None)


@pytest.mark.parametrize("num_ahead", [0, 1, 2, 9])
def test_batches_come_in_order_however_many_are_rendered_ahead(num_ahead):
    batches = list(batches_on(CPU, Shard(), ORDER, num_ahead))
    assert [batch.noisy[:, 0].tolist() for batch in batches] == [indices.tolist() for indices in ORDER]
    assert all(torch.equal(b.clean, 10 * b.noisy) and torch.equal(b.taught, 100 * b.noisy) for b in batches)


def test_without_a_teacher_there_are_no_estimates():
    assert all(batch.taught is None for batch in batches_on(CPU, Shard(taught=False), ORDER, 2))


def test_rendering_is_the_caller_s_on_a_cpu_and_another_thread_s_elsewhere():
    shard = Shard()
    list(batches_on(CPU, shard, ORDER))
    assert set(shard.threads) == {threading.current_thread().name}
    list(batches_on(CPU, shard, ORDER, 2))
    assert all(name.startswith("render") for name in shard.threads[3:])


def test_another_device_gets_its_batches_ahead(monkeypatch):
    shard = Shard()
    batches = list(batches_on(torch.device("meta"), shard, ORDER))
    assert all(name.startswith("render") for name in shard.threads)
    assert {batch.noisy.device.type for batch in batches} == {"meta"}


def test_what_goes_wrong_while_rendering_reaches_the_trainer():
    shard = Shard()
    shard.batch = lambda indices: 1 / 0
    with pytest.raises(ZeroDivisionError):
        list(batches_on(CPU, shard, ORDER, 2))


def test_a_loop_that_ends_early_leaves_no_thread():
    batches = batches_on(CPU, Shard(), ORDER, 2)
    next(batches)
    batches.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("render")]


def test_training_is_the_same_bit_for_bit(experiment, monkeypatch):
    plain = Trainer(experiment())
    expected = plain.train_epoch()
    ahead = Trainer(experiment())
    monkeypatch.setattr(
        "dfkd_core.training.trainer.batches_on",
        lambda device, shard, order: batches_on(device, shard, order, 2),
    )
    assert ahead.train_epoch() == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_trains_to_finite_losses_in_either_precision(experiment):
    for precision in ("float32", "bfloat16"):
        trainer = Trainer(experiment({"training.device": "cuda", "training.precision": precision}))
        assert np.isfinite(trainer.train_epoch()["train/loss"])
        assert next(trainer.model.parameters()).device.type == "cuda"
