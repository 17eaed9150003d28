import numpy as np
import pytest
import soundfile

from dfkd_core import enhance
from dfkd_core.enhance import enhance_path, enhanced_blocks
from dfkd_core.errors import CheckpointError, ConfigError, DataError
from dfkd_core.models import build_student
from dfkd_core.signal.audio import read_channels, write_audio
from dfkd_core.trained.model_folder import write_model_folder


def tone(seconds, rate, channels=1):
    time_s = np.arange(round(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * (300 + 200 * c) * time_s) for c in range(channels)]).astype(np.float32)


def run(model, source, target):
    return list(enhance_path(model, source, target, device="cpu"))


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (8000, 2), (44100, 2), (48000, 1)])
def test_the_output_keeps_rate_channels_and_length(tiny_teacher, tmp_path, rate, channels):
    signal = tone(0.7, rate, channels)
    write_audio(tmp_path / "in.wav", signal, rate)
    assert run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav") == [tmp_path / "out.wav"]
    clean, found_rate = read_channels(tmp_path / "out.wav")
    assert found_rate == rate and clean.shape == signal.shape
    inner = slice(rate // 20, -rate // 20)  # resampling rings at the ends
    np.testing.assert_allclose(clean[:, inner], 0.9 * signal[:, inner], atol=2e-3)


def test_each_channel_is_enhanced_by_itself(tiny_teacher, tmp_path):
    signal = tone(0.5, 16000, 2)
    signal[1] = 0
    write_audio(tmp_path / "in.wav", signal)
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert np.abs(read_channels(tmp_path / "out.wav")[0][1]).max() == 0


@pytest.mark.parametrize("num_samples", [1, 2, 100])
def test_very_short_files_come_through(tiny_teacher, tmp_path, num_samples):
    write_audio(tmp_path / "in.wav", np.full(num_samples, 0.25, np.float32))
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert read_channels(tmp_path / "out.wav")[0].shape == (1, num_samples)


@pytest.mark.parametrize("extra_samples", [-1, 0, 1, 16001, 64000])
def test_a_long_file_in_chunks_equals_the_whole_for_a_model_without_memory(
    tiny_teacher, tmp_path, monkeypatch, extra_samples
):
    monkeypatch.setattr(enhance, "CHUNK_S", 2)
    monkeypatch.setattr(enhance, "OVERLAP_S", 1)
    signal = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 16000 + extra_samples).astype(np.float32)
    write_audio(tmp_path / "in.wav", signal)
    longest = 0

    class Watched:
        def __call__(self, noisy, listed=()):
            nonlocal longest
            longest = max(longest, noisy.shape[-1])
            return noisy * np.float32(0.9)

    blocks = list(enhanced_blocks(Watched(), tmp_path / "in.wav"))
    np.testing.assert_allclose(np.concatenate(blocks, axis=1)[0], 0.9 * signal, atol=1e-4)
    assert longest <= 3 * 16000


def test_a_model_folder_enhances_too(experiment, tmp_path):
    student = build_student(experiment().student)
    write_model_folder(tmp_path / "m", experiment(), student.state_dict(), {}, noisy={}, epochs=0, origin={})
    write_audio(tmp_path / "in.wav", tone(0.5, 16000))
    run(tmp_path / "m", tmp_path / "in.wav", tmp_path / "out.wav")
    assert read_channels(tmp_path / "out.wav")[0].shape == (1, 8000)


def test_a_folder_goes_into_a_folder_of_the_same_shape(tiny_teacher, tmp_path):
    for name in ("a.wav", "sub/b.flac"):
        write_audio(tmp_path / "in" / name, tone(0.2, 16000))
    (tmp_path / "in" / "notes.txt").write_text("no audio")
    written = run(tiny_teacher, tmp_path / "in", tmp_path / "out")
    assert written == [tmp_path / "out" / "a.wav", tmp_path / "out" / "sub" / "b.flac"]


def test_a_file_into_an_existing_folder_keeps_its_name(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    (tmp_path / "out").mkdir()
    assert run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out") == [tmp_path / "out" / "in.wav"]


def test_the_sample_format_is_kept(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000), subtype="PCM_24")
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert soundfile.info(tmp_path / "out.wav").subtype == "PCM_24"


def test_wrong_input_is_told_and_nothing_is_written(tiny_teacher, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    (tmp_path / "empty").mkdir()
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    cases = [
        (tiny_teacher, "absent.wav", "out.wav", ConfigError, "no such place"),
        (tiny_teacher, "empty", "out", ConfigError, "must hold audio files"),
        (tiny_teacher, "in.wav", "in.wav", ConfigError, "would be overwritten"),
        (tiny_teacher, "broken.wav", "out.wav", DataError, "broken.wav"),
        (tmp_path / "absent.onnx", "in.wav", "out.wav", ConfigError, "existing ONNX file"),
        (tmp_path / "empty", "in.wav", "out.wav", CheckpointError, "model folder"),
    ]
    for model, source, target, kind, told in cases:
        with pytest.raises(kind, match=told):
            run(model, tmp_path / source, tmp_path / target)
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".in*"))
