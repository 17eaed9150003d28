"""A stream in chunks is the whole signal at once."""

import numpy as np
import pytest
import torch

from dfkd_core.errors import ConfigError, DataError
from dfkd_core.live import Enhancer, live_core
from dfkd_core.models import build_model
from dfkd_core.models.conv_tasnet import ConvTasNet

STUDENTS = {
    "dccrn": {"model": "dccrn", "width": 0.125},
    "shallow dccrn": {"model": "dccrn", "width": 0.125, "num_layers": 3, "kernel_time": 3, "lstm_layers": 1},
    "dccrn of one frame": {"model": "dccrn", "width": 0.125, "num_layers": 2, "kernel_time": 1},
    "dccrn 512/256": {"model": "dccrn", "width": 0.125, "n_fft": 512, "window_samples": 512, "hop_samples": 256},
    "causal dccrn": {"model": "dccrn", "width": 0.125, "num_layers": 3, "kernel_time": 3, "causal": True},
    "causal dccrn 320/160": {
        "model": "dccrn",
        "width": 0.125,
        "num_layers": 4,
        "causal": True,
        "window": "hann_sqrt",
        "n_fft": 320,
        "window_samples": 320,
        "hop_samples": 160,
    },
    "conv_tasnet": {"model": "conv_tasnet", "width": 0.125, "causal": True, "num_blocks": 3, "num_repeats": 2},
    "gtcrn": {"model": "gtcrn", "channels": 8},
}


@pytest.fixture(params=STUDENTS)
def student(request):
    torch.manual_seed(0)
    fields = dict(STUDENTS[request.param])
    model = build_model(fields.pop("model"), **fields)
    for module in model.modules():  # statistics as a training leaves them
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    return model.eval()


def noise(num_samples, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(num_samples)).astype(np.float32)


def whole(student, samples):
    with torch.inference_mode():
        return student(torch.from_numpy(samples)[None])[0].numpy()


def streamed(enhancer, samples, sizes):
    parts, first = [], 0
    while first < len(samples):
        size = sizes[len(parts) % len(sizes)]
        parts.append(enhancer.process(samples[first : first + size]))
        first += size
    return np.concatenate([*parts, enhancer.finish()])


@pytest.mark.parametrize("sizes", [[160], [1], [37, 512, 3, 1000], [100_000]])
def test_any_chunking_is_the_whole_signal(student, sizes):
    samples = noise(1_501 if sizes == [1] else 4_003)  # more than the level is heard over, and than all sizes together
    np.testing.assert_allclose(streamed(Enhancer(student), samples, sizes), whole(student, samples), atol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 2, 99, 100, 101, 255, 256, 257, 399, 400, 511, 512, 513, 1_600])
def test_short_signals_and_whole_frames_have_their_length_and_their_end(student, num_samples):
    samples = noise(num_samples)
    np.testing.assert_allclose(streamed(Enhancer(student), samples, [64]), whole(student, samples), atol=1e-5)


def test_the_next_stream_remembers_nothing_of_the_last(student):
    enhancer, samples = Enhancer(student), noise(3_000)
    first = streamed(enhancer, samples, [500])
    np.testing.assert_array_equal(streamed(enhancer, samples, [500]), first)


def test_a_stream_without_samples_gives_none(student):
    assert len(Enhancer(student).finish()) == 0


def test_no_sample_comes_later_than_the_latency(student):
    enhancer, samples = Enhancer(student), noise(4_000)
    taken = given = 0
    for first in range(0, len(samples), 50):
        given += len(enhancer.process(samples[first : first + 50]))
        taken += 50
        assert given >= taken - enhancer.latency_samples
    assert given <= taken


def test_the_student_knows_its_latency(student):
    assert Enhancer(student).latency_samples == student.latency_samples


def test_what_streams_keep_is_what_the_student_says(student):
    states = live_core(student).initial_states()
    assert sum(4 * state.numel() for state in states) <= student.state_bytes


@pytest.mark.parametrize("fields", [{"model": "dptnet", "width": 0.125}, {"model": "conv_tasnet", "width": 0.125}])
def test_a_student_that_needs_the_whole_clip_is_refused(fields):
    fields = dict(fields)
    with pytest.raises(ConfigError, match="whole clip"):
        Enhancer(build_model(fields.pop("model"), **fields))


@pytest.mark.parametrize("chunk", [np.zeros((2, 100)), np.array([0.0, np.nan]), np.array([np.inf])])
def test_a_chunk_that_is_no_signal_is_refused_and_the_stream_goes_on(student, chunk):
    enhancer, samples = Enhancer(student), noise(2_000)
    first = enhancer.process(samples[:900])
    with pytest.raises(DataError, match="a chunk must"):
        enhancer.process(chunk)
    rest = np.concatenate([enhancer.process(samples[900:]), enhancer.finish()])
    np.testing.assert_allclose(np.concatenate([first, rest]), whole(student, samples), atol=1e-5)


