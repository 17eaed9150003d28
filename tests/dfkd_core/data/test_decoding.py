import subprocess
import sys

import numpy as np
import pytest
import soundfile

from dfkd_core.data import decoding
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.decoding import _batches, decode, quantised
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.errors import DataError

SIDE_BY_SIDE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from dfkd_core.data.decoding import decode
with ThreadPoolExecutor(4) as pool:
    print(*(len(d.samples) for d in pool.map(decode, Path(sys.argv[1]).iterdir())))
"""


def test_16_bit_sources_are_kept_bit_for_bit(tmp_path):
    source = np.random.default_rng(0).integers(-32768, 32768, 4000).astype(np.int16)
    source[0] = -32768
    soundfile.write(tmp_path / "a.flac", source, 16_000, subtype="PCM_16")
    decoded = decode(tmp_path / "a.flac")
    np.testing.assert_array_equal(decoded.samples * (decoded.step * 32768), source)


@pytest.mark.parametrize("damage", ["cut", "flipped", "blank"])
def test_a_flac_file_that_is_damaged_in_its_middle_is_named(tmp_path, damage):
    path, source = tmp_path / "a.flac", np.random.default_rng(0).integers(-9000, 9000, 80_000).astype(np.int16)
    soundfile.write(path, source, 16_000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    if damage == "cut":
        del content[middle:]
    elif damage == "flipped":
        content[middle] ^= 0xFF
    else:
        content[middle : middle + 400] = bytes(400)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.flac: cannot be read as audio \(.+\); repair or remove it"):
        decode(path)


def test_an_impulse_response_is_that_of_one_microphone(tmp_path):
    channels = np.random.default_rng(0).integers(-9000, 9000, (4000, 2)).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", channels, 16_000, subtype="PCM_16")
    decoded = decode(tmp_path / "a.wav", first_channel=True)
    np.testing.assert_array_equal(decoded.samples * (decoded.step * 32768), channels[:, 0])
    assert decoded.sha256 == decode(tmp_path / "a.wav").sha256


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_long_file_is_decoded_in_blocks_to_the_same_signal(tmp_path, monkeypatch, rate):
    source = np.random.default_rng(0).uniform(-0.5, 0.5, (round(130.7 * rate), 2))
    soundfile.write(tmp_path / "a.flac", source, rate, subtype="PCM_24")
    whole = decode(tmp_path / "a.flac")
    monkeypatch.setattr(decoding, "LONG_S", 1)
    in_blocks = decode(tmp_path / "a.flac")
    assert len(in_blocks.samples) == len(whole.samples) and in_blocks.step == whole.step
    assert np.abs(in_blocks.samples.astype(int) - whole.samples).max() <= 1
    np.testing.assert_array_equal(in_blocks.active, whole.active)


def test_long_files_are_not_decoded_side_by_side():
    clips = [Clip(str(n), "clean", "train", "p1", "", seconds) for n, seconds in enumerate([400, 100, 400, 7000, 5])]
    assert [[clip.path for clip in batch] for batch in _batches(clips)] == [["0", "1"], ["2"], ["3"], ["4"]]
    assert max(map(len, _batches([Clip("a", "clean", "train", "p1", "", 1.0)] * 300))) == 64


def test_files_at_other_rates_decode_side_by_side_in_a_fresh_process(tmp_path):
    for n in range(4):
        soundfile.write(tmp_path / f"{n}.wav", np.full(4800, 0.1), 48_000)
    command = [sys.executable, "-c", SIDE_BY_SIDE, str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == ["1600"] * 4


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


# --- clips that are not as they seem ----------------------------------------------------------------------


def hum(seconds=1.0, rate=16_000, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * rate)).astype(np.float32)


@pytest.mark.parametrize("offset", [0.2, -0.05])
def test_an_offset_is_taken_out_before_anything_is_measured(tmp_path, offset):
    for name, signal in (("plain", hum() - hum().mean()), ("shifted", hum() - hum().mean() + offset)):
        soundfile.write(tmp_path / f"{name}.wav", signal, 16_000, subtype="FLOAT")
    plain, shifted = (decode(tmp_path / f"{name}.wav") for name in ("plain", "shifted"))
    np.testing.assert_allclose(shifted.samples * shifted.step, plain.samples * plain.step, atol=1e-4)
    assert (plain.notes, shifted.notes) == ((), ("offset",)) and plain.sha256 != shifted.sha256


def test_an_impulse_response_keeps_its_mean(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.abs(hum()), 16_000, subtype="FLOAT")
    assert decode(tmp_path / "a.wav", first_channel=True).notes == ()


@pytest.mark.parametrize("value", [0.25, 0.0, -1.0])
def test_a_constant_is_silence(tmp_path, value):
    soundfile.write(tmp_path / "a.wav", np.full(16_000, value), 16_000)
    decoded = decode(tmp_path / "a.wav")
    assert "silent" in decoded.notes and not decoded.samples.any() and not decoded.active.any()


@pytest.mark.parametrize("long_s", [600, 0.5])
def test_channels_of_opposite_phase_do_not_cancel(tmp_path, monkeypatch, long_s):
    monkeypatch.setattr(decoding, "LONG_S", long_s)
    soundfile.write(tmp_path / "a.wav", np.stack([hum(), -0.99 * hum()], axis=1), 16_000, subtype="FLOAT")
    decoded = decode(tmp_path / "a.wav")
    np.testing.assert_allclose(decoded.samples * decoded.step, hum(), atol=1e-4)
    assert decoded.notes == ("opposite",)


@pytest.mark.parametrize("gain", [30.0, 32768.0])
def test_floats_over_full_scale_are_kept_and_told(tmp_path, gain):
    soundfile.write(tmp_path / "a.wav", np.float32(gain) * hum(), 16_000, subtype="FLOAT")
    decoded = decode(tmp_path / "a.wav")
    np.testing.assert_allclose(decoded.samples * decoded.step / gain, hum(), atol=1e-4)
    assert decoded.notes == ("loud",)


@pytest.mark.parametrize(("rate", "is_narrow"), [(8_000, True), (16_000, False), (44_100, False), (11_025, False)])
def test_speech_that_ends_at_4_khz_is_found(tmp_path, rate, is_narrow):
    from dfkd_core.signal.resampling import resample

    wide = resample(hum(2.0, rate), rate, 16_000)
    soundfile.write(tmp_path / "a.wav", 0.3 * wide, 16_000)  # in 16 bits, whose noise has every frequency
    assert decoding.ends_at_4_khz(decode(tmp_path / "a.wav").samples) is is_narrow


def test_what_is_not_as_it_seems_is_counted_once_with_a_name(tmp_path, caplog):
    signals = {
        "clean/a_1": hum(seed=1),
        "clean/b_1": hum(seed=2),
        "noise/off_1": np.full(16_000, 0.2),
        "noise/n_1": hum(seed=3) + 0.5,
    }
    clips = []
    for path, signal in signals.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / f"{path}.wav", signal, 16_000, subtype="FLOAT")
        clips.append(Clip(f"{path}.wav", path.partition("/")[0], "train", path, "", 1.0))
    part = AudioStore.open(manifest_of(tmp_path, clips)).part("train")
    assert (
        "1 of 4 clips are silence throughout, or one constant, and are left out, such as noise/off_1.wav" in caplog.text
    )
    assert "clips have an offset, which is taken out, such as noise/n_1.wav" in caplog.text
    assert [part.clips[i].path for i in part.of_kind("noise")] == ["noise/n_1.wav"]
