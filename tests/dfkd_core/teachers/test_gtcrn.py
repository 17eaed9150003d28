"""How GTCRN's graph is fed, on a stand-in for the graph; the real one is in test_public_models."""

from types import SimpleNamespace

import numpy as np
import pytest

from dfkd_core.teachers.gtcrn import GTCRNTeacher

NOISY = np.random.default_rng(0).normal(0, 0.1, (2, 2000)).astype(np.float32)


class CountingGraph:
    """Passes frames on and adds one to its memory with each."""

    def __init__(self):
        self.seen = []

    def get_inputs(self):
        return [SimpleNamespace(name="mix", shape=[1, 257, 1, 2]), SimpleNamespace(name="memory", shape=[1, 2])]

    def run(self, names, inputs):
        assert inputs["mix"].dtype == np.float32 and inputs["mix"].shape == (1, 257, 1, 2)
        self.seen.append(float(inputs["memory"][0, 0]))
        return inputs["mix"], inputs["memory"] + 1


@pytest.fixture
def teacher(tmp_path):
    teacher = GTCRNTeacher(tmp_path)
    teacher.__dict__["session"] = CountingGraph()
    return teacher


def test_frames_that_pass_unchanged_give_the_signal_back(teacher):
    np.testing.assert_allclose(teacher(NOISY), NOISY, atol=1e-5)


def test_memory_goes_from_frame_to_frame_and_not_from_clip_to_clip(teacher):
    teacher(NOISY)
    num_frames = len(teacher.session.seen) // 2
    assert teacher.session.seen == 2 * list(range(num_frames))
