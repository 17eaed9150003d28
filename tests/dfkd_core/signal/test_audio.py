import errno
import logging
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile

from dfkd_core.errors import DataError
from dfkd_core.signal import audio
from dfkd_core.signal.audio import info, mono, read_audio, read_blocks, read_channels, write_audio, write_blocks


def sine(hz, seconds=1.0, rate=16_000):
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


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


@pytest.mark.parametrize(
    ("name", "content", "lack"),
    [
        ("a.raw", bytes(3000), "samplerate must be specified"),
        ("page.mp3", b"<html>not found</html>", "Format not recognised"),
        ("pointer.wav", b"version https://git-lfs.github.com/spec/v1", "Format not recognised"),
        ("picture.wav", b"\x89PNG\r\n\x1a\n" + bytes(100), "Format not recognised"),
        ("zeros.flac", bytes(5000), "Format not recognised"),
    ],
)
def test_what_is_no_audio_whatever_its_suffix_is_named_with_what_it_lacks(tmp_path, name, content, lack):
    (tmp_path / name).write_bytes(content)
    for read in (read_audio, info):
        with pytest.raises(DataError, match=rf"{name}: cannot be read as audio \({lack}\); repair or remove it"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("place", "value", "told"), [(24, 0, "SF_INFO struct incomplete"), (24, 2**31 - 1, "a rate of at most")]
)
def test_a_header_that_cannot_be_true_is_told_and_fills_no_memory(tmp_path, place, value, told):
    soundfile.write(tmp_path / "a.wav", sine(300), 16_000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[place : place + 4] = struct.pack("<I", value)
    (tmp_path / "a.wav").write_bytes(content)
    for read in (read_audio, info):
        with pytest.raises(DataError, match=rf"a\.wav: .*{told}"):
            read(tmp_path / "a.wav")


def test_header_says_seconds_rate_and_channels(tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros((12_000, 2)), 8_000)
    assert info(tmp_path / "s.wav")[:4] == (1.5, 8_000, 2, 12_000)


def test_written_audio_reads_back_and_leaves_nothing_else(tmp_path):
    both = np.stack([sine(300), sine(700)])
    write_audio(tmp_path / "new" / "x.wav", both, 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(read_channels(tmp_path / "new" / "x.wav")[0], both)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["x.wav"]


def test_a_format_that_is_not_known_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match=r"x\.abc: cannot be written"):
        write_audio(tmp_path / "x.abc", sine(300))
    assert not list(tmp_path.iterdir())


# --- what libsndfile cannot read --------------------------------------------------------------------------


def unclosed(path, **options):
    """A WAV whose recorder died before it wrote the length."""
    soundfile.write(path, sine(500, 0.5), 16_000, **options)
    content = bytearray(path.read_bytes())
    place = content.find(b"data") + 4
    content[place : place + 4] = bytes(4)
    path.write_bytes(content)


def piped(path):
    """A FLAC that was written to a pipe: no length, no checksum in its header."""
    soundfile.write(path, sine(500, 0.5), 16_000)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)


def through_ffmpeg(path, codec, form):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16_000, layout="mono", format=form)
        samples = (sine(500, 0.5) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 16_000
        even = av.AudioResampler(form, "mono", 16_000, stream.codec_context.frame_size)
        for part in [*even.resample(frame), *even.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def ordinary(rate=16_000, **options):
    return lambda path: soundfile.write(path, sine(500, 0.5, rate), rate, **options)


def renamed(make, suffix):
    """A file whose suffix tells another format than it has."""
    return lambda path: make(path.with_suffix(suffix)) or path.with_suffix(suffix).rename(path)


@pytest.mark.parametrize(
    ("name", "make", "exact"),
    [
        ("unclosed.wav", unclosed, True),
        ("unclosed_24.wav", lambda path: unclosed(path, subtype="PCM_24"), True),
        ("unclosed_float.wav", lambda path: unclosed(path, subtype="FLOAT"), True),
        ("pipe.flac", piped, True),
        ("gsm.wav", ordinary(8_000, subtype="GSM610"), False),
        ("g721.wav", ordinary(8_000, subtype="G721_32"), False),
        ("ima.wav", ordinary(subtype="IMA_ADPCM"), False),
        ("ms.wav", ordinary(subtype="MS_ADPCM"), False),
        ("alaw.wav", ordinary(subtype="ALAW"), False),
        ("a.m4a", lambda path: through_ffmpeg(path, "aac", "fltp"), False),
        ("a.mka", lambda path: through_ffmpeg(path, "pcm_s16le", "s16"), True),
        ("a.wv", lambda path: through_ffmpeg(path, "wavpack", "s16p"), True),
        ("wavpack_inside.wav", renamed(lambda path: through_ffmpeg(path, "wavpack", "s16p"), ".wv"), True),
        ("aac_inside.mp3", renamed(lambda path: through_ffmpeg(path, "aac", "fltp"), ".m4a"), False),
        ("ogg_inside.wav", ordinary(format="OGG"), False),
        ("a.w64", ordinary(), True),
        ("a.sph", ordinary(format="NIST"), True),
    ],
)
def test_what_another_decoder_knows_is_read(tmp_path, name, make, exact):
    path = tmp_path / name
    make(path)
    channels, rate = read_channels(path)
    expected = sine(500, 0.5, rate)
    if exact:
        np.testing.assert_allclose(channels[0], expected, atol=1e-4)
    else:  # codecs have frames of their own, and round as they think best
        assert 0 <= channels.shape[1] - len(expected) < 0.15 * rate
        spectrum = np.abs(np.fft.rfft(channels[0, : len(expected)])) ** 2
        assert spectrum.argmax() == 250 and spectrum[240:260].sum() > 0.5 * spectrum.sum()
    header = info(path)
    assert (header.rate_hz, header.num_channels, header.num_frames) == (rate, 1, channels.shape[1])
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(path, 777)), axis=1), channels)


