"""sherpa-onnx runs a student of ours in its GTCRN slot, as our own streaming does."""

from dataclasses import replace

import numpy as np
import onnx
import pytest

from dfkd_core.enhance import enhance_path
from dfkd_core.errors import ConfigError, DFKDError
from dfkd_core.export import sherpa_onnx
from dfkd_core.export.report import Streamed
from dfkd_core.export.sherpa_onnx import export_sherpa_onnx
from dfkd_core.export.sherpa_wheel import run_in_sherpa_onnx
from dfkd_core.live import live_core
from dfkd_core.live.frames import SpectralFrames
from dfkd_core.signal.audio import read_audio, write_audio
from dfkd_core.trained.model_folder import load_model
from sweeps.cli import run


def noise(num_samples):
    return (0.1 * np.random.default_rng(5).standard_normal(num_samples)).astype(np.float32)


def streamed(folder, samples, ends):
    """Our own streaming, with what the runtime has outside a signal."""
    core = live_core(load_model(folder)[0])
    core.frames = SpectralFrames(replace(core.frames.framing, ends=ends))
    return Streamed(core)(samples)


def test_a_gtcrn_offline_is_ours_up_to_the_last_whole_hop(sherpa_file, model_folders):
    samples = noise(9_000)
    theirs, _ = run_in_sherpa_onnx(sherpa_file("gtcrn")[0], samples)
    assert len(theirs) == 9_000 // 256 * 256
    ours = streamed(model_folders["gtcrn"], samples, "mirrored")
    np.testing.assert_allclose(theirs, ours[: len(theirs)], atol=1e-5)


@pytest.mark.parametrize(("name", "chunk"), [("gtcrn", 37), ("gtcrn", 1_600), ("causal dccrn", 160)])
def test_online_is_ours_at_every_sample(sherpa_file, model_folders, name, chunk):
    samples = noise(32 * 320)  # whole hops of both
    theirs, _ = run_in_sherpa_onnx(sherpa_file(name)[0], samples, chunk)
    np.testing.assert_allclose(theirs, streamed(model_folders[name], samples, "zeros"), atol=1e-5)


def test_a_dccrn_offline_is_ours_as_late_as_its_decoder_looks_ahead(sherpa_file, model_folders):
    samples, shift = noise(8_192), 3 * 64
    file, report = sherpa_file("dccrn of whole windows")
    theirs, _ = run_in_sherpa_onnx(file, samples)
    ours = streamed(model_folders["dccrn of whole windows"], samples, "mirrored")
    np.testing.assert_allclose(theirs[shift + 256 : -256], ours[256 : -shift - 256], atol=1e-5)
    assert report.form == "sherpa-onnx (offline)" and report.latency_ms == (256 + shift) / 16


def test_the_file_says_what_the_slot_asks_for_and_what_was_measured_in_it(sherpa_file):
    file, report = sherpa_file("gtcrn")
    told = {prop.key: prop.value for prop in onnx.load(file).metadata_props}
    assert told["model_type"] == "gtcrn" and told["window_type"] == "hann_sqrt" and told["sample_rate"] == "16000"
    assert [told[key] for key in ("n_fft", "window_length", "hop_length")] == ["512", "512", "256"]
    assert report.state_bytes == 4 * int(told["conv_cache_shape"].split(",")[1])
    assert float(told["dfkd.sherpa_onnx_real_time_factor"]) == pytest.approx(report.wheel_factor, abs=1e-4)
    assert "inside sherpa-onnx" in str(report)


def test_a_file_for_sherpa_onnx_enhances_like_the_model_s_folder(sherpa_file, model_folders, tmp_path):
    write_audio(tmp_path / "noisy.wav", noise(9_000))
    for model, name in ((model_folders["gtcrn"], "folder"), (sherpa_file("gtcrn")[0], "file")):
        list(enhance_path(model, tmp_path / "noisy.wav", tmp_path / f"{name}.wav"))
    ours, theirs = (read_audio(tmp_path / f"{name}.wav") for name in ("folder", "file"))
    np.testing.assert_allclose(theirs, ours, atol=2e-4)


def test_framings_that_crash_the_runtime_and_students_without_spectra_are_refused(model_folders, tmp_path, capsys):
    arguments = ["export-onnx", str(model_folders["dccrn"]), "-o", str(tmp_path / "x.onnx"), "--runtime", "sherpa-onnx"]
    assert run(arguments) == 2
    assert "student.window_samples: must be n_fft (512) for sherpa-onnx, but is 400" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"student\.model: must work on spectra"):
        export_sherpa_onnx(model_folders["conv_tasnet"], tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_wheel_runs_otherwise_is_not_left_behind(model_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(sherpa_onnx, "run_in_sherpa_onnx", lambda file, noisy, chunk: (0.5 * noisy, 0.1))
    with pytest.raises(DFKDError, match=r"must equal our streaming to 0.001 in sherpa-onnx offline, but differs by"):
        export_sherpa_onnx(model_folders["causal dccrn"], tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_wheel_the_file_is_checked_in_onnxruntime_alone(model_folders, tmp_path, monkeypatch):
    monkeypatch.setattr(sherpa_onnx, "has_sherpa_onnx", lambda: False)
    report = export_sherpa_onnx(model_folders["causal dccrn"], tmp_path / "x.onnx")
    assert report.wheel_factor is None and "not run in sherpa-onnx itself" in str(report)


def test_a_file_on_which_the_wheel_ends_is_told_in_one_line(tiny_teacher):
    with pytest.raises(DFKDError, match=r"gain.onnx: must run in sherpa-onnx, but it ended with status"):
        run_in_sherpa_onnx(tiny_teacher, noise(512))
