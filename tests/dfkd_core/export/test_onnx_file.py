"""An exported file computes what the model computes, and says what it is."""

import json
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dfkd_core.enhance import enhance_path
from dfkd_core.errors import ConfigError, DFKDError
from dfkd_core.export import onnx_file, report
from dfkd_core.export.onnx_file import export_streaming, export_whole
from dfkd_core.live import Enhancer
from dfkd_core.live.onnx_core import OnnxCore
from dfkd_core.signal.audio import read_audio, write_audio
from dfkd_core.trained.model_folder import load_model, note_runtimes
from dfkd_core.trained.model_record import read_record
from sweeps.cli import run


@pytest.fixture(scope="module", params=["dccrn", "conv_tasnet", "gtcrn"])
def streaming(request, model_folders, streaming_file):
    """A model folder, its streaming file and what was reported of it."""
    return model_folders[request.param], *streaming_file(request.param)


def noise(num_samples, seed=3):
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def whole(folder, samples):
    with torch.inference_mode():
        return load_model(folder)[0](torch.from_numpy(samples)[None])[0].numpy()


def test_a_streaming_graph_equals_the_model_to_the_last_sample(streaming):
    folder, path, said = streaming
    enhancer, samples = Enhancer(OnnxCore(path)), noise(7_777)
    parts = [enhancer.process(samples[first : first + 300]) for first in range(0, len(samples), 300)]
    streamed = np.concatenate([*parts, enhancer.finish()])
    np.testing.assert_allclose(streamed, whole(folder, samples), atol=1e-5)
    assert said.difference <= 1e-5


def test_a_file_says_rate_framing_sizes_licence_and_where_it_comes_from(streaming):
    _, path, said = streaming
    told = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    assert told["sample_rate"] == "16000" and told["dfkd.licences"] == "CC0-1.0" and told["dfkd.data_hash"] == "d" * 64
    assert json.loads(told["dfkd.provenance"]) == {"sweep": "first", "trial": 7}
    assert float(told["dfkd.params"]) > 1000 and "hop_samples" in told["dfkd.framing"]
    assert said.latency_ms > 0 and said.state_bytes > 0 and said.real_time_factor > 0
    assert float(told["dfkd.latency_ms"]) == said.latency_ms and int(told["dfkd.states_bytes"]) == said.state_bytes
    assert float(told["dfkd.real_time_factor"]) == pytest.approx(said.real_time_factor, abs=1e-4)
    assert f"latency {said.latency_ms:.1f} ms" in str(said)


def test_the_opset_is_one_that_runtimes_take(streaming):
    assert onnx.load(streaming[1]).opset_import[0].version == 18


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lengths"), [("conv_tasnet", (333, 5_000, 16_001)), ("dptnet", (64_000,))])
def test_a_whole_signal_s_graph_equals_the_model_at_every_length(name, lengths, model_folders, whole_file, tmp_path):
    file, _ = whole_file(name)
    session = onnxruntime.InferenceSession(file)
    for length in lengths:
        (estimate,) = session.run(None, {"noisy": noise(length)[None]})
        np.testing.assert_allclose(estimate[0], whole(model_folders[name], noise(length)), atol=1e-5)
    write_audio(tmp_path / "noisy.wav", noise(70_000))
    (clean,) = enhance_path(file, tmp_path / "noisy.wav", tmp_path / "clean.wav")
    assert read_audio(clean).shape == (70_000,)


def test_a_student_on_spectra_is_exported_frame_by_frame(model_folders, tmp_path):
    with pytest.raises(ConfigError, match=r"works on spectra.*add --streaming"):
        export_whole(model_folders["dccrn"], tmp_path / "x.onnx")


def test_a_student_that_needs_the_whole_clip_does_not_stream(model_folders, tmp_path):
    with pytest.raises(ConfigError, match="whole clip"):
        export_streaming(model_folders["dptnet"], tmp_path / "x.onnx")


def test_a_graph_that_differs_from_the_model_is_not_left_behind(model_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(report.Streamed, "__call__", lambda self, noisy: 0.5 * noisy)
    with pytest.raises(DFKDError, match=r"must equal the model to 0.0001, but differs by .* on a voice of 1600"):
        export_streaming(model_folders["conv_tasnet"], tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_of_another_kind_is_no_stream(tiny_teacher):
    with pytest.raises(ConfigError, match="streaming graph"):
        OnnxCore(tiny_teacher)


def test_a_file_is_named_onnx(model_folders, tmp_path):
    with pytest.raises(ConfigError, match=r"ends in \.onnx"):
        export_streaming(model_folders["conv_tasnet"], tmp_path / "x.bin")


def test_a_streaming_file_enhances_like_the_model_s_folder(streaming, tmp_path):
    folder, path, _ = streaming
    write_audio(tmp_path / "noisy.wav", noise(9_000))
    for model, name in ((folder, "folder"), (path, "file")):
        list(enhance_path(model, tmp_path / "noisy.wav", tmp_path / f"{name}.wav"))
    ours, theirs = (read_audio(tmp_path / f"{name}.wav") for name in ("folder", "file"))
    np.testing.assert_allclose(theirs, ours, atol=2e-4)


def test_the_command_says_what_was_measured(model_folders, tmp_path, capsys):
    out = tmp_path / "x.onnx"
    assert run(["export-onnx", str(model_folders["conv_tasnet"]), "-o", str(out), "--streaming"]) == 0
    assert "streaming" in capsys.readouterr().out and out.is_file()
    assert run(["export-onnx", str(model_folders["dccrn"]), "-o", str(tmp_path / "y.onnx")]) == 2
    assert "add --streaming" in capsys.readouterr().err


def test_the_model_s_card_says_what_was_measured_and_how_it_is_used(streaming):
    folder, _, said = streaming
    card, record = (folder / "README.md").read_text(), read_record(folder)
    measured = record.runtimes["onnxruntime, streaming"]
    assert measured["bytes"] == said.num_bytes and measured["latency_ms"] == said.latency_ms
    assert "| onnxruntime, streaming |" in card and "| PyTorch, whole clips |" in card
    for line in ("--streaming", "Enhancer(model, config.data.level_dbfs)", "latency_ms", "state_bytes", "load_model("):
        assert line in card
    assert ("--runtime sherpa-onnx" in card) == (folder.name == "gtcrn")
    note_runtimes(folder, {"elsewhere": {"real_time_factor": 0.5}})
    assert read_record(folder).runtimes == {**record.runtimes, "elsewhere": {"real_time_factor": 0.5}}


def test_models_that_come_with_the_package_keep_their_cards(tmp_path, monkeypatch, model_folders):
    place = tmp_path / "shipped"
    shutil.copytree(model_folders["conv_tasnet"], place / "conv_tasnet")
    monkeypatch.setattr(onnx_file, "SHIPPED", place)
    card = (place / "conv_tasnet" / "README.md").read_bytes()
    export_streaming(place / "conv_tasnet", tmp_path / "x.onnx")
    assert (place / "conv_tasnet" / "README.md").read_bytes() == card


def test_an_opset_that_the_runtime_lacks_is_told_in_one_line(streaming, tmp_path, capsys):
    model = onnx.load(streaming[1])
    model.opset_import[0].version = 999
    onnx.save(model, tmp_path / "new.onnx")
    write_audio(tmp_path / "noisy.wav", noise(900))
    assert run(["enhance", str(tmp_path / "new.onnx"), str(tmp_path / "noisy.wav"), str(tmp_path / "clean.wav")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "new.onnx: must be of opset " in said
    assert "but is of opset 999; export it anew, or update onnxruntime" in said
