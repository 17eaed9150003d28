"""The shipped configs of our own teachers."""

from pathlib import Path

import pytest

import sweeps
from dfkd_core.config import load_config
from dfkd_core.models import MODELS, build_student

FOLDER = Path(sweeps.__file__).parent / "specs/configs/teachers"
LARGEST_BYTES = 5_000_000  # of the weights as float16, which may be shipped


@pytest.mark.parametrize("model", MODELS)
def test_each_architecture_has_a_teacher_that_learns_from_clean_speech_and_is_small_enough_to_ship(model):
    config = load_config(FOLDER / f"{model}.yaml")
    assert config.student.model == model
    assert config.distillation.method == "none" and not config.teacher.is_named
    stored = sum(tensor.numel() for tensor in build_student(config.student).state_dict().values())
    assert 2 * stored < LARGEST_BYTES


@pytest.mark.parametrize("model", MODELS)
def test_its_second_stage_is_the_same_student_without_a_teacher_too(model):
    first, second = (load_config(FOLDER / f"{name}.yaml") for name in (model, f"{model}_refined"))
    assert second.student == first.student
    assert second.distillation.method == "none" and not second.teacher.is_named
    assert second.loss.pesq > 0 and second.data.noise_variation > 0
    assert not second.data.babble and not second.data.impulse_responses, (
        "the demo, where it is trained by default, has none"
    )


def test_there_is_no_teacher_without_an_architecture():
    assert {path.stem.removesuffix("_refined") for path in FOLDER.glob("*.yaml")} == set(MODELS)