def test_a_damaged_stream_is_not_guessed_at_by_the_other_decoder(tmp_path):
    piped(tmp_path / "pipe.flac")
    content = bytearray((tmp_path / "pipe.flac").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "pipe.flac").write_bytes(content)
    with pytest.raises(DataError, match=r"pipe\.flac: cannot be read as audio"):
        read_channels(tmp_path / "pipe.flac")


def test_a_pipe_and_a_folder_in_place_of_a_file_keep_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").mkdir()
    for name, what in (("a.wav", "pipe"), ("b.wav", "folder")):
        for read in (read_audio, info):
            with pytest.raises(DataError, match=f"must be a file, but is a {what}"):
                read(tmp_path / name)


def test_a_name_that_is_no_utf_8_is_a_name(tmp_path):
    path = tmp_path / os.fsdecode(b"\xe9t\xe9.wav")
    write_audio(path, sine(300))
    assert len(read_audio(path)) == 16_000
    assert [os.fsencode(p.name) for p in tmp_path.iterdir()] == [b"\xe9t\xe9.wav"]


# --- what is written is what was read ---------------------------------------------------------------------


def copied(source, target):
    write_blocks(target, read_blocks(source, 1000), like=source)
    return soundfile.info(target)


@pytest.mark.parametrize(
    "suffix",
    [".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64", ".rf64", ".sph"],
)
def test_every_suffix_that_is_said_to_be_written_is(tmp_path, suffix):
    soundfile.write(tmp_path / "a.wav", sine(440), 16_000)
    copied(tmp_path / "a.wav", tmp_path / f"b{suffix}")
    again = copied(tmp_path / f"b{suffix}", tmp_path / f"c{suffix}")
    first = soundfile.info(tmp_path / f"b{suffix}")
    assert (again.format, again.subtype, again.samplerate) == (first.format, first.subtype, 16_000)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.wav", f"b{suffix}", f"c{suffix}"]


@pytest.mark.parametrize(
    ("source", "subtype", "target", "expected"),
    [
        ("a.wav", "PCM_24", "b.wav", ("WAV", "PCM_24")),
        ("a.wav", "FLOAT", "b.wav", ("WAV", "FLOAT")),
        ("a.wav", "FLOAT", "b.w64", ("W64", "FLOAT")),
        ("a.wav", "FLOAT", "b.flac", ("FLAC", "PCM_24")),
        ("a.flac", "PCM_24", "b.wav", ("WAV", "PCM_24")),
        ("a.ogg", "VORBIS", "b.wav", ("WAV", "PCM_16")),
        ("a.wav", "ULAW", "b.wav", ("WAV", "ULAW")),
        ("a.wav", "ULAW", "b.flac", ("FLAC", "PCM_16")),
    ],
)
def test_the_encoding_is_kept_as_far_as_the_container_has_it(tmp_path, source, subtype, target, expected):
    soundfile.write(tmp_path / source, sine(440), 16_000, subtype=subtype)
    found = copied(tmp_path / source, tmp_path / target)
    assert (found.format, found.subtype) == expected


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_tags_are_kept(tmp_path, suffix):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    with soundfile.SoundFile(source, "w", 16_000, 1) as file:
        file.title, file.artist = "Interview 7", "Ænne"
        file.write(sine(440))
    copied(source, target)
    with soundfile.SoundFile(target) as file:
        assert (file.title, file.artist) == ("Interview 7", "Ænne")


@pytest.mark.parametrize("mask", [0x3, 0x603, 0xC])
def test_the_loudspeakers_of_channels_are_kept(tmp_path, mask):
    source, target = tmp_path / "a.wav", tmp_path / "b.wav"
    soundfile.write(source, np.stack([sine(300)] * mask.bit_count(), axis=1), 16_000, format="WAVEX")
    content = bytearray(source.read_bytes())
    content[40:44] = struct.pack("<I", mask)
    source.write_bytes(content)
    assert copied(source, target).format == "WAVEX"
    assert target.read_bytes()[40:44] == struct.pack("<I", mask)


