"""The student of docs/models.md is built, counted and held to what it claims."""

import re
import sys
from pathlib import Path

import pytest
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.models.complexity import complexity

DOCUMENT = Path(__file__).parents[3] / "docs" / "models.md"


@pytest.fixture
def package(tmp_path, monkeypatch):
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL).group(1)
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
