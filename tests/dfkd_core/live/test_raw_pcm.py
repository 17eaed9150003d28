"""Raw samples in, raw samples out: as many, each as soon as it is finished."""

import io

import numpy as np
import pytest
import torch

from dfkd_core.live import Enhancer
from dfkd_core.live.raw_pcm import enhance_raw
from dfkd_core.models import build_model


@pytest.fixture
def student():
    torch.manual_seed(0)
    return build_model("dccrn", width=0.125, num_layers=3).eval()


def integers(num_samples, seed=0):
    return np.random.default_rng(seed).integers(-3000, 3000, num_samples).astype("<i2")


class Pipe:
    """Hands out pieces of any number of bytes, as a pipe does."""

    def __init__(self, content, sizes):
        self.file, self.sizes, self.turn = io.BytesIO(content), sizes, 0

    def read1(self, most):
        self.turn += 1
        return self.file.read(min(most, self.sizes[self.turn % len(self.sizes)]))


def through(student, samples, sizes=(640,), **options):
    out = io.BytesIO()
    enhance_raw(Enhancer(student), Pipe(samples.tobytes(), sizes), out, **options)
    return np.frombuffer(out.getvalue(), "<i2")


@pytest.mark.parametrize("sizes", [(640,), (1, 7, 4096), (100_000,)])
def test_what_comes_out_is_what_the_student_makes_of_the_whole(student, sizes):
    samples = integers(6_001)
    with torch.inference_mode():
        whole = student(torch.from_numpy(samples.astype(np.float32) / 32768)[None])[0].numpy()
    np.testing.assert_allclose(through(student, samples, sizes), np.rint(32768 * whole), atol=1)


@pytest.mark.parametrize("num_samples", [0, 1, 399, 400])
def test_as_many_samples_come_out_as_went_in(student, num_samples):
    assert len(through(student, integers(num_samples))) == num_samples


def test_samples_are_handed_on_before_the_stream_ends(student):
    written = []

    class Watched(Pipe):
        def read1(self, most):
            written.append(out.tell() // 2)
            return super().read1(most)

    out, samples = io.BytesIO(), integers(4_000)
    enhancer = Enhancer(student)
    enhance_raw(enhancer, Watched(samples.tobytes(), (640,)), out)
    for turn, count in enumerate(written[:-1]):
        assert count >= min(320 * turn, len(samples)) - enhancer.latency_samples


def test_a_limit_leaves_the_noisy_signal_where_it_was(student):
    samples = integers(5_000)
    plain, limited = through(student, samples), through(student, samples, noisy_share=0.25)
    np.testing.assert_allclose(limited, 0.75 * plain + 0.25 * samples, atol=1.5)


def test_half_a_sample_at_the_end_is_told(student, caplog):
    out = io.BytesIO()
    enhance_raw(Enhancer(student), Pipe(integers(100).tobytes() + b"\1", (640,)), out)
    assert len(out.getvalue()) == 200 and "half a sample" in caplog.text


def test_what_exceeds_full_scale_is_held_there(student):
    with torch.no_grad():
        for name, weight in student.named_parameters():
            if name.startswith("decoder.2"):
                weight.mul_(100)
    loud = np.full(4_000, 32767, "<i2") * np.where(np.arange(4_000) % 40 < 20, 1, -1).astype("<i2")
    assert np.abs(through(student, loud).astype(int)).max() <= 32768
