"""Small model folders of every architecture, with the statistics of a training; files of them, each made once."""

from functools import cache

import pytest
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.export.onnx_file import export_streaming, export_whole
from dfkd_core.export.sherpa_onnx import export_sherpa_onnx
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import write_model_folder

STUDENTS = {
    "dccrn": {"model": "dccrn", "width": 0.0625, "num_layers": 4},
    "conv_tasnet": {
        "model": "conv_tasnet",
        "width": 0.0625,
        "causal": True,
        "num_blocks": 2,
        "num_repeats": 1,
        "window_samples": 256,
        "stride_samples": 128,
    },
    "wide conv_tasnet": {
        "model": "conv_tasnet",
        "causal": True,
        "num_blocks": 2,
        "num_repeats": 1,
        "window_samples": 256,
        "stride_samples": 128,
    },
    "gtcrn": {"model": "gtcrn", "channels": 8},
    "dccrn of whole windows": {
        "model": "dccrn",
        "width": 0.0625,
        "num_layers": 3,
        "n_fft": 256,
        "window_samples": 256,
        "hop_samples": 64,
    },
    "causal dccrn": {
        "model": "dccrn",
        "width": 0.0625,
        "num_layers": 3,
        "n_fft": 320,
        "window_samples": 320,
        "hop_samples": 160,
        "causal": True,
        "window": "hann_sqrt",
    },
    "wide causal dccrn": {
        "model": "dccrn",
        "width": 0.25,
        "num_layers": 4,
        "n_fft": 512,
        "window_samples": 512,
        "hop_samples": 256,
        "causal": True,
        "window": "hann_sqrt",
    },
    "dptnet": {"model": "dptnet", "width": 0.0625, "num_blocks": 1},
}


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory, tiny_corpus):
    """Where each one's folder lies, by name."""
    root, folders = tmp_path_factory.mktemp("models"), {}
    for name, fields in STUDENTS.items():
        torch.manual_seed(1)
        config = ExperimentConfig.parse(
            {
                "student": fields,
                "distillation": {"method": "none"},
                "provenance": {"sweep": "first", "trial": 7},
                "data": {"corpus": str(tiny_corpus), "segment_s": 0.5, "validation_clips": 4},
            }
        )
        model = build_student(config.student)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
        folders[name] = root / name
        told = {"noisy": {}, "epochs": 1, "origin": {"licences": ["CC0-1.0"], "data_hash": "d" * 64}}
        write_model_folder(folders[name], config, model.state_dict(), {}, **told)
    return folders


def kept(export, folders, place):
    """Exports a model by the name of its folder, once: the file, and what was reported of it."""

    @cache
    def file(name):
        path = place / f"{name}.onnx"
        return path, export(folders[name], path)

    return file


@pytest.fixture(scope="session")
def streaming_file(model_folders, tmp_path_factory):
    return kept(export_streaming, model_folders, tmp_path_factory.mktemp("streaming"))


@pytest.fixture(scope="session")
def whole_file(model_folders, tmp_path_factory):
    return kept(export_whole, model_folders, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def sherpa_file(model_folders, tmp_path_factory):
    return kept(export_sherpa_onnx, model_folders, tmp_path_factory.mktemp("sherpa"))
