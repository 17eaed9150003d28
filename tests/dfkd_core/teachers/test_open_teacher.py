"""Every kind of teacher is opened by its config block, and none by an empty one."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from dfkd_core.config import TeacherConfig
from dfkd_core.errors import CheckpointError, ConfigError
from dfkd_core.models import build_student
from dfkd_core.signal.audio import write_audio
from dfkd_core.teachers import open_network, open_teacher
from dfkd_core.trained.model_folder import write_model_folder

NOISY = np.random.default_rng(0).normal(0, 0.1, (2, 1600)).astype(np.float32)


def test_without_a_source_there_is_no_teacher():
    assert open_teacher(TeacherConfig()) is None


def test_two_sources_are_one_too_many():
    with pytest.raises(ConfigError, match="must name one source, but got estimates and pretrained"):
        TeacherConfig.parse({"estimates": "x", "pretrained": "dtln"})


def test_an_onnx_file_teaches(tiny_teacher):
    teacher = open_teacher(TeacherConfig(checkpoint=str(tiny_teacher)))
    assert teacher.name == "gain"
    np.testing.assert_allclose(teacher(NOISY), 0.9 * NOISY, rtol=1e-6)


def test_a_folder_of_estimates_teaches(tmp_path):
    write_audio(tmp_path / "a.wav", NOISY[0])
    teacher = open_teacher(TeacherConfig(estimates=str(tmp_path)))
    np.testing.assert_allclose(teacher(NOISY[:1], [SimpleNamespace(name="a")]), NOISY[:1], atol=1e-4)


def test_a_model_folder_teaches_what_its_model_computes(experiment, tmp_path):
    student = build_student(experiment().student).eval()
    write_model_folder(tmp_path / "m", experiment(), student.state_dict(), {}, noisy={}, epochs=0, origin={})
    teacher = open_teacher(TeacherConfig(checkpoint=str(tmp_path / "m")))
    with torch.no_grad():
        expected = student(torch.from_numpy(NOISY)).numpy()
    np.testing.assert_allclose(teacher(NOISY), expected, atol=1e-6)
    assert teacher.sha256 == open_network(tmp_path / "m").sha256


def test_a_known_public_model_is_named(monkeypatch, tmp_path):
    with pytest.raises(ConfigError, match=r"teacher.pretrained: must be a known public model, .* did you mean 'dtln'"):
        open_teacher(TeacherConfig(pretrained="dtlm"))


@pytest.mark.parametrize("name", ["absent", "absent.onnx"])
def test_a_missing_checkpoint_is_told_by_its_key_and_place(tmp_path, name):
    with pytest.raises(
        ConfigError, match=rf"{name}: teacher.checkpoint: must be .* there is no such .*; bring it back"
    ):
        open_teacher(TeacherConfig(checkpoint=str(tmp_path / name)))


def test_a_folder_that_is_no_model_cannot_teach(tmp_path):
    with pytest.raises(CheckpointError, match="must be a model folder"):
        open_teacher(TeacherConfig(checkpoint=str(tmp_path)))
