"""int8 makes a file smaller and says what it costs, or is refused."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from dfkd_core.enhance import enhance_path
from dfkd_core.errors import ConfigError
from dfkd_core.export.onnx_file import export_streaming
from dfkd_core.export.report import PesqLost, Streamed
from dfkd_core.export.sherpa_wheel import run_in_sherpa_onnx
from dfkd_core.live.frames import SpectralFrames
from dfkd_core.live.onnx_core import OnnxCore
from dfkd_core.signal.audio import info, write_audio
from sweeps.cli import run


@pytest.fixture(autouse=True)
def cache(tiny_cache, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tiny_cache))


def test_int8_is_smaller_and_its_loss_on_the_validation_clips_is_told(model_folders, tmp_path, capsys):
    floats = export_streaming(model_folders["wide conv_tasnet"], tmp_path / "floats.onnx")
    out = tmp_path / "int8.onnx"
    assert run(["export-onnx", str(model_folders["wide conv_tasnet"]), "-o", str(out), "--streaming", "--int8"]) == 0
    assert out.stat().st_size < 0.7 * floats.num_bytes
    told = {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    said = capsys.readouterr().out
    assert f"PESQ-WB {float(told['dfkd.pesq_wb']):.3f} on 4 validation clips" in said and "streaming, int8" in said
    assert abs(float(told["dfkd.pesq_wb"]) - float(told["dfkd.pesq_wb_float"])) < 0.2
    write_audio(tmp_path / "noisy.wav", np.zeros(4_000, np.float32))
    assert [info(path).num_frames for path in enhance_path(out, tmp_path / "noisy.wav", tmp_path / "clean.wav")]


def test_int8_runs_inside_sherpa_onnx_and_its_loss_is_told(model_folders, tmp_path, capsys):
    folder, out = model_folders["wide causal dccrn"], tmp_path / "int8.onnx"
    assert run(["export-onnx", str(folder), "-o", str(out), "--runtime", "sherpa-onnx", "--int8"]) == 0
    said, told = capsys.readouterr().out, {prop.key: prop.value for prop in onnx.load(out).metadata_props}
    assert "sherpa-onnx (offline and online), int8" in said and "on 4 validation clips" in said
    kinds = {node.op_type for node in onnx.load(out).graph.node}
    assert kinds & {"DynamicQuantizeLSTM", "MatMulInteger", "ConvInteger"}
    noisy = (0.1 * np.random.default_rng(0).standard_normal(3_072)).astype(np.float32)
    theirs, _ = run_in_sherpa_onnx(out, noisy, 160)
    core = OnnxCore(out)
    core.frames = SpectralFrames(replace(core.frames.framing, ends="zeros"))
    np.testing.assert_allclose(theirs, Streamed(core)(noisy), atol=1e-4)
    assert float(told["dfkd.sherpa_onnx_real_time_factor"]) > 0 and "dfkd.pesq_wb_float" in told


def test_int8_that_saves_nothing_is_refused(model_folders, tmp_path):
    with pytest.raises(ConfigError, match=r"--int8: would make the file larger .*; leave it out"):
        export_streaming(model_folders["gtcrn"], tmp_path / "x.onnx", int8=True)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_beyond_the_mark_is_said_to_be_one():
    assert str(PesqLost(2.0, 1.9, 40)).endswith("(+0.100 lost, more than 0.02: think twice)")
    assert str(PesqLost(2.0, 1.99, 40)).endswith("(+0.010 lost)")
