"""dfkd_core trains on a machine that has torch and a few small wheels: no ray, no optuna, no mlflow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITH_TORCH = {"torch", "torchgen", "torchaudio", "tqdm", "sympy", "mpmath", "functorch"}
SMALL = {"numpy", "pydantic", "yaml", "safetensors", "filelock", "platformdirs", "soundfile", "pesq", "threadpoolctl"}
BROUGHT_ALONG = {
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "cypesq",
    "cython_runtime",
}
ELSEWHERE = ("ray", "optuna", "mlflow", "pandas", "scipy", "sqlalchemy", "typer", "rich", "moocore", "cloudpickle")
STORY = """
import json, sys
from pathlib import Path

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"{name} is not here")

ABSENT = set(sys.argv[2].split(","))
sys.meta_path.insert(0, Absent())

import numpy as np
from dfkd_core.signal.audio import write_audio
from dfkd_core.config import ExperimentConfig
from dfkd_core.scoring.model_scores import evaluate_model
from dfkd_core.training.train_run import train_model

root = Path(sys.argv[1])
rng = np.random.default_rng(0)
time_s = np.arange(9 * 16000) / 16000
for split, pitch_hz in (("train", 120), ("valid", 150), ("test", 180)):
    voice = sum(np.sin(k * 2 * np.pi * pitch_hz * time_s) / k for k in range(1, 20)) * (time_s % 1 < 0.8)
    write_audio(root / f"clean/{split}/{split}/a.wav", 0.1 * voice.astype(np.float32))
    write_audio(root / f"noise/{split}/{split}/a.wav", rng.normal(0, 0.05, len(time_s)).astype(np.float32))
config = ExperimentConfig.parse({
    "student": {"width": 0.0625, "num_layers": 4}, "distillation": {"method": "none"},
    "training": {"epochs": 1, "batch_size": 2, "device": "cpu"},
    "data": {"corpus": str(root), "segment_s": 0.5, "train_hours": 2 / 3600, "validation_clips": 4},
})
train_model(config, root / "model")
assert evaluate_model(root / "model", split="valid", device="cpu").model.clips
print("imported: " + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Top-level modules of a process that trained and evaluated a model, while the others could not be imported."""
    root = tmp_path_factory.mktemp("alone")
    environment = {
        "PYTHONPATH": str(ROOT),
        "DFKD_CACHE": str(root / "cache"),
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin",
    }
    command = [sys.executable, "-c", STORY, str(root), ",".join(ELSEWHERE)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("imported: "))
    return set(json.loads(line.removeprefix("imported: ")))


def test_a_model_is_trained_and_evaluated_without_the_tools_of_sweeps(imported):
    assert not imported & set(ELSEWHERE)


def test_what_it_needs_is_torch_and_small_wheels(imported):
    outside = {name for name in imported - sys.stdlib_module_names if not name.startswith("_")}
    assert outside - {"dfkd_core"} <= WITH_TORCH | SMALL | BROUGHT_ALONG
