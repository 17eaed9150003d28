"""The Python of docs/deploying.md runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dfkd_core.export.onnx_file import export_streaming
from dfkd_core.export.sherpa_onnx import export_sherpa_onnx

DOCUMENT = Path(__file__).parents[3] / "docs" / "deploying.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
GIVEN = "import numpy as np\nchunk = 0.1 * np.random.default_rng(0).standard_normal(1_600).astype(np.float32)\n"


@pytest.mark.parametrize(("runtime", "export"), [("OnnxCore", export_streaming), ("sherpa_onnx", export_sherpa_onnx)])
def test_a_stream_gives_back_as_many_samples_as_it_was_given(runtime, export, model_folders, tmp_path):
    export(model_folders["gtcrn"], tmp_path / "best.onnx")
    (block,) = (block for block in BLOCKS if runtime in block and "best.onnx" in block)
    program = f"{GIVEN}{block}\nprint(len(finished) + len(rest))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout.split()[-1:]) == (0, ["1600"]), done.stderr
