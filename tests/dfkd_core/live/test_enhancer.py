"""A stream in chunks is the whole signal at once."""

import numpy as np
import pytest
import torch

from dfkd_core.errors import ConfigError, DataError
from dfkd_core.live import Enhancer, live_core
from dfkd_core.models import build_model

STUDENTS = {
    "dccrn": {"model": "dccrn", "width": 0.125},
    "shallow dccrn": {"model": "dccrn", "width": 0.125, "num_layers": 3, "kernel_time": 3, "lstm_layers": 1},
    "dccrn of one frame": {"model": "dccrn", "width": 0.125, "num_layers": 2, "kernel_time": 1},
    "dccrn 512/256": {"model": "dccrn", "width": 0.125, "n_fft": 512, "window_samples": 512, "hop_samples": 256},
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
    samples = noise(1_501 if sizes == [1] else 9_003)
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
    enhancer, samples = Enhancer(student), noise(8_000)
    taken = given = 0
    for first in range(0, len(samples), 50):
        given += len(enhancer.process(samples[first : first + 50]))
        taken += 50
        assert given >= taken - enhancer.latency_samples
    assert given <= taken


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
