import math

import pytest
import torch
from torch import nn

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student, StudentBase
from dfkd_core.models.complexity import complexity


class Gain(Student):
    """The smallest student: one gain, no memory."""

    look_ahead_samples = 0.0
    state_bytes = 0.0

    def __init__(self, gain: float = 1.0):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, noisy):
        return self.gain * noisy


class FilterConfig(StudentBase):
    taps: int = 3


class Filter(Student):
    Config = FilterConfig
    look_ahead_samples = math.inf
    state_bytes = math.inf

    def __init__(self, config):
        super().__init__()
        self.layer = nn.Conv1d(1, 1, config.taps, padding=config.taps // 2)

    def forward(self, noisy):
        return self.layer(noisy[:, None])[:, 0]


class Shortening(Gain):
    def forward(self, noisy):
        return noisy[:, 1:]


class Telephone(Gain):
    sample_rate_hz = 8000


def student(name, **fields):
    model = name if ":" in name else f"{__name__}:{name}"
    return build_student(ExperimentConfig.parse({"student": {"model": model, **fields}}).student)


def test_fields_reach_the_constructor():
    assert student("Gain", gain=0.5).gain.item() == 0.5


def test_a_class_with_its_own_config_gets_it_and_is_counted_by_running_it():
    sizes = complexity(student("Filter", taps=5))
    assert (sizes.params, sizes.macs_per_s, sizes.look_ahead_ms) == (6, 5 * 16000, math.inf)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("no_such_package:Net", {}, "student.model: must name an importable module"),
        (":Net", {}, "student.model: must name an importable module"),
        (".relative:Net", {}, "student.model: must name an importable module"),
        ("Missing", {}, "student.model: must name a subclass of .*Student"),
        ("torch.nn:ReLU", {}, "student.model: must name a subclass of .*Student"),
        ("Gain", {"loss": 1}, "student.model: must accept the fields"),
        ("Filter", {"tap": 1}, "student.tap: is not a known key; did you mean 'taps'"),
        ("Telephone", {}, "student.model: must work at 16000 Hz, .* works at 8000 Hz; resample inside its forward"),
        ("Shortening", {}, "student.model: must map .* to a finite .* return an estimate of the input's length"),
    ],
)
def test_a_class_that_is_no_student_is_refused_by_key(name, fields, words):
    with pytest.raises(ConfigError, match=words):
        student(name, **fields)
