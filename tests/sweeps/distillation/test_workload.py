"""One epoch of distillation as a workload's step."""

from types import SimpleNamespace

import pytest

from dfkd_core.metrics import METRICS
from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.evaluation import ClipScores, Evaluation
from sweeps.distillation.workload import DistillationWorkload


@pytest.fixture
def workload():
    """A workload whose trainer only pretends."""
    made = DistillationWorkload.__new__(DistillationWorkload)
    clips = tuple(ClipScores(f"clip {k}", "anna", "rain", 5.0, dict.fromkeys(METRICS, 1.0 + k)) for k in range(2))
    made.trainer = SimpleNamespace(
        epoch=1,
        config=SimpleNamespace(training=SimpleNamespace(epochs=1)),
        start_scores={"val/pesq_wb": 1.6},
        train_epoch=lambda: {"train/loss": 0.5},
        evaluate=lambda: Evaluation(clips),
        evaluate_probes=dict,
        save=lambda directory: (directory / "state").write_text("whole"),
    )
    made._speed, made._clips = {"model/rtf_cpu": 0.1}, None
    return made


def test_a_step_reports_training_validation_and_speed(workload):
    metrics = workload.step()
    assert (metrics["train/loss"], metrics["val/pesq_wb"], metrics["model/rtf_cpu"]) == (0.5, 1.5, 0.1)


def test_a_trained_start_is_told_beside_the_last_epoch_s_scores_and_that_it_was_better(workload, caplog):
    metrics = workload.step()
    assert (metrics["start/val/pesq_wb"], metrics["val/pesq_wb"]) == (1.6, 1.5)
    told = "the start was better (PESQ-WB 1.600 against 1.500); values and weights are the last epoch's"
    assert [record.message for record in caplog.records] == [told]


def test_the_start_s_hash_is_a_tag_of_the_trial(workload):
    workload.trainer.start = SimpleNamespace(origin={"start_hash": "abc", "start": "the weights of x"})
    assert workload.tags == {"start_hash": "abc"}


def test_before_the_last_epoch_nothing_is_said_of_the_start(workload, caplog):
    workload.trainer.config.training.epochs = 2
    workload.step()
    assert not caplog.records


def test_what_is_saved_after_an_epoch_holds_the_score_of_every_clip(workload, tmp_path):
    workload.step()
    workload.save(tmp_path)
    table = ClipTable.read(tmp_path)
    assert (table.names, table.crossing.speakers) == (("clip 0", "clip 1"), ("anna",) * 2)
    assert table.scores["val/stoi"] == (1.0, 2.0)


def test_what_is_saved_before_any_epoch_holds_none(workload, tmp_path):
    workload.save(tmp_path)
    assert (tmp_path / "state").exists() and ClipTable.read(tmp_path) is None
