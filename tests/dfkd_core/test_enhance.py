import os
import threading
import tracemalloc

import numpy as np
import pytest
import soundfile

from dfkd_core import enhance
from dfkd_core.enhance import enhance_path, enhanced_blocks
from dfkd_core.errors import CheckpointError, ConfigError, DataError, DFKDError
from dfkd_core.models import build_student
from dfkd_core.signal import chunks
from dfkd_core.signal.audio import read_channels, write_audio
from dfkd_core.trained.model_folder import write_model_folder


def tone(seconds, rate, channels=1):
    time_s = np.arange(round(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * (300 + 200 * c) * time_s) for c in range(channels)]).astype(np.float32)


def run(model, source, target, **options):
    return list(enhance_path(model, source, target, device="cpu", **options))


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
    for module in (enhance, chunks):
        monkeypatch.setattr(module, "CHUNK_S", 2)
        monkeypatch.setattr(module, "OVERLAP_S", 1)
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


def test_a_link_stays_one_and_the_file_behind_it_is_replaced(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    (tmp_path / "there").mkdir()
    (tmp_path / "out.wav").symlink_to("there/clean.wav")
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert (tmp_path / "out.wav").is_symlink() and (tmp_path / "there" / "clean.wav").is_file()


def test_what_can_be_read_but_not_written_becomes_a_wav(tiny_teacher, tmp_path, caplog):
    """By its content each is a WAV, and read as one; of two of one name each keeps all of its own."""
    for name in ("a.wav", "b.mp2", "b.AAC", "c.m4a"):
        write_audio(tmp_path / "in" / f"{name}.wav", tone(0.2, 16000))
        (tmp_path / "in" / f"{name}.wav").rename(tmp_path / "in" / name)
    written = run(tiny_teacher, tmp_path / "in", tmp_path / "out")
    assert [path.name for path in written] == ["a.wav", "b.AAC.wav", "b.mp2.wav", "c.wav"]
    assert "3 files are in formats that are read only (.aac, .m4a, .mp2), and are written as .wav" in caplog.text
    assert run(tiny_teacher, tmp_path / "in" / "b.mp2", tmp_path / "alone") == [tmp_path / "alone" / "b.wav"]
    caplog.clear()
    assert run(tiny_teacher, tmp_path / "in" / "b.mp2", tmp_path / "x.wav") == [tmp_path / "x.wav"]
    assert not caplog.text


def test_the_sample_format_is_kept(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000), subtype="PCM_24")
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert soundfile.info(tmp_path / "out.wav").subtype == "PCM_24"


def test_wrong_input_is_told_and_nothing_is_written(tiny_teacher, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no audio")
    (tmp_path / "empty").mkdir()
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.float32), 16000)
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    write_audio(tmp_path / "some" / "in.wav", tone(0.2, 16000))
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    cases = [
        (tiny_teacher, "absent.wav", "out.wav", ConfigError, "no such place"),
        (tiny_teacher, "empty", "out", ConfigError, "must hold audio files"),
        (tiny_teacher, "in.wav", "in.wav", ConfigError, "would be overwritten"),
        (tiny_teacher, "broken.wav", "out.wav", DataError, "broken.wav"),
        (tiny_teacher, "nothing.wav", "out.wav", DataError, r"nothing\.wav: holds no samples; remove it"),
        (tiny_teacher, "in.wav", "out.m4a", DataError, r"\.m4a is none of .*\.flac"),
        (tiny_teacher, "in.wav", "loop.wav", DataError, r"loop\.wav: cannot be written as audio \(it is there, and no"),
        (tiny_teacher, "in.wav", "pipe.wav", DataError, r"pipe\.wav: cannot be written as audio \(it is there, and no"),
        (tiny_teacher, "in.wav", "in.wav/x.wav", DataError, r"in\.wav/x\.wav: cannot be written .*Not a directory"),
        (tiny_teacher, "some", "in.wav", ConfigError, r"in\.wav: cannot be written \(Not a directory\)"),
        (tiny_teacher, ".", ".", ConfigError, "would be overwritten"),
        (tmp_path / "absent.onnx", "in.wav", "out.wav", ConfigError, "existing ONNX file"),
        (tmp_path / "empty", "in.wav", "out.wav", CheckpointError, "model folder"),
    ]
    for model, source, target, kind, told in cases:
        with pytest.raises(kind, match=told):
            run(model, tmp_path / source, tmp_path / target)
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".*"))


