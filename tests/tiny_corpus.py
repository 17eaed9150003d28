"""A corpus and a teacher small enough to train on in a second."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from dfkd_core.data.manifest import Clip, manifest_of, write_manifest
from dfkd_core.signal.audio import write_audio

RATE = 16_000


def write_corpus(root, first=0):
    """Two speakers and two noise families in every split, of signals from `first` on; returns the manifest's path."""
    clips = []
    for seed, split in enumerate(("train", "valid", "test")):
        for number in range(2):
            for kind, signal in (("clean", talking), ("noise", hissing)):
                path, seconds = f"{kind}/{split}{number}.wav", 9.0
                # voices come round after seven: these are six of them
                write_audio(root / path, signal(seconds, first + 10 * seed + number * (3 if split == "test" else 1)))
                clips.append(Clip(path, kind, split, f"{split}-{kind}{number}", "CC0-1.0", seconds))
    write_manifest(manifest_of(root, clips), root / "manifest.csv")
    return root / "manifest.csv"


def write_teacher(path, gain=0.9):
    """An ONNX file that returns its input times `gain`."""
    ports = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"]) for name in ("noisy", "estimate")
    ]
    factor = onnx.numpy_helper.from_array(np.float32(gain), "gain")
    node = helper.make_node("Mul", ["noisy", "gain"], ["estimate"])
    graph = helper.make_graph([node], "gain", ports[:1], ports[1:], [factor])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def experiment(corpus, teacher):
    """The mapping of an experiment config on them."""
    return {
        "student": {"model": "dccrn", "width": 0.0625, "num_layers": 4},
        "teacher": {"checkpoint": str(teacher)},
        "distillation": {"method": "dfkd", "weighting": "dynamic"},
        "optimizer": {"learning_rate": 3e-3},
        "training": {"epochs": 3, "batch_size": 4, "ema_decay": 0.9, "device": "cpu"},
        "data": {"corpus": str(corpus), "segment_s": 0.5, "train_hours": 6 / 3600, "validation_clips": 4},
    }


def talking(seconds, seed):
    """A gliding harmonic tone in bursts of 0.8 s, (time,)."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    pitch = 2 * np.pi * (120 + 15 * (seed % 7)) * (time_s + 0.02 * np.sin(2 * np.pi * time_s))
    voice = sum(np.sin(k * pitch) / k for k in range(1, 25))
    return (0.1 * voice * (time_s % 1.0 < 0.8)).astype(np.float32)


def hissing(seconds, seed):
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE)).astype(np.float32)
