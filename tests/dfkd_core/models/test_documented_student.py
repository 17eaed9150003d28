"""The students of docs/models.md are built, counted, sliced and held to what they claim."""

import re
import sys
from pathlib import Path

import pytest
import torch
from dead_channels import kill_half, trained

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.models.complexity import complexity
from dfkd_core.training.slicing import scores_by_weight, sliced

DOCUMENT = Path(__file__).parents[3] / "docs" / "models.md"


@pytest.fixture
def package(tmp_path, monkeypatch):
    code = "".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
    (tmp_path / "documented_student.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    yield "documented_student"
    sys.modules.pop("documented_student", None)


def test_the_documented_student_works_as_printed(package):
    config = ExperimentConfig.parse({"student": {"model": f"{package}:MyNet", "taps": 64}})
    student = build_student(config.student)
    sizes = complexity(student)
    assert (sizes.params, sizes.macs_per_s, sizes.look_ahead_ms, sizes.state_bytes) == (64, 64 * 16000, 0.0, 252.0)
    noisy = torch.randn(2, 500)
    later = noisy.clone()
    later[:, 300:] = 0
    assert torch.equal(student(noisy)[:, :300], student(later)[:, :300])


@torch.no_grad()
def test_the_documented_student_is_sliced_as_printed(package):
    wide, narrow = (
        build_student(ExperimentConfig.parse({"student": {"model": f"{package}:MyFilterBank", "bands": bands}}).student)
        for bands in (32, 16)
    )
    kill_half(trained(wide))
    narrow.load_state_dict(sliced(wide, narrow, scores_by_weight(wide)))
    noisy = 0.1 * torch.randn(2, 4000)
    torch.testing.assert_close(narrow.eval()(noisy), wide(noisy), rtol=0, atol=1e-5)
