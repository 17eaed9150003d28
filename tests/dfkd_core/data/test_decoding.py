import numpy as np
import pytest
import soundfile

from dfkd_core.data.decoding import decode, quantised


def test_16_bit_sources_are_kept_bit_for_bit(tmp_path):
    source = np.random.default_rng(0).integers(-32768, 32768, 4000).astype(np.int16)
    source[0] = -32768
    soundfile.write(tmp_path / "a.flac", source, 16_000, subtype="PCM_16")
    decoded = decode(tmp_path / "a.flac")
    np.testing.assert_array_equal(decoded.samples * (decoded.step * 32768), source)


@pytest.mark.parametrize("gain", [1e-4, 0.03, 1.0, 3.7])
def test_any_level_keeps_90_db_under_its_own_peak(gain):
    samples = (gain * np.random.default_rng(1).uniform(-1, 1, 4000)).astype(np.float32)
    integers, step = quantised(samples)
    error = integers * np.float64(step) - samples
    assert 20 * np.log10(np.abs(samples).max() / np.sqrt(np.mean(error**2))) > 90


def test_silence_stays_silence():
    integers, step = quantised(np.zeros(100, np.float32))
    assert not integers.any()
    assert step > 0


def test_the_hash_is_of_the_signal_and_not_of_its_container(tmp_path):
    source = np.random.default_rng(0).integers(-9000, 9000, 4000).astype(np.int16)
    for name in ("a.flac", "a.wav"):
        soundfile.write(tmp_path / name, source, 16_000, subtype="PCM_16")
    soundfile.write(tmp_path / "b.wav", source[::-1], 16_000, subtype="PCM_16")
    assert decode(tmp_path / "a.flac").sha256 == decode(tmp_path / "a.wav").sha256
    assert decode(tmp_path / "b.wav").sha256 != decode(tmp_path / "a.wav").sha256
