"""What an epoch and a start are estimated to take: every step and clip is counted; none that has no room is tried."""

import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.training import pace
from dfkd_core.training.footprint import training_bytes
from dfkd_core.training.pace import CLIP_S, SCORING_S, epoch_seconds, start_seconds

DATA = {"segment_s": 0.5, "train_hours": 80 / 3600, "validation_clips": 4}  # 160 crops
BATCH = 8


@pytest.fixture
def clock(monkeypatch):
    """A pass takes a second for each second of its batch, twice that with its gradient; lists those that were timed."""
    timed = []

    def step_seconds(model, batch, seconds, *, backward=True):
        timed.append((sum(weight.numel() for weight in model.parameters()), batch, seconds, backward))
        return batch * seconds * (1 + backward)

    monkeypatch.setattr(pace, "_step_seconds", step_seconds)
    return timed


def config(student, probes=(), **training):
    data = {**DATA, "probes": dict.fromkeys(probes, "demo-abroad")}
    whole = {"student": student, "data": data, "training": {"batch_size": BATCH, **training}}
    return ExperimentConfig.parse({**whole, "teacher": {"pretrained": "own-dccrn"}})


NARROW = {"model": "dccrn", "width": 0.25}
STEP_S, NUM_STEPS = BATCH * DATA["segment_s"] * 2, 20
CLIPS_S = DATA["validation_clips"] * (CLIP_S + SCORING_S)


@pytest.mark.parametrize("probes", [(), ("a",), ("a", "b")])
def test_each_probe_is_scored_as_the_validation_mixtures_are(clock, probes):
    expected = NUM_STEPS * STEP_S + (1 + len(probes)) * CLIPS_S
    assert epoch_seconds(config(NARROW, probes)) == pytest.approx(expected)
    whole = config({"model": "dccrn", "width": 0.5}, probes, start_from="own-dccrn", slice_by="first")
    assert start_seconds(whole) == pytest.approx((1 + len(probes)) * CLIPS_S)


@pytest.mark.parametrize(
    ("widths", "at_once"), [([0.125], 1), ([0.125, 0.0625], 2), ([0.1875, 0.15625, 0.125, 0.0625], 3)]
)
def test_slices_that_train_with_the_student_take_their_steps_and_never_more_than_are_drawn(clock, widths, at_once):
    slimmable = config(NARROW, slimmable=widths)
    assert epoch_seconds(slimmable) == pytest.approx((1 + at_once) * NUM_STEPS * STEP_S + CLIPS_S)
    assert len({size for size, _, _, backward in clock if backward}) == 1 + len(widths)


@pytest.mark.parametrize(("channels", "num_choices"), [(8, 12), (12, 4)])
def test_the_candidates_of_a_narrower_gtcrn_are_counted_and_no_activation(clock, channels, num_choices):
    student = {"model": "gtcrn", "channels": channels}
    started = config(student, start_from="gtcrn", slice_by="activation")
    judged_s, renewed_s = num_choices * 32 * DATA["segment_s"], NUM_STEPS * STEP_S / 2
    assert start_seconds(started) == pytest.approx(CLIPS_S + judged_s + renewed_s)


def test_activation_is_measured_on_the_crops_that_there_are_and_by_whoever_asks_for_it(clock):
    begun = {"start_from": "own-dccrn", "slice_by": "activation"}
    student = {"model": "dccrn", "width": 0.25}
    measured_s, renewed_s = 160 * DATA["segment_s"], NUM_STEPS * STEP_S / 2
    assert start_seconds(config(student, **begun)) == pytest.approx(CLIPS_S + measured_s + renewed_s)


@pytest.mark.parametrize("told", [pace.epoch_seconds, pace.start_seconds])
def test_a_batch_beyond_the_memory_here_is_warned_of_and_not_tried(told, monkeypatch, caplog):
    batch = {"batch_size": 10**9, "start_from": "own-dccrn"}
    whole = ExperimentConfig.parse({"training": batch, "data": {"segment_s": 0.25, "train_hours": 10_000}})
    monkeypatch.setattr(pace, "_step_seconds", lambda *arguments, **named: pytest.fail("a step was tried"))
    assert told(whole) is None
    assert "training.batch_size 1000000000: a step takes about" in caplog.text


def test_a_batch_larger_than_an_epoch_is_the_epoch():
    sizes = [
        {"training": {"batch_size": size}, "data": {"segment_s": 1.0, "train_hours": 0.01}} for size in (36, 10**9)
    ]
    assert len({training_bytes(ExperimentConfig.parse(size)) for size in sizes}) == 1