@pytest.mark.parametrize(
    ("chunk", "rate_hz", "told"),
    [
        (noise(441), 44_100, "a chunk must be at 16000 Hz, but is at 44100 Hz; resample the stream first"),
        (np.ones(160, np.int16), 16_000, "must hold floats with full scale at 1, but holds int16; divide .* by 32768"),
    ],
)
def test_a_chunk_of_another_rate_or_of_integers_is_refused_and_the_stream_goes_on(chunk, rate_hz, told):
    student, samples = build_model(**STUDENTS["gtcrn"]).eval(), noise(2_000)
    enhancer = Enhancer(student)
    first = enhancer.process(samples[:900], 16_000)
    with pytest.raises(DataError, match=told):
        enhancer.process(chunk, rate_hz)
    rest = np.concatenate([enhancer.process(samples[900:]), enhancer.process([]), enhancer.finish()])
    np.testing.assert_allclose(np.concatenate([first, rest]), whole(student, samples), atol=1e-5)


# --- levels and offsets -----------------------------------------------------------------------------------


LONGER = {"conv_tasnet": {**STUDENTS["conv_tasnet"], "window_samples": 160, "stride_samples": 80}}


@pytest.fixture(scope="module", params=["dccrn", "conv_tasnet"])
def common(request):
    """One student with spectra, one with windows."""
    torch.manual_seed(0)
    return build_model(**(STUDENTS | LONGER)[request.param]).eval()


def voice(seconds=1.0):
    """Bursts of a gliding tone in noise, at -25 dBFS."""
    time_s = np.arange(round(16_000 * seconds)) / 16_000
    pitch = 2 * np.pi * 140 * (time_s + 0.02 * np.sin(2 * np.pi * time_s))
    tones = sum(np.sin(k * pitch) / k for k in range(1, 25)) * (time_s % 1.0 < 0.7)
    mixed = tones + noise(len(time_s))
    return (10 ** (-25 / 20) * mixed / np.sqrt(np.mean(mixed**2))).astype(np.float32)


def alike_db(signal, other):
    return 10 * np.log10(np.sum(signal**2) / np.sum((signal - other) ** 2))


@pytest.mark.parametrize("db", [-11, -20, -30, -60, 24])
def test_a_quiet_or_loud_stream_is_heard_within_the_levels_of_training(common, db):
    if db > 0 and isinstance(common, ConvTasNet):
        return  # its norms hear no levels, and remember the first 0.2 s, which are heard as loud as they are
    gain, settled = np.float32(10 ** (db / 20)), slice(8_000, None)
    at_own_level = whole(common, gain * voice()) / gain
    streamed_back = streamed(Enhancer(common), gain * voice(), [160]) / gain
    # the nearer bound is heard: -35 or -15 dBFS
    heard = np.float32(10 ** ((-35 if db < 0 else -15) / 20) / 10 ** (-25 / 20))
    expected = whole(common, heard * voice()) / heard
    assert alike_db(expected[settled], streamed_back[settled]) > 15
    own_db = alike_db(expected[settled], at_own_level[settled])
    assert alike_db(expected[settled], streamed_back[settled]) > min(own_db, 20)  # some students hear no levels


@pytest.mark.parametrize("db", [-5, 0, 5])
def test_within_the_levels_of_training_nothing_is_changed(common, db):
    signal = np.float32(10 ** (db / 20)) * voice()
    np.testing.assert_allclose(streamed(Enhancer(common), signal, [512]), whole(common, signal), atol=2e-5)


def shifted(common, by):
    """A voice's stream that lies `by` beside zero, enhanced."""
    signal = voice(2.0) - voice(2.0).mean()
    return streamed(Enhancer(common), signal + np.float32(by), [160])


@pytest.fixture(scope="module")
def centred(common):
    return shifted(common, 0)


@pytest.mark.parametrize("offset", [0.2, -0.05])
def test_an_offset_is_taken_out_of_a_stream(common, centred, offset):
    inner = slice(16_000, -1_000)  # behind its end a stream is silent, without the offset
    assert alike_db(centred[inner], shifted(common, offset)[inner]) > 15


def test_chunks_play_no_part_in_the_level(common):
    signal = np.float32(1e-3) * voice(0.5)
    first, second = (streamed(Enhancer(common), signal, sizes) for sizes in ([37, 512, 3], [100_000]))
    np.testing.assert_allclose(first, second, atol=1e-8)


@pytest.mark.parametrize("length", [1, 3, 320])  # samples: a click, a thump of 20 ms
@pytest.mark.parametrize("db", [-20, -40])
def test_a_click_does_not_keep_a_quiet_stream_quiet(common, length, db):
    if isinstance(common, ConvTasNet):
        return  # its norms remember the click itself
    quiet = np.float32(10 ** (db / 20)) * voice(2.0)
    disturbed = quiet.copy()
    disturbed[12_100 : 12_100 + length] = 0.9
    expected, out = (streamed(Enhancer(common), signal, [160]) for signal in (quiet, disturbed))
    behind = slice(16_000, None)
    assert alike_db(expected[behind], out[behind]) > 25


@pytest.mark.parametrize("pause", [0.0, 1e-5])
def test_a_pause_does_not_raise_what_comes_after_it_over_full_scale(common, pause):
    heard = []
    enhancer = Enhancer(common)
    enhancer._core.frames.analyse = lambda frame, analyse=enhancer._core.frames.analyse: (
        heard.append(float(frame.abs().max())) or analyse(frame)
    )
    before = pause * noise(8_000) / np.float32(0.1)
    streamed(enhancer, np.concatenate([before.astype(np.float32), voice()]), [1000])
    assert max(heard) <= 0.991
