"""Two processes that train one model: each on its rows of every batch, and the steps are those of one process."""

import multiprocessing
import tempfile
import traceback
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.trained.checkpoint import load_state
from dfkd_core.training.data_parallel import Workers, remark, require_shares
from dfkd_core.training.train_run import assist, train_model
from dfkd_core.training.trainer import Trainer

CONV_TASNET = {
    "student": {
        "model": "conv_tasnet",
        "width": 0.125,
        "num_blocks": 2,
        "num_repeats": 1,
    }
}
DPTNET = {"student": {"model": "dptnet", "width": 0.125, "num_blocks": 1, "window_samples": 32, "stride_samples": 16}}
DCCRN = {"student": {"model": "dccrn", "width": 0.0625, "num_layers": 4}}


def together(config, other, out, count=2):
    """Train with `count` processes, of which those behind the first have the config `other`; what each ended with."""
    context, place = multiprocessing.get_context("forkserver"), tempfile.mkdtemp()
    context.set_forkserver_preload(["dfkd_core.training.train_run"])
    said = context.Queue()
    arguments = [
        (rank, count, place, (other if rank else config).model_dump(mode="json"), out) for rank in range(count)
    ]
    processes = [context.Process(target=_worker, args=(*one, said)) for one in arguments]
    for process in processes:
        process.start()
    told = dict(said.get(timeout=400) for _ in processes[: 1 if other is config else 2])
    for process in processes:
        process.join(5 if other is config else 0.1)
        process.kill()
    return told


def _worker(rank, count, place, config, out, said):
    torch.set_num_threads(1)
    store = dist.FileStore(f"{place}/store", count)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=count)
    workers, lines = Workers(dist.distributed_c10d._get_default_group()), []
    try:
        parsed = ExperimentConfig.parse(config)
        if rank:
            assist(parsed, workers)
        else:
            train_model(parsed, Path(out), report=lines.append, workers=workers)
            said.put((rank, lines))
    except Exception as error:
        said.put((rank, f"{type(error).__name__}: {error}"))
        traceback.print_exc()


def flat(state):
    return torch.cat([value.flatten().double() for value in state.values() if value.is_floating_point()])


@pytest.mark.parametrize("student", [CONV_TASNET, DPTNET], ids=["conv_tasnet", "dptnet"])
def test_two_workers_end_with_the_weights_of_one_process(experiment, tmp_path, student):
    config = _with(experiment, {**student, "training.epochs": 2})
    train_model(config, tmp_path / "one")
    lines = together(config, config, tmp_path / "two")[0]
    assert "2 workers train together" in lines
    one, two = (load_state(tmp_path / place / "checkpoint") for place in ("one", "two"))
    moved = (flat(one["student"]) - flat(Trainer(config).student.state_dict())).norm()
    assert (flat(one["student"]) - flat(two["student"])).norm() < 1e-3 * moved
    assert (flat(one["average"]) - flat(two["average"])).norm() < 1e-3 * moved
    for name, value in one["history"][-1].items():
        assert two["history"][-1][name] == pytest.approx(value, rel=1e-3, abs=1e-3), name


def _with(experiment, changes):
    others = {key: value for key, value in changes.items() if key != "student"}
    return ExperimentConfig.parse({**experiment(others).model_dump(mode="json"), "student": changes["student"]})


def test_a_stopped_training_goes_on_with_another_number_of_workers(experiment, tmp_path):
    whole, first = (_with(experiment, {**CONV_TASNET, "training.epochs": epochs}) for epochs in (2, 1))
    train_model(first, tmp_path / "other")
    lines = together(whole, whole, tmp_path / "other", count=4)[0]
    assert lines[0].endswith("goes on after epoch 1 of 2") and "4 workers train together" in lines
    again = together(whole, whole, tmp_path / "other")[0]
    assert again == [f"{tmp_path / 'other'}: is finished at epoch 2 of 2"]


def test_a_worker_with_other_data_is_refused(experiment, tmp_path):
    config = _with(experiment, CONV_TASNET)
    other = config.model_copy(update={"data": config.data.model_copy(update={"level_dbfs": (-30.0, -20.0)})})
    said = together(config, other, tmp_path / "out")
    assert said[1].startswith("CheckpointError: worker 1: "), said


def test_batch_norms_learn_from_shares_and_it_is_said(experiment, tmp_path):
    config = _with(experiment, {**DCCRN, "training.epochs": 1})
    lines = together(config, config, tmp_path / "out")[0]
    words = "batch norms learn from each worker's 2 of 4 clips: one process gives other weights"
    assert f"2 workers train together; {words}" in lines
    assert remark(Trainer(_with(experiment, CONV_TASNET)).student, 4, 2) is None


@pytest.mark.parametrize(
    ("changes", "count", "told"),
    [
        ({"training.batch_size": 5}, 2, "batch_size 5 cannot be dealt to 2 workers; set it to a multiple of 2"),
        ({"training.batch_size": 64}, 8, "the 12 mixtures of an epoch cannot be dealt to 8 workers"),
    ],
)
def test_a_batch_that_cannot_be_dealt_is_refused(experiment, changes, count, told):
    with pytest.raises(ConfigError, match=told) as error:
        require_shares(experiment(changes), count)
    assert str(error.value).startswith("training.batch_size: must deal a batch in equal shares")
