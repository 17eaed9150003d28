"""Every layout of a corpus trains by the command line and is searched over in a sweep."""

import json
import os

import numpy as np
import onnx
import pytest
import ray
from layout_trees import TREES, noisy_and_clean_valid
from onnx import TensorProto, helper

from dfkd_core.base.documents import dump_yaml
from dfkd_core.errors import ConfigError
from sweeps import SweepSpec, run_sweep
from sweeps.cli import run

ALONE = {"snr": 0.0, "compressed_spectrum": 0.0}
IN_ROOMS = {
    "impulse_responses": 0.5,
    "target_reflections": "early",
    "clipping": 0.5,
    "babble": 0.5,
    "noise_variation": 0.5,
}
GAIN = np.float32(0.9)
SIZE = {"metric": "model/params", "goal": "minimize", "scale": "log"}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A folder with every layout, and a cache that all tests share."""
    root = tmp_path_factory.mktemp("corpora")
    for name, plant in {**TREES, "clean-valid": noisy_and_clean_valid}.items():
        plant(root / name)
    before = os.environ.get("DFKD_CACHE")
    os.environ["DFKD_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield root
    os.environ.pop("DFKD_CACHE") if before is None else os.environ.update(DFKD_CACHE=before)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """An ONNX file that returns 0.9 of its input."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"]) for name in ("in", "out")]
    node = helper.make_node("Mul", ["in", "gain"], ["out"])
    graph = helper.make_graph([node], "g", ports[:1], ports[1:], [onnx.numpy_helper.from_array(GAIN, "gain")])
    path = tmp_path_factory.mktemp("teacher") / "gain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def config(corpus, teacher, loss=ALONE, **data):
    """A student of a second an epoch; by distillation alone unless told otherwise."""
    return {
        "student": {"model": "dccrn", "width": 0.0625, "num_layers": 4},
        "teacher": {"checkpoint": str(teacher)},
        "loss": loss,
        "training": {"epochs": 1, "batch_size": 4, "device": "cpu"},
        "data": {"corpus": str(corpus), "segment_s": 0.5, "train_hours": 6 / 3600, "validation_clips": 4, **data},
    }


def train(tmp_path, **settings):
    (tmp_path / "config.yaml").write_text(dump_yaml(config(**settings)))
    return run(["train", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "model"), "--no-track"])


@pytest.mark.parametrize("layout", TREES)
def test_each_layout_trains_a_student(trees, teacher, tmp_path, layout):
    augmented = IN_ROOMS if layout == "dns" else {}
    loss = ALONE if layout == "noisy-only" else {"snr": 1.0}
    assert train(tmp_path, corpus=trees / layout, teacher=teacher, loss=loss, **augmented) == 0
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())["metrics"]
    group, other = ("val_teacher", "val") if layout == "noisy-only" else ("val", "val_teacher")
    assert f"{group}/pesq_wb" in metrics
    assert not any(name.startswith(f"{other}/") for name in metrics)


def test_supervised_terms_are_refused_without_clean_speech(trees, teacher, tmp_path, capsys):
    assert train(tmp_path, corpus=trees / "noisy-only", teacher=teacher, loss={"snr": 1.0}) == 2
    said = capsys.readouterr().err.strip()
    assert "loss.snr: needs clean speech" in said and "set loss.snr, loss.compressed_spectrum to 0" in said
    assert len(said.splitlines()) == 1


def test_the_card_and_the_evaluation_of_a_student_of_recordings_call_agreement_by_its_name(
    trees, teacher, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("dfkd_core.data.mixtures.NUM_TEST", 4)
    train(tmp_path, corpus=trees / "noisy-only", teacher=teacher)
    assert "not how good it is" in (tmp_path / "model" / "README.md").read_text()
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "model"), "--no-track"]) == 0
    assert "scores tell agreement with the teacher, not quality" in capsys.readouterr().out


@pytest.fixture(scope="module")
def own_ray(trees):
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


def sweep(base, metric, space, trials, first=()):
    return SweepSpec.model_validate(
        {
            "name": "layouts",
            "config": base,
            "space": space,
            "objectives": [{"metric": metric, "goal": "maximize"}, SIZE],
            "reference_point": {metric: 0.0, "model/params": 4e6},
            "budget": {"trials": trials, "epochs_per_trial": 1},
            "sampler": {"name": "random"},
            "evaluate_first": list(first),
        }
    )


def test_one_sweep_over_all_layouts_completes_every_trial(trees, teacher, own_ray, tmp_path):
    corpora = [str(trees / name) for name in (*TREES, "clean-valid") if name != "noisy-only"]
    base = config(trees / "clean-valid", teacher)
    points = [{"data.corpus": corpus} for corpus in corpora]
    front = run_sweep(sweep(base, "val/pesq_wb", {"data.corpus": {"values": corpora}}, 5, points), out=tmp_path / "s")
    assert json.loads(front.to_json())["trials"]["COMPLETE"] == len(corpora)


def test_a_sweep_over_recordings_has_an_objective_of_its_own_name(trees, teacher, own_ray, tmp_path):
    base = config(trees / "noisy-only", teacher)
    space = {"distillation.beta": {"values": [0.25, 0.75]}}
    with pytest.raises(ConfigError, match=r"val/pesq_wb is not measured.*no clean speech; use val_teacher/pesq_wb"):
        run_sweep(sweep(base, "val/pesq_wb", space, 2), out=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    front = run_sweep(sweep(base, "val_teacher/pesq_wb", space, 2), out=tmp_path / "s")
    assert json.loads(front.to_json())["trials"]["COMPLETE"] == 2
