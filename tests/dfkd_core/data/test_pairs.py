"""Pairs that are none: delayed, swapped, of two lengths."""

import numpy as np
import pytest

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.corpora import scan
from dfkd_core.data.pairs import pair_problem
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio


def voice(seed, seconds=4.0):
    """Syllables of a gliding harmonic tone, like no other's."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    pitch = np.cumsum(rng.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * time_s))) / 16_000
    tone = sum(np.sin(2 * np.pi * k * pitch + rng.uniform(0, 6)) / k for k in range(1, 20))
    return (0.1 * tone * np.clip(np.sin(2 * np.pi * rng.uniform(2, 4) * time_s) + 0.5, 0, None)).astype(np.float32)


def noise(seed, like, snr_db):
    sound = np.random.default_rng(100 + seed).standard_normal(len(like)).astype(np.float32)
    return sound * np.float32(np.sqrt(np.mean(like**2) / np.mean(sound**2)) * 10 ** (-snr_db / 20))


@pytest.mark.parametrize("snr_db", [20, 5, 0, -10])
@pytest.mark.parametrize("seed", range(4))
def test_a_pair_is_one_at_any_usual_snr(snr_db, seed):
    clean = voice(seed)
    assert pair_problem(clean, clean + noise(seed, clean, snr_db)) == ""


def test_level_sign_and_colour_do_not_make_it_another():
    clean = voice(0)
    for noisy in (0.01 * clean, -clean, np.convolve(clean, [1, 0.6, 0.2])[: len(clean)].astype(np.float32)):
        assert pair_problem(clean, noisy) == ""


@pytest.mark.parametrize("delay", [1105, 40, -300, 16_000])
@pytest.mark.parametrize("snr_db", [20, 0])
def test_a_delay_is_told_in_samples(delay, snr_db):
    clean = voice(1)
    moved = np.roll(clean, delay) + noise(1, clean, snr_db)
    verb = "lags behind" if delay > 0 else "leads"
    assert f"{verb} it by {abs(delay)} samples ({abs(delay) / 16:.1f} ms)" in pair_problem(clean, moved)


@pytest.mark.parametrize("seed", range(4))
def test_the_noisy_file_of_another_is_told(seed):
    clean, other = voice(seed), voice(seed + 10)
    assert pair_problem(clean, other + noise(seed, other, 10), "s1.wav").startswith("must ")


def test_silence_tells_nothing():
    assert pair_problem(np.zeros(64_000, np.float32), voice(0)) == ""
    assert pair_problem(np.full(64_000, 0.1, np.float32), np.full(64_000, 0.1, np.float32)) == ""


def plant(root, noisy_of, count=6):
    signals = [voice(k) for k in range(count)]
    for k, clean in enumerate(signals):
        write_audio(root / "clean" / f"s{k}_1.flac", clean)
        write_audio(
            root / "noisy" / f"s{k}_1.flac", noisy_of(k, lambda of, k=k: signals[of] + noise(k, signals[of], 10))
        )


def test_a_corpus_of_delayed_pairs_is_refused_with_the_delay(tmp_path):
    plant(tmp_path, lambda k, noisy: np.roll(noisy(k), 1105))
    with pytest.raises(DataError, match=r"6 of 6 .*noisy/s0_1\.flac: must be aligned .* by 1105 samples \(69\.1 ms\)"):
        scan(tmp_path)


def test_swapped_pairs_are_refused_and_one_of_many_is_named_and_left_out(tmp_path, caplog):
    plant(tmp_path / "six", lambda k, noisy: noisy(k ^ 1) if k < 2 else noisy(k))
    with pytest.raises(DataError, match="2 of 6 files"):
        scan(tmp_path / "six")
    plant(tmp_path / "many", lambda k, noisy: noisy((k + 1) % 105) if k == 7 else noisy(k), 105)
    assert len(scan(tmp_path / "many").clips) == 208
    assert "s7_1.flac: must " in caplog.text and "1 of 105 files" in caplog.text


def test_one_sample_short_is_trimmed_with_a_word(tmp_path):
    plant(tmp_path, lambda k, noisy: noisy(k)[:-1] if k == 3 else noisy(k))
    manifest = scan(tmp_path)
    assert any("the longer file is trimmed: clean/s3_1.flac" in note for note in manifest.notes)
    part = AudioStore.open(manifest).part(next(c.split for c in manifest.clips if c.stem == "s3_1"))
    frames = {(clip.kind, clip.stem): n for clip, n in zip(part.clips, part.num_frames, strict=True)}
    assert frames["clean", "s3_1"] == frames["noisy", "s3_1"] == 399


def test_a_pair_of_two_lengths_is_named(tmp_path):
    plant(tmp_path, lambda k, noisy: noisy(k)[:-3000] if k == 3 else noisy(k))
    with pytest.raises(DataError, match=r"s3_1\.flac: must be as long as s3_1\.flac, but has 61000 samples"):
        scan(tmp_path)