def test_what_is_too_long_for_a_wav_becomes_rf64(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", sine(440), 16_000)
    for table in (audio.LARGEST_BYTES, audio.encoding_for.__globals__["LARGEST_BYTES"]):
        monkeypatch.setitem(table, "WAV", 20_000)
    assert copied(tmp_path / "a.wav", tmp_path / "b.wav").format == "RF64"
    assert soundfile.info(tmp_path / "b.wav").frames == 16_000


def test_a_file_that_grows_over_what_its_header_tells_is_refused(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", sine(440, 0.1), 16_000)
    monkeypatch.setitem(audio.LARGEST_BYTES, "WAV", 20_000)
    with pytest.raises(DataError, match=r"b\.wav: grows over what its header can tell"):
        write_blocks(tmp_path / "b.wav", [sine(440)[None]] * 3, like=tmp_path / "a.wav")
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_integers_are_cut_with_a_word_and_floats_are_kept(tmp_path, caplog):
    loud = 3 * sine(440)
    soundfile.write(tmp_path / "a.wav", loud, 16_000, subtype="FLOAT")
    copied(tmp_path / "a.wav", tmp_path / "b.wav")
    assert "full scale" not in caplog.text
    np.testing.assert_array_equal(read_audio(tmp_path / "b.wav"), loud)
    copied(tmp_path / "a.wav", tmp_path / "c.flac")
    assert "c.flac" in caplog.text and "over full scale were cut" in caplog.text


def test_a_high_rate_does_not_overflow_the_encoder_s_stack(tmp_path):
    code = (
        "import numpy as np; from dfkd_core.signal.audio import write_audio;"
        f"write_audio({str(tmp_path / 'a.ogg')!r}, np.zeros(4_000_000, np.float32), 192_000)"
    )
    written = subprocess.run([sys.executable, "-c", code], check=False)
    assert written.returncode == 0
    assert soundfile.info(tmp_path / "a.ogg").frames == 4_000_000


@pytest.mark.parametrize(("name", "told"), [("x.m4a", ".m4a is none of .aif"), ("x", "no suffix is none of")])
def test_a_format_that_cannot_be_written_names_those_that_can(tmp_path, name, told):
    with pytest.raises(DataError, match=told):
        write_audio(tmp_path / name, sine(300))


def test_a_rate_that_an_encoder_lacks_is_told(tmp_path):
    with pytest.raises(DataError, match=r"Opus has 8000, .* Hz, but not 11025; write \.wav or \.flac"):
        write_audio(tmp_path / "x.opus", sine(300), 11_025)


def test_a_failed_write_tells_its_real_reason(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Not a directory|File exists"):
        write_audio(tmp_path / "file" / "x.wav", sine(300))
    with pytest.raises(DataError, match="File name too long"):
        write_audio(tmp_path / f"{'x' * 300}.wav", sine(300))


@pytest.mark.parametrize("reason", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_what_a_folder_refuses_is_told_in_its_words(tmp_path, monkeypatch, reason):
    def refused(path, *_, **__):
        raise OSError(reason, os.strerror(reason), str(path))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(DataError, match=re.escape(f"x.wav: cannot be written as audio ({os.strerror(reason)})")):
        write_audio(tmp_path / "x.wav", sine(300))


def test_a_disk_that_fills_up_meanwhile_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(audio.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))

    def blocks():
        yield sine(300)[None]
        raise soundfile.LibsndfileError(2)

    soundfile.write(tmp_path / "a.wav", sine(440), 16_000)
    with pytest.raises(DataError, match=r"b\.wav: cannot be written as audio \(no space left on device\)"):
        write_blocks(tmp_path / "b.wav", blocks(), like=tmp_path / "a.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_the_longest_name_that_fits_fits_while_it_is_written(tmp_path):
    path = tmp_path / f"{'x' * 251}.wav"
    write_audio(path, sine(300))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


CUT = """
import resource, sys
import numpy as np
from dfkd_core.signal.audio import write_audio
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
write_audio(sys.argv[1], np.random.default_rng(0).normal(0, 0.1, 80_000))
"""


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.flac", "a.wav", "a.mp3"])
def test_a_disk_that_is_full_at_the_very_end_leaves_no_shorter_file(tmp_path, name):
    write_audio(tmp_path / name, np.random.default_rng(0).normal(0, 0.1, 80_000))
    room = (tmp_path / name).stat().st_size - 1000
    place = tmp_path / "full"
    place.mkdir()
    command = [sys.executable, "-c", f"import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n{CUT}"]
    done = subprocess.run([*command, place / name, str(room)], capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "cannot be written as audio" in done.stderr
    assert not list(place.iterdir())


def test_a_wav_of_an_unknown_encoding_is_refused(tmp_path):
    write_audio(tmp_path / "a.wav", sine(300))
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[20:22] = (0x99).to_bytes(2, "little")  # the tag of its format
    (tmp_path / "b.wav").write_bytes(content)
    with pytest.raises(DataError, match=r"b\.wav: cannot be read as audio"):
        read_channels(tmp_path / "b.wav")
