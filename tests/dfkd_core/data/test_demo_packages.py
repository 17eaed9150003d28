import io

import av
import numpy as np
import pytest
import soundfile

from dfkd_core.data.demo_packages import ABROAD, CREDITS, PACKAGES, decode_g722, riff_waves
from dfkd_core.errors import DataError

BY_NAME = {package.name: package for package in PACKAGES}


def write_g722(path, seconds):
    """Encode a tone as raw G.722, as the telephone prompts are."""
    tone = np.round(8000 * np.sin(2 * np.pi * 440 * np.arange(round(16_000 * seconds)) / 16_000)).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return tone


def test_g722_decodes_to_16_khz(tmp_path):
    tone = write_g722(tmp_path / "a.g722", 1.0)
    decoded = decode_g722(tmp_path / "a.g722")
    assert decoded.dtype == np.int16
    assert abs(len(decoded) - 16_000) <= 2
    spectrum = np.abs(np.fft.rfft(decoded[:16_000], 16_000))
    assert spectrum.argmax() == 440
    assert np.abs(decoded[2000:]).max() == pytest.approx(np.abs(tone).max(), rel=0.1)


def test_a_prompt_that_is_missing_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.g722: cannot be decoded"):
        decode_g722(tmp_path / "a.g722")


def wave(samples, rate_hz):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def test_waves_inside_a_larger_file_are_found_in_their_order():
    first, second = np.arange(100, dtype=np.int16), np.arange(50, dtype=np.int16)
    catalogue = b"index" + wave(first, 44_100) + b"\x00name RIFF of it\x00" + wave(second, 22_050) + b"tail"
    found = list(riff_waves(catalogue))
    np.testing.assert_array_equal(found[0][0], first)
    np.testing.assert_array_equal(found[1][0], second)
    assert [rate for _, rate in found] == [44_100, 22_050]


def test_prompts_over_two_seconds_are_speech_of_one_voice_and_silence_is_left_out(tmp_path):
    sounds = tmp_path / "usr/share/asterisk/sounds/fr_CA_f_June"
    for name, seconds in (("hello", 3), ("digits/1", 1), ("digits/long", 2.5), ("silence/5", 5)):
        write_g722(sounds / f"{name}.g722", seconds)
    clips = list(BY_NAME["asterisk-core-sounds-fr-g722"].clips(tmp_path))
    assert [(c.name, c.kind, c.split, c.label) for c in clips] == [
        ("digits-long", "clean", "valid", "june"),
        ("hello", "clean", "valid", "june"),
    ]


def test_effects_alternate_between_train_and_test_and_a_repeat_is_dropped(tmp_path):
    rng = np.random.default_rng(0)
    long = [rng.integers(-9000, 9000, 16_000).astype(np.int16) for _ in range(4)]
    sounds = [long[0], long[1], long[0][:4000], long[2], long[1], long[3]]
    folder = tmp_path / "usr/share/games/openttd/baseset/opensfx"
    folder.mkdir(parents=True)
    (folder / "opensfx.cat").write_bytes(b"".join(wave(s, 8_000) for s in sounds))
    clips = list(BY_NAME["openttd-opensfx"].clips(tmp_path))
    assert [(c.name, c.split) for c in clips] == [
        ("effect-00", "train"),
        ("effect-01", "test"),
        ("effect-03", "test"),
        ("effect-05", "test"),
    ]


def test_music_is_split_by_track_and_another_number_of_tracks_is_refused(tmp_path):
    folder = tmp_path / "usr/share/asterisk/moh"
    for n in range(5):
        write_g722(folder / f"track{n}.g722", 0.1)
    music = BY_NAME["asterisk-moh-opsound-g722"]
    assert [c.split for c in music.clips(tmp_path)] == ["train", "train", "train", "valid", "test"]
    (folder / "track5.g722").write_bytes(b"")
    with pytest.raises(DataError, match="must hold 5 tracks, but holds 6"):
        list(music.clips(tmp_path))


def test_every_package_has_a_known_hash_a_licence_and_credits():
    for package in (*PACKAGES, *ABROAD):
        assert len(package.sha256) == 64
        assert package.licence in CREDITS
        assert package.name.removesuffix("-g722").removeprefix("asterisk-core-sounds") in CREDITS


def test_the_corpus_abroad_speaks_in_short_prompts_and_makes_its_noise_of_the_shortest(tmp_path):
    sounds = tmp_path / "usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU"
    for name, seconds in (("long", 3), ("a", 1.5), ("b", 1.2), ("c", 0.8), ("d", 0.7), ("digits/1", 0.5)):
        write_g722(sounds / f"{name}.g722", seconds)
    clips = {clip.name: clip for clip in ABROAD[0].clips(tmp_path)}
    assert sorted(clips) == ["a", "b", "babble", "speech-shaped"] and {c.split for c in clips.values()} == {"valid"}
    for family in ("babble", "speech-shaped"):
        noise = clips[family]
        assert (noise.kind, noise.label) == ("noise", family) and len(noise.samples) == 40 * 16_000
        assert 8_000 < np.abs(noise.samples.astype(int)).max() <= 16_384


def test_the_noise_abroad_is_the_same_whenever_it_is_made(tmp_path):
    sounds = tmp_path / "usr/share/asterisk/sounds/ru_RU_f_IvrvoiceRU"
    for number in range(4):
        write_g722(sounds / f"{number}.g722", 0.7 + 0.05 * number)
    first, second = (list(ABROAD[0].clips(tmp_path)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
