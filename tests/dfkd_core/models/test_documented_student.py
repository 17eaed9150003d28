"""The students of docs/models.md are built, counted, sliced and held to what they claim."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.models.complexity import complexity

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "models.md"
PACKAGE = "documented_student"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The document's code as a module that can be imported here, and under PYTHONPATH elsewhere."""
    code = "".join(re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL))
    (tmp_path / f"{PACKAGE}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    yield tmp_path / f"{PACKAGE}.py"
    sys.modules.pop(PACKAGE, None)


def suite():
    """What the document's command says of MyFilterBank."""
    told = re.search(r"pytest (tests/conformance) (--student) '(.*?)' (--narrower) '(.*?)'", DOCUMENT.read_text())
    asked = [word.replace("my_package.my_module", PACKAGE) for word in told.groups()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asked]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.mark.usefixtures("source")
def test_the_documented_student_works_as_printed():
    config = ExperimentConfig.parse({"student": {"model": f"{PACKAGE}:MyNet", "taps": 64}})
    student = build_student(config.student)
    sizes = complexity(student)
    assert (sizes.params, sizes.macs_per_s, sizes.look_ahead_ms, sizes.state_bytes) == (64, 64 * 16000, 0.0, 252.0)
    noisy = torch.randn(2, 500)
    later = noisy.clone()
    later[:, 300:] = 0
    assert torch.equal(student(noisy)[:, :300], student(later)[:, :300])


@pytest.mark.usefixtures("source")
def test_the_suite_holds_the_documented_student_and_its_slices():
    assert re.search(r"^\d\d passed in", suite(), re.MULTILINE)


def test_the_suite_finds_what_is_told_wrong(source):
    told, wrong = 'told.layer("gate", reads=bands, writes=bands)', 'writes=told.group("units", self.gate.hidden_size))'
    text = source.read_text()
    source.write_text(text.replace(told, f"{told.removesuffix('writes=bands)')}{wrong}").replace("15.0", "14.0"))
    failed = re.findall(r"^FAILED .*::(\w+)", suite(), re.MULTILINE)
    assert sorted(failed) == [
        "test_a_slice_without_dead_channels_computes_the_same",
        "test_look_ahead_is_the_one_that_perturbation_shows",
    ]
