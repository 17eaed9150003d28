"""Imports point down, and workers load no more than they need."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("mlflow", "optuna", "pandas", "plotly", "torch")


def loaded_by(statement):
    """Which of the heavy packages a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_imports_point_down():
    found = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert found, "import-linter is among the development requirements"
    done = subprocess.run([found, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


WORKER = "import sweeps.engine.on_ray.trainable"


@pytest.mark.parametrize("statement", [WORKER, "import sweeps", "import sweeps.workload"])
def test_a_worker_imports_neither_mlflow_nor_optuna(statement):
    assert not loaded_by(statement) & {"mlflow", "optuna", "plotly"}


def test_a_worker_of_a_workload_without_torch_loads_none():
    """It would cost 180 MiB per worker."""
    assert "torch" not in loaded_by(WORKER)


def test_the_command_line_starts_without_the_heavy_packages():
    assert not loaded_by("import sweeps.cli") & {"mlflow", "optuna", "torch", "plotly"}


def test_a_driver_leaves_mlflow_to_its_delivery_and_torch_to_workloads_that_need_it():
    assert not loaded_by("import sweeps.engine.driving.run") & {"mlflow", "torch"}


def test_nothing_but_evaluation_can_open_the_test_split():
    sources = [path for package in ("dfkd_core", "sweeps") for path in (ROOT / package).rglob("*.py")]
    lists, scores = "dfkd_core/data/mixtures.py", "dfkd_core/scoring/model_scores.py"
    for name, speak_of_it in {"test_list": {lists, scores}, "evaluation_list": {lists}, 'part("test")': set()}.items():
        assert {path.relative_to(ROOT).as_posix() for path in sources if name in path.read_text()} == speak_of_it
