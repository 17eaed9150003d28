"""The Python of docs/deploying.md and of a model's card runs as printed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

DOCUMENT = Path(__file__).parents[3] / "docs" / "deploying.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
GIVEN = "import numpy as np\nchunk = 0.1 * np.random.default_rng(0).standard_normal(1_600).astype(np.float32)\n"


FILES = {"gtcrn": ("stream.onnx", "sherpa.onnx"), "conv_tasnet": ("stream.onnx", "whole.onnx")}


@pytest.fixture(scope="module", params=FILES)
def exported(request, model_folders, streaming_file, sherpa_file, whole_file, tmp_path_factory):
    """A model folder, and a folder of the files that its card speaks of."""
    place = tmp_path_factory.mktemp(request.param)
    kept = {"stream.onnx": streaming_file, "sherpa.onnx": sherpa_file, "whole.onnx": whole_file}
    for name in FILES[request.param]:
        shutil.copy(kept[name](request.param)[0], place / name)
    return model_folders[request.param], place


def test_a_stream_gives_back_as_many_samples_as_it_was_given(exported):
    _, place = exported
    for runtime, file in (("OnnxCore", "stream.onnx"), ("sherpa_onnx", "sherpa.onnx")):
        if not (place / file).exists():
            continue
        (block,) = (block for block in BLOCKS if runtime in block and "best.onnx" in block)
        program = f"{GIVEN}{block.replace('best.onnx', file)}\nprint(len(finished) + len(rest))"
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, check=False)
        assert (done.returncode, done.stdout.split()[-1:]) == (0, ["1600"]), done.stderr


def test_the_python_of_a_model_s_card_runs_as_printed(exported, monkeypatch):
    folder, place = exported
    monkeypatch.chdir(place)
    card, files = (folder / "README.md").read_text(), FILES[folder.name]
    chunk = (0.1 * np.random.default_rng(0).standard_normal(1_600)).astype(np.float32)
    found = {"noisy": torch.from_numpy(chunk)[None], "chunk": chunk}
    blocks = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(block.replace("<this folder>", str(folder)), found)
        if "finish" in block:
            assert len(found["finished"]) + len(found["rest"]) == 1_600
        elif "estimate" in block:
            assert tuple(found["estimate"].shape) == (1, 1_600)
    assert ("sherpa_onnx" in card) == ("sherpa.onnx" in files) == ("clean" in found)
    assert sorted(re.findall(r"    dfkd export-onnx <this folder> -o (\S+)", card)) == sorted(files)
