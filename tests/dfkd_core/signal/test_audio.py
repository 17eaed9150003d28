import logging

import numpy as np
import pytest
import soundfile

from dfkd_core.errors import DataError
from dfkd_core.signal import audio
from dfkd_core.signal.audio import info, mono, read_audio, read_channels, resample, write_audio


def sine(hz, seconds=1.0, rate=16_000):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_resampling_keeps_a_sine_in_frequency_amplitude_and_phase(rate):
    out = resample(sine(1000, rate=rate), rate, 16_000)
    assert len(out) == 16_000
    np.testing.assert_allclose(out[800:-800], sine(1000)[800:-800], atol=1e-3)


def test_resampling_removes_what_the_lower_rate_cannot_hold():
    aliased = resample(sine(11_000, rate=48_000), 48_000, 16_000)
    assert np.abs(aliased[800:-800]).max() < 1e-4


def test_a_rate_is_told_once(tmp_path, caplog):
    audio._tell_rate.cache_clear()
    soundfile.write(tmp_path / "a.wav", sine(440, rate=44_100), 44_100)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert len(read_audio(tmp_path / "a.wav")) == 16_000
    assert [record.getMessage() for record in caplog.records] == ["audio at 44100 Hz is resampled to 16000 Hz"]


def test_stereo_becomes_the_mean_of_its_channels(tmp_path):
    left, right = sine(300), sine(700)
    soundfile.write(tmp_path / "s.wav", np.stack([left, right], axis=1), 16_000, subtype="FLOAT")
    channels, rate = read_channels(tmp_path / "s.wav")
    assert (channels.shape, rate) == ((2, 16_000), 16_000)
    np.testing.assert_allclose(read_audio(tmp_path / "s.wav"), (left + right) / 2, atol=1e-7)
    np.testing.assert_array_equal(mono(channels, rate), read_audio(tmp_path / "s.wav"))


def test_24_bit_files_keep_more_than_16_bits(tmp_path):
    quiet = sine(500) * np.float32(1e-4)
    soundfile.write(tmp_path / "q.wav", quiet, 16_000, subtype="PCM_24")
    np.testing.assert_allclose(read_audio(tmp_path / "q.wav"), quiet, atol=2**-23)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_file_that_is_not_finite_is_named(tmp_path, value):
    samples = sine(500)
    samples[100] = value
    soundfile.write(tmp_path / "broken.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(DataError, match=r"broken\.wav.*NaN or infinity"):
        read_audio(tmp_path / "broken.wav")


def test_an_empty_file_is_named(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16_000)
    for read in (read_audio, info):
        with pytest.raises(DataError, match=r"empty\.wav.*holds no samples"):
            read(tmp_path / "empty.wav")


@pytest.mark.parametrize("content", [b"", b"no audio at all", None])
def test_an_unreadable_file_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "bad.flac"
    if content is not None:
        path.write_bytes(content)
    for read in (read_audio, info):
        with pytest.raises(DataError, match=r"bad\.flac: cannot be read as audio") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_header_says_seconds_rate_and_channels(tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros((12_000, 2)), 8_000)
    assert info(tmp_path / "s.wav")[:3] == (1.5, 8_000, 2)


def test_written_audio_reads_back_and_leaves_nothing_else(tmp_path):
    both = np.stack([sine(300), sine(700)])
    write_audio(tmp_path / "new" / "x.wav", both, 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(read_channels(tmp_path / "new" / "x.wav")[0], both)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.wav"]


def test_a_format_that_is_not_known_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match=r"x\.abc: cannot be written"):
        write_audio(tmp_path / "x.abc", sine(300))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 16_000), (44_100, 16_000), (8_000, 16_000), (16_000, 44_100)])
def test_a_signal_resampled_in_blocks_is_the_same_bit_for_bit(monkeypatch, from_hz, to_hz):
    samples = np.random.default_rng(0).normal(0, 0.1, (2, 3 * from_hz + 7)).astype(np.float32)
    whole = audio._resample_at_once(samples, from_hz, to_hz)
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 70)
    np.testing.assert_array_equal(audio.resample(samples, from_hz, to_hz), whole)
    pieces = np.split(samples[0], [100, 40_000 * from_hz // 48_000, 41_000 * from_hz // 48_000])
    streamed = np.concatenate(list(audio.resampled_blocks(pieces, from_hz, to_hz)))
    np.testing.assert_array_equal(streamed, whole[0])


def test_an_impulse_response_moves_and_scales_a_signal():
    samples = np.random.default_rng(0).normal(0, 0.1, 1000).astype(np.float32)
    heard = audio.convolve(samples, np.array([0, 0, 0.5], np.float32))
    assert len(heard) == 1002
    np.testing.assert_allclose(heard[2:], 0.5 * samples, atol=1e-7)
