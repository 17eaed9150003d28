"""The lines of docs/exporting.md that enhance an array do so."""

import re
from pathlib import Path

import numpy as np
import soundfile

from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import load_model, write_model_folder

DOCS = Path(__file__).parents[2] / "docs" / "exporting.md"


def test_the_documented_lines_enhance_every_channel_of_a_file(experiment, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    student = build_student(experiment().student)
    write_model_folder(Path("models/best"), experiment(), student.state_dict(), {}, noisy={}, epochs=0, origin={})
    noisy = 0.1 * np.random.default_rng(0).standard_normal((8000, 2)).astype(np.float32)
    soundfile.write("noisy.wav", noisy, 16000, subtype="FLOAT")
    block, *_ = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert len(block.split("\n")) - block.split("\n").count("") == 5
    found: dict = {}
    exec(block, found)
    assert found["clean"].shape == (2, 8000) and np.isfinite(found["clean"]).all()
    assert type(load_model("models/best")[0]) is type(student)