# --- folders ----------------------------------------------------------------------------------------------


def test_one_bad_file_ends_no_folder(tiny_teacher, tmp_path, caplog):
    for name in ("a.wav", "z.wav"):
        write_audio(tmp_path / "in" / name, tone(0.2, 16000))
    (tmp_path / "in" / "b.wav").write_bytes(b"RIFF")
    (tmp_path / "in" / "c.wav").symlink_to("nowhere.wav")
    (tmp_path / "in" / "e.wav").symlink_to("e.wav")
    os.mkfifo(tmp_path / "in" / "d.wav")
    written = []
    with pytest.raises(
        DFKDError, match=r"in: 4 of 6 files were not enhanced: .*b\.wav.*c\.wav.*d\.wav.*e\.wav"
    ) as caught:
        written.extend(enhance_path(tiny_teacher, tmp_path / "in", tmp_path / "out", device="cpu"))
    assert not isinstance(caught.value, (ConfigError, DataError)), "exit status 1: the work failed"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "z.wav"]
    assert caplog.text.count("not enhanced: ") == 4


@pytest.mark.parametrize("name", ["._a.wav", ".a.123.wav", ".hidden/a.wav"])
def test_hidden_files_are_passed_over_as_in_a_scan(tiny_teacher, tmp_path, name):
    write_audio(tmp_path / "in" / "a.wav", tone(0.2, 16000))
    (tmp_path / "in" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "in" / name).write_bytes(b"\0\5\x16\7" + bytes(60))
    assert run(tiny_teacher, tmp_path / "in", tmp_path / "out") == [tmp_path / "out" / "a.wav"]


