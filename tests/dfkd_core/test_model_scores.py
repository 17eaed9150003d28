import json

import pytest

from dfkd_core.config import TeacherConfig
from dfkd_core.errors import ConfigError
from dfkd_core.metrics import METRICS
from dfkd_core.model_folder import write_model_folder
from dfkd_core.model_scores import evaluate_model, evaluate_teacher
from dfkd_core.models import build_student


@pytest.fixture
def folder(experiment, tmp_path):
    config = experiment()
    write_model_folder(
        tmp_path / "m", config, build_student(config.student).state_dict(), {}, noisy={}, epochs=0, origin={}
    )
    return tmp_path / "m"


def test_a_model_is_scored_on_the_split_that_is_asked_for(folder):
    scores = evaluate_model(folder, split="valid")
    assert scores.model.mean.keys() == METRICS.keys() and len(scores.model.clips) == 4
    assert {clip.speaker for clip in scores.model.clips} == {"valid-clean0", "valid-clean1"}


def test_another_corpus_may_be_named(folder, tiny_corpus):
    assert evaluate_model(folder, data=tiny_corpus.parent, split="valid").model.clips


def test_an_unknown_split_is_refused(folder):
    with pytest.raises(ConfigError, match="split: must be test or valid, but got 'train'"):
        evaluate_model(folder, split="train")


def test_a_teacher_is_measured_by_snr_and_noise(experiment):
    config = experiment()
    scores = evaluate_teacher(config.teacher, config)
    assert list(scores.by("snr_db")) == ["0", "5", "10", "15"]
    assert set(scores.by("noise_family")) == {"valid-noise0", "valid-noise1"}
    for group in scores.by("snr_db").values():
        model, noisy = group["si_sdr_db"]
        assert model == pytest.approx(noisy, abs=0.01)  # it only changes the gain
    with pytest.raises(ConfigError, match="teacher: must name"):
        evaluate_teacher(TeacherConfig(), config)


def test_scores_are_plain_json_and_a_table(experiment):
    config = experiment()
    scores = evaluate_teacher(config.teacher, config)
    told = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert told["clips"] == 4 and told["mean"]["gain_db"] == pytest.approx(-0.9, abs=0.2)
    low, high = told["improvement_interval_95"]["si_sdr_db"]
    assert low <= 0.01 and high >= -0.01
    assert "pesq_wb" in scores.text() and "valid-noise0" in scores.text()
