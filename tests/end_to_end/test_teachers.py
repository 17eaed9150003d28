"""Every kind of teacher teaches in a small sweep, and stands on the page of its front."""

import numpy as np
import onnx
import pytest
import ray
import torch
from onnx import TensorProto, helper
from public_models import require_public
from tracked_sweeps import DeliveryHere

from dfkd_core.config import ExperimentConfig
from dfkd_core.data.pretrained import PUBLIC_MODELS
from dfkd_core.models import build_student
from dfkd_core.signal.audio import write_audio
from dfkd_core.teachers.trained_model import shipped_names
from dfkd_core.trained.model_folder import write_model_folder
from dfkd_core.training.signals import Signals
from sweeps import SweepSpec, load_front, run_sweep
from sweeps.cli import run
from sweeps.engine.driving import driver

RATE = 16_000
SIZE = {"metric": "model/params", "goal": "minimize", "scale": "log"}


def talking(seconds, seed):
    """A gliding harmonic tone in bursts of 0.8 s, (time,)."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * (120 + 15 * seed) * (time_s + 0.02 * np.sin(2 * np.pi * time_s))
    return (0.1 * sum(np.sin(k * pitch) / k for k in range(1, 25)) * (time_s % 1.0 < 0.8)).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A corpus of half a minute, in the layout of two folders; the public models that are cached stay cached."""
    root, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0)
    for number, split in enumerate(("train", "valid", "test")):
        write_audio(root / f"clean/{split}/speaker{number}/a.wav", talking(9.0, number))
        write_audio(root / f"noise/{split}/family{number}/a.wav", rng.normal(0, 0.05, 9 * RATE).astype(np.float32))
    return root


@pytest.fixture(autouse=True)
def delivered_here(monkeypatch):
    """Eight sweeps' own deliveries would each load MLflow first."""
    monkeypatch.setattr(driver, "start_delivery", DeliveryHere)


@pytest.fixture(scope="module")
def own_ray():
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=80 << 20)
    yield
    ray.shutdown()


def config(corpus, teacher):
    return {
        "student": {"model": "dccrn", "width": 0.0625, "num_layers": 4},
        "teacher": teacher,
        "training": {"epochs": 1, "batch_size": 4, "device": "cpu"},
        "data": {"corpus": str(corpus), "segment_s": 0.5, "train_hours": 4 / 3600, "validation_clips": 4},
    }


def sweep(folder, corpus, teacher, key="distillation.weight", values=(1.0,)):
    """A trial of one short epoch for each value of a key."""
    spec = {
        "name": folder.name,
        "config": config(corpus, teacher),
        "space": {key: {"values": list(values)}},
        "objectives": [{"metric": "val/si_sdr_db", "goal": "maximize"}, SIZE],
        "reference_point": {"val/si_sdr_db": -100.0, "model/params": 4e6},
        "budget": {"trials": len(values), "epochs_per_trial": 1},
        "evaluate_first": [{key: value} for value in values],
        "storage": {"tracking_uri": f"sqlite:///{folder.parent}/mlflow.db"},
    }
    return run_sweep(SweepSpec.model_validate(spec), out=folder)


def gain_file(path, gain):
    """An ONNX file that scales its input."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"]) for name in ("in", "out")]
    node = helper.make_node("Mul", ["in", "gain"], ["out"])
    constant = onnx.numpy_helper.from_array(np.float32(gain), "gain")
    graph = helper.make_graph([node], "g", ports[:1], ports[1:], [constant])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return str(path)


def model_folder(path):
    """A model that was never trained, as a model folder."""
    torch.manual_seed(16)  # weights that leave the signal where it is; many draws shift a periodic one
    experiment = ExperimentConfig.parse({"student": {"model": "dccrn", "width": 0.0625, "num_layers": 4}})
    weights = build_student(experiment.student).state_dict()
    write_model_folder(path, experiment, weights, {}, noisy={}, epochs=0, origin={})
    return str(path)


def estimates(path, corpus):
    """The training mixtures themselves, as files named after them."""
    mixtures = Signals(ExperimentConfig.parse(config(corpus, {})), needs_teacher=False).shard(0).mixtures
    for index, name in enumerate(mixtures.names):
        write_audio(path / f"{name}.wav", mixtures.render(index)[0])
    return str(path)


def test_files_folders_and_ensembles_teach(own_ray, corpus, tmp_path):
    half, full = gain_file(tmp_path / "half.onnx", 0.5), gain_file(tmp_path / "full.onnx", 1.0)
    members = [{"checkpoint": half}, {"checkpoint": full}]
    teachers = {
        "onnx": {"checkpoint": half},
        "folder": {"checkpoint": model_folder(tmp_path / "model")},
        "wavs": {"estimates": estimates(tmp_path / "wavs", corpus)},
        "mean": {"ensemble": {"members": members}},
        "by-snr": {"ensemble": {"members": members, "combine": "by_snr", "snr_db": [5]}},
        **{name: {"checkpoint": name} for name in shipped_names()},
    }
    told = {name: sweep(tmp_path / "runs" / name, corpus, block) for name, block in teachers.items()}
    assert {name: front.trials["COMPLETE"] for name, front in told.items()} == dict.fromkeys(teachers, 1)
    named = {name: [model.name for model in front.references] for name, front in told.items()}
    assert named["onnx"] == ["noisy input", "half"] and named["mean"] == ["noisy input", "mean of half, full"]
    assert named["wavs"] == ["noisy input"]  # it knows nothing of the validation mixtures
    assert {name: named[name][1:] for name in shipped_names()} == {name: [name] for name in shipped_names()}


def test_public_models_teach_and_are_compared_with(own_ray, corpus, tmp_path, capsys):
    for name in PUBLIC_MODELS:
        require_public(name)
    folder = tmp_path / "runs" / "public"
    front = sweep(folder, corpus, {"pretrained": "dtln"}, "teacher.pretrained", PUBLIC_MODELS)
    assert front.trials["COMPLETE"] == len(PUBLIC_MODELS)
    assert [model.name for model in front.references] == ["noisy input", "dtln"]
    assert run(["front", "references", str(folder), "gtcrn"]) == 0
    assert "gtcrn  val/pesq_wb" in capsys.readouterr().out
    after = load_front(folder)
    assert [model.name for model in after.references] == ["noisy input", "dtln", "gtcrn"]
    assert after.references[2].values["model/params"] == 23_669
    assert (after.points, after.hypervolume) == (front.points, front.hypervolume)
    assert "gtcrn" in (folder / "front/front.html").read_text()