def test_what_lies_below_the_output_is_no_input(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in" / "a.wav", tone(0.2, 16000))
    for _ in range(2):
        assert run(tiny_teacher, tmp_path / "in", tmp_path / "in" / "out") == [tmp_path / "in" / "out" / "a.wav"]
    (tmp_path / "in" / "alias").symlink_to("out")
    assert run(tiny_teacher, tmp_path / "in", tmp_path / "in" / "out") == [tmp_path / "in" / "out" / "a.wav"]


def test_linked_folders_are_followed_and_loops_are_walked_once(tiny_teacher, tmp_path):
    write_audio(tmp_path / "elsewhere" / "b.wav", tone(0.2, 16000))
    write_audio(tmp_path / "in" / "a.wav", tone(0.2, 16000))
    (tmp_path / "in" / "sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "up").symlink_to("..")
    assert [p.name for p in run(tiny_teacher, tmp_path / "in", tmp_path / "out")] == ["a.wav", "b.wav"]


def test_a_folder_that_is_not_there_yet_is_made(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    assert run(tiny_teacher, tmp_path / "in.wav", tmp_path / "new" / "deep") == [tmp_path / "new" / "deep" / "in.wav"]


def test_a_second_name_of_the_input_is_the_input(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    os.link(tmp_path / "in.wav", tmp_path / "same.wav")
    with pytest.raises(ConfigError, match="would be overwritten"):
        run(tiny_teacher, tmp_path / "in.wav", tmp_path / "same.wav")


def test_a_name_that_is_no_utf_8_comes_out_as_it_went_in(tiny_teacher, tmp_path):
    name = os.fsdecode(b"\xe9t\xe9.wav")
    write_audio(tmp_path / "in" / name, tone(0.2, 16000))
    assert run(tiny_teacher, tmp_path / "in", tmp_path / "out") == [tmp_path / "out" / name]


# --- several files at a time ------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """The networks that are opened, each made of what a test puts into `says`."""
    networks = []

    def open_one(model, device):
        networks.append(Model(open_one.says))
        return networks[-1]

    open_one.says, open_one.networks = (lambda noisy: noisy), networks
    monkeypatch.setattr(enhance, "open_network", open_one)
    return open_one


def folder_of(place, count):
    for i in range(count):
        write_audio(place / "in" / f"{i % 2}" / f"{i}.wav", tone(0.1 + 0.01 * i, 16000))
    return place / "in"


def test_files_of_a_folder_are_worked_on_side_by_side(opened, tmp_path):
    met = threading.Barrier(2, timeout=300)  # broken by files that are worked on one behind the other

    def says(noisy):
        met.wait()
        return noisy

    opened.says = says
    told = []
    source = folder_of(tmp_path, 4)
    written = run("model", source, tmp_path / "out", jobs=2, progress=lambda *told_: told.append(told_))
    assert written == sorted(written) and len(written) == 4
    assert sorted(told) == [("in", done, 4) for done in range(1, 5)]
    assert len(opened.networks) == 2


def test_a_network_hears_one_file_at_a_time(monkeypatch, tmp_path):
    busy, twice = set(), []

    class Stream:
        name = "model"

        def __call__(self, noisy, listed=()):
            twice.extend([self] if self in busy else [])
            busy.add(self)
            threading.Event().wait(0.005)
            busy.discard(self)
            return noisy

    monkeypatch.setattr(enhance, "open_network", lambda model, device: Stream())
    assert len(run("model", folder_of(tmp_path, 8), tmp_path / "out", jobs=3)) == 8
    assert not twice


def test_as_many_files_at_a_time_make_the_same_files(tiny_teacher, tmp_path):
    source = folder_of(tmp_path, 5)
    alone, together = (run(tiny_teacher, source, tmp_path / str(jobs), jobs=jobs) for jobs in (1, 4))
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in together]


def test_a_folder_that_is_given_up_ends_between_blocks_and_leaves_no_half_file(opened, tmp_path, monkeypatch):
    for module in (enhance, chunks):
        monkeypatch.setattr(module, "CHUNK_S", 1)
        monkeypatch.setattr(module, "OVERLAP_S", 1)
    write_audio(tmp_path / "in" / "a.wav", tone(0.1, 1000), 1000)
    write_audio(tmp_path / "in" / "b.wav", tone(9, 1000), 1000)
    heard, go_on = [], threading.Event()

    def says(noisy):
        heard.append(noisy.shape[1])
        assert len(heard) < 2 or go_on.wait(60)
        return noisy

    opened.says = says
    files = enhance_path("model", tmp_path / "in", tmp_path / "out", device="cpu", jobs=1)
    assert next(files) == tmp_path / "out" / "a.wav"
    threading.Timer(0.2, go_on.set).start()
    files.close()
    assert len(heard) <= 3, "the long file goes on behind the end"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.wav"]


def test_a_long_file_takes_no_more_memory_than_a_short_one_and_tells_how_far_it_is(opened, tmp_path, monkeypatch):
    for module in (enhance, chunks):
        monkeypatch.setattr(module, "CHUNK_S", 1)
        monkeypatch.setattr(module, "OVERLAP_S", 1)
    peaks, told = {}, []
    for seconds in (4, 4, 40):  # the first one opens and loads what is kept
        write_audio(tmp_path / "in.wav", tone(seconds, 48000, 2), 48000)
        tracemalloc.start()
        run("model", tmp_path / "in.wav", tmp_path / "out.wav", progress=lambda *told_: told.append(told_))
        peaks[seconds] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[40] < 1.1 * peaks[4]
    assert told[-40:] == [("in.wav", done, 40) for done in range(1, 41)]


# --- values -----------------------------------------------------------------------------------------------


class Model:
    """A stand-in for a network."""

    name = "model"

    def __init__(self, says):
        self._says = says

    def __call__(self, noisy, listed=()):
        return self._says(noisy)


@pytest.fixture
def spoken(monkeypatch):
    """Enhances with a function in place of a model."""

    def with_model(says, source, target, **options):
        monkeypatch.setattr(enhance, "open_network", lambda model, device: Model(says))
        return run("model", source, target, **options)

    return with_model


def fickle(noisy):
    """A model that hears levels and offsets."""
    return (np.sign(noisy) * np.abs(noisy) ** 0.7).astype(np.float32)


@pytest.mark.parametrize("db", [-56, -40, -30, 6, 90])
def test_the_result_is_the_same_at_every_level(spoken, tmp_path, db):
    signal, gain = np.random.default_rng(0).normal(0, 0.1, (2, 8000)).astype(np.float32), np.float32(10 ** (db / 20))
    for name, scaled in (("a", signal), ("b", gain * signal)):
        write_audio(tmp_path / f"{name}.wav", scaled, subtype="FLOAT")
        spoken(fickle, tmp_path / f"{name}.wav", tmp_path / f"{name}_out.wav")
    plain, other = (read_channels(tmp_path / f"{name}_out.wav")[0] for name in "ab")
    np.testing.assert_allclose(other / gain, plain, atol=1e-5)


@pytest.mark.parametrize("offset", [0.1, -0.4])
def test_an_offset_changes_nothing_that_is_kept(spoken, tmp_path, offset):
    signal = tone(1.0, 16000) / 6
    for name, shifted in (("a", signal), ("b", signal + np.float32(offset))):
        write_audio(tmp_path / f"{name}.wav", shifted, subtype="FLOAT")
        spoken(fickle, tmp_path / f"{name}.wav", tmp_path / f"{name}_out.wav")
    plain, other = (read_channels(tmp_path / f"{name}_out.wav")[0] for name in "ab")
    np.testing.assert_allclose(other, plain, atol=1e-4)


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize(
    ("says", "told"),
    [
        (lambda x: x[:, :-100], r"in\.wav: must be enhanced to a signal of its length, but model returns \d+ samples"),
        (lambda x: np.concatenate([x, x], axis=1), "of its length"),
        (lambda x: x * np.float32("nan"), "finite samples, but model returns nan or inf"),
        (lambda x: x / np.float32(0), "finite samples"),
    ],
)
def test_an_estimate_that_is_none_is_refused_and_nothing_is_written(spoken, tmp_path, rate, says, told):
    write_audio(tmp_path / "in.wav", tone(0.5, rate), rate)
    with pytest.raises(DataError, match=told), np.errstate(all="ignore"):
        spoken(says, tmp_path / "in.wav", tmp_path / "out.wav")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


@pytest.mark.parametrize("peak", [2.4, 9728.0])
def test_floats_over_full_scale_are_kept_with_a_word(spoken, tmp_path, caplog, peak):
    signal = np.float32(peak / 0.3) * tone(0.5, 16000)
    write_audio(tmp_path / "in.wav", signal, subtype="FLOAT")
    spoken(lambda x: x, tmp_path / "in.wav", tmp_path / "out.wav")
    np.testing.assert_allclose(read_channels(tmp_path / "out.wav")[0], signal, rtol=1e-5, atol=1e-5 * peak)
    assert f"in.wav: its samples reach {peak:.4g}, over full scale" in caplog.text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_heard_as_silence_with_a_word(spoken, tmp_path, caplog, value):
    signal = tone(0.5, 16000, 2)
    signal[1, 100:103] = value
    write_audio(tmp_path / "in.wav", signal, subtype="FLOAT")
    spoken(lambda x: x, tmp_path / "in.wav", tmp_path / "out.wav")
    clean, _ = read_channels(tmp_path / "out.wav")
    np.testing.assert_allclose(clean, np.where(np.isfinite(signal), signal, 0), atol=1e-6)
    assert "in.wav: 3 samples are nan or infinite, and are heard as silence" in caplog.text


@pytest.mark.parametrize(("gain", "num_flat"), [(0.5, 0), (3.33, 0), (10, 100)])
def test_a_clipped_file_is_enhanced_with_a_word(spoken, tmp_path, caplog, gain, num_flat):
    write_audio(tmp_path / "in.wav", np.clip(gain * tone(0.5, 16000), -1, 1))
    spoken(lambda x: x, tmp_path / "in.wav", tmp_path / "out.wav")
    assert np.abs(read_channels(tmp_path / "out.wav")[0] - read_channels(tmp_path / "in.wav")[0]).max() < 1e-4
    assert ("in.wav: was clipped: " in caplog.text) == (num_flat > 0)


# --- how much may be taken off ----------------------------------------------------------------------------


@pytest.mark.parametrize(("limit_db", "left_db"), [(12, -12.0), (0, 0.0), (40.5, -40.5)])
def test_no_sound_is_attenuated_by_more_than_the_limit(spoken, tmp_path, limit_db, left_db):
    signal = tone(0.5, 44_100, 2)
    write_audio(tmp_path / "in.wav", signal, 44_100, subtype="FLOAT")
    spoken(np.zeros_like, tmp_path / "in.wav", tmp_path / "out.wav", attenuation_limit_db=limit_db)
    clean, _ = read_channels(tmp_path / "out.wav")
    np.testing.assert_allclose(clean, 10 ** (left_db / 20) * signal, rtol=1e-5, atol=1e-7)


def test_a_limit_leaves_what_the_model_keeps(spoken, tmp_path):
    signal = tone(0.5, 16_000)
    write_audio(tmp_path / "in.wav", signal, subtype="FLOAT")
    spoken(lambda x: x, tmp_path / "in.wav", tmp_path / "out.wav", attenuation_limit_db=6)
    np.testing.assert_allclose(read_channels(tmp_path / "out.wav")[0], signal, atol=1e-6)


@pytest.mark.parametrize("limit_db", [-1, float("inf"), float("nan")])
def test_a_limit_that_is_none_is_refused(tiny_teacher, tmp_path, limit_db):
    write_audio(tmp_path / "in.wav", tone(0.2, 16_000))
    with pytest.raises(ConfigError, match="attenuation-limit-db: must be a number of dB, 0 or above"):
        run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav", attenuation_limit_db=limit_db)


# --- files that may not be all that was recorded ----------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "bytes_left", "told"),
    [(0, None, "was never closed and tells no length; read to its end"), (None, 3_000, "breaks off: 6,400 bytes")],
)
def test_a_file_that_may_not_be_whole_is_enhanced_with_a_word(tiny_teacher, tmp_path, caplog, length, bytes_left, told):
    write_audio(tmp_path / "in.wav", tone(0.2, 16000))
    content = bytearray((tmp_path / "in.wav").read_bytes())
    place = content.find(b"data") + 4
    if length is not None:
        content[place : place + 4] = length.to_bytes(4, "little")
    (tmp_path / "in.wav").write_bytes(content[:bytes_left])
    run(tiny_teacher, tmp_path / "in.wav", tmp_path / "out.wav")
    assert caplog.text.count(told) == 1
    assert read_channels(tmp_path / "out.wav")[0].shape[1] == ((bytes_left or len(content)) - place - 4) // 2


def test_two_files_that_would_become_one_are_refused_before_anything_is_written(tiny_teacher, tmp_path):
    for name in ("a.m4a", "a.aac", "a.m4a.wav"):
        write_audio(tmp_path / "in" / "x.wav", tone(0.3, 16000))
        (tmp_path / "in" / "x.wav").rename(tmp_path / "in" / name)
    with pytest.raises(ConfigError, match=r"would both be written as .*a\.m4a\.wav; rename one of them"):
        run(tiny_teacher, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_folder_above_the_input_takes_its_files(tiny_teacher, tmp_path):
    write_audio(tmp_path / "in" / "a.wav", tone(0.3, 16000))
    assert run(tiny_teacher, tmp_path / "in", tmp_path) == [tmp_path / "a.wav"]
