import json

import numpy as np
import pytest

from dfkd_core.config import TeacherConfig
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.models import build_student
from dfkd_core.models.complexity import complexity
from dfkd_core.models.mac_counting import count_macs
from dfkd_core.scoring.teacher_scores import evaluate_teacher, teacher_named, teacher_sizes, teacher_speed
from dfkd_core.signal.audio import write_audio
from dfkd_core.teachers.dtln_network import BLOCK_SAMPLES, DTLN, NUM_BINS
from dfkd_core.trained.model_folder import write_model_folder


class Answering:
    name, sha256 = "answering", "c" * 64

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, noisy, listed=()):
        return self.answer(noisy)


@pytest.fixture
def answers(monkeypatch):
    """Makes every config's teacher one that answers so."""

    def use(answer, sha256="c" * 64):
        teacher = Answering(answer)
        teacher.sha256 = sha256
        monkeypatch.setattr("dfkd_core.scoring.teacher_scores.open_teacher", lambda config: teacher)

    return use


def test_a_teacher_is_measured_by_snr_and_noise(experiment):
    config = experiment()
    scores = evaluate_teacher(config.teacher, config.data)
    assert list(scores.by("snr_db")) == ["0", "5", "10", "15"]
    assert set(scores.by("noise_family")) == {"valid-noise0", "valid-noise1"}
    for group in scores.by("snr_db").values():
        model, noisy = group["si_sdr_db"]
        assert model == pytest.approx(noisy, abs=0.01)  # it only changes the gain


def test_without_a_teacher_there_is_nothing_to_measure(experiment):
    with pytest.raises(ConfigError, match="teacher: must name"):
        evaluate_teacher(TeacherConfig(), experiment().data)


def test_scores_are_plain_json_and_a_table(experiment):
    config = experiment()
    scores = evaluate_teacher(config.teacher, config.data)
    told = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert told["clips"] == 4 and told["mean"]["gain_db"] == pytest.approx(-0.9, abs=0.2)
    assert told["fitness"]["delay_samples"] == 0
    low, high = told["improvement_interval_95"]["si_sdr_db"]
    assert low <= 0.01 and high >= -0.01
    assert "pesq_wb" in scores.text() and "valid-noise0" in scores.text()


def test_a_shifted_and_scaled_teacher_is_scored_and_told(experiment, answers):
    answers(lambda noisy: 0.5 * np.roll(noisy, 48, axis=-1), "d" * 64)
    scores = evaluate_teacher(TeacherConfig(), experiment().data)
    assert scores.fitness.delay_samples == 48
    assert "delay 48 samples (3.0 ms), gain " in scores.text()


def test_another_length_is_told_in_one_line(experiment, answers):
    answers(lambda noisy: noisy[:, :-1], "e" * 64)
    with pytest.raises(DataError, match="teacher answering: must return 64000 samples a mixture"):
        evaluate_teacher(TeacherConfig(), experiment().data)


def test_scores_are_computed_once(experiment, answers, monkeypatch):
    config = experiment()
    first = evaluate_teacher(config.teacher, config.data)
    monkeypatch.setattr("dfkd_core.scoring.evaluation.evaluate", None)
    assert evaluate_teacher(config.teacher, config.data) == first


def test_a_word_names_any_kind_of_teacher(tmp_path, tiny_teacher, experiment):
    model = build_student(experiment().student)
    write_model_folder(tmp_path / "m", experiment(), model.state_dict(), {}, noisy={}, epochs=0, origin={})
    write_audio(tmp_path / "wavs/a.wav", np.zeros(100, np.float32))
    (tmp_path / "c.yaml").write_text("teacher: {ensemble: {members: [{pretrained: dtln}, {pretrained: gtcrn}]}}")
    assert teacher_named("dtln") == TeacherConfig(pretrained="dtln")
    assert teacher_named(str(tiny_teacher)) == TeacherConfig(checkpoint=str(tiny_teacher))
    assert teacher_named(str(tmp_path / "m")) == TeacherConfig(checkpoint=str(tmp_path / "m"))
    assert teacher_named(str(tmp_path / "wavs")) == TeacherConfig(estimates=str(tmp_path / "wavs"))
    assert len(teacher_named(str(tmp_path / "c.yaml")).ensemble.members) == 2


def test_a_word_that_names_nothing_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"--teacher: must be a public model.* did you mean 'gtcrn'"):
        teacher_named("gtcrm")


def test_a_teacher_is_timed_unless_its_estimates_were_made_elsewhere(tmp_path, tiny_teacher):
    told = teacher_speed(TeacherConfig(checkpoint=str(tiny_teacher)))
    assert set(told) == {"model/rtf_cpu", "model/rtf_cpu_spread"} and told["model/rtf_cpu"] > 0
    assert teacher_speed(TeacherConfig(estimates=str(tmp_path))) == {} == teacher_speed(TeacherConfig())


def test_sizes_are_told_as_far_as_they_are_known(experiment, tmp_path, tiny_teacher):
    model = build_student(experiment().student)
    write_model_folder(tmp_path / "m", experiment(), model.state_dict(), {}, noisy={}, epochs=0, origin={})
    own = teacher_sizes(TeacherConfig(checkpoint=str(tmp_path / "m")))
    assert own["model/params"] == sum(p.numel() for p in model.parameters())
    assert own["model/macs_per_s"] == complexity(model).macs_per_s
    dtln, blocks = teacher_sizes(TeacherConfig(pretrained="dtln")), 128  # of one second, those at its ends included
    transforms = blocks * 4 * NUM_BINS * BLOCK_SAMPLES
    assert dtln["model/macs_per_s"] == count_macs(DTLN(), 16_000) + transforms
    assert (dtln["model/params"], dtln["model/look_ahead_ms"], dtln["model/latency_ms"]) == (988_801, 511 / 16, 32.0)
    assert teacher_sizes(TeacherConfig(pretrained="rnnoise")).keys() == {"model/look_ahead_ms", "model/latency_ms"}
    assert teacher_sizes(TeacherConfig(checkpoint=str(tiny_teacher))) == {}
