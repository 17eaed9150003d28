"""A front with what its repeats have shown."""

import numpy as np
import pytest
from closed_form import PARAMS, QUALITY, Seeded, sweep

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import Crossing
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front, build_front
from sweeps.record.ledger import Ledger
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.trust.confirmed_front import RepeatedTrial, with_repeats
from sweeps.trust.repeats import SEEDS, Repeats
from sweeps.trust.trust_words import sentences, standing

POINTS = [{"x": 0.4, "size": 0.1}, {"x": 0.4, "size": 0.4}, {"x": 0.4, "size": 0.5}, {"x": 0.4, "size": 0.6}]
SEARCHED = [0.2, 0.5, 0.495, 0.52]  # the third is dominated, the fourth was lucky
TRUTH = [0.2, 0.5, 0.5, 0.45]
CLIPS = 40


def finish(ledger, number, quality, state=TrialState.COMPLETE):
    size = ledger.again(number)["size"]
    ledger.record_epoch(number, 0, {PARAMS: 2e6 * size})
    ledger.record_epoch(number, 2, {QUALITY: quality, PARAMS: 2e6 * size})
    ledger.finish(number, state, reason="planted" if state is TrialState.FAILED else None)


@pytest.fixture
def searched(tmp_path):
    """The ledger of four trials that have ended."""
    spec = SweepSpec.model_validate(sweep(4, 2, config={"seed": 0}, evaluate_first=POINTS))
    ledger = Ledger.create(tmp_path, spec, "id")
    for number, quality in enumerate(SEARCHED):
        finish(ledger, number, quality)
    return ledger


def repeat(ledger, folder, sd=0.004, seeds=3, clips=False, trials=range(4), state="finished"):
    """Repeats of the trials, with noise; one clip's score in ten is undefined."""
    rng, repeats = np.random.default_rng(1), Repeats.begin(folder, ledger.spec, Seeded)
    repeats.add(dict.fromkeys(trials, seeds), dict(enumerate(POINTS)))
    for number, (trial, _) in enumerate(repeats.pairs):
        quality = TRUTH[trial] + rng.normal(0, sd)
        finish(repeats.ledger, number, quality)
        if clips:
            files = TrialFolder(repeats.folder, number).path
            files.mkdir(parents=True)
            scores = quality + np.random.default_rng(9).normal(0, 0.1, CLIPS) + rng.normal(0, 0.01, CLIPS)
            scores[::10] = np.nan
            names = tuple(map(str, range(CLIPS)))
            crossing = Crossing(tuple(f"v{k % 10}" for k in range(CLIPS)), tuple(f"n{k % 7}" for k in range(CLIPS)))
            ClipTable(names, crossing, {QUALITY: tuple(scores)}).write(files)
    repeats.ledger.set_attr(SEEDS, seeds)
    repeats.ledger.set_attr("state", state)
    return repeats


def front_of(ledger, folder):
    records = ledger.records()
    return with_repeats(build_front(ledger.spec, "id", records, {}), folder, ledger.spec, records)


def by_trial(front):
    return {point.trial: point for point in front.repeated}


def test_without_repeats_the_front_stays_as_it_is(searched, tmp_path):
    front = front_of(searched, tmp_path)
    assert not front.confirmed and front.confirmation is None and front.repeated == []
    assert sentences(front) == []


def test_the_searchs_own_front_and_its_values_stay(searched, tmp_path):
    before = front_of(searched, tmp_path)
    repeat(searched, tmp_path)
    after = front_of(searched, tmp_path)
    assert [(p.trial, p.values) for p in after.points] == [(p.trial, p.values) for p in before.points]
    assert (after.hypervolume, after.trials) == (before.hypervolume, before.trials)
    assert Front.parse(after.model_dump(mode="json")) == after


@pytest.mark.parametrize("clips", [False, True])
def test_means_intervals_and_probabilities_are_those_of_the_truth(searched, tmp_path, clips):
    repeat(searched, tmp_path, clips=clips)
    front = front_of(searched, tmp_path)
    points = by_trial(front)
    assert front.confirmed and [p.trial for p in front.confirmation.neighbours] == [2]
    for trial, point in points.items():
        assert point.seeds == (1, 2, 3)
        assert point.mean[QUALITY] == pytest.approx(TRUTH[trial], abs=0.01)
        low, high = point.interval[QUALITY]
        assert low < point.mean[QUALITY] < high
    assert points[0].probability_on_front == points[1].probability_on_front == 1
    assert points[3].probability_on_front < 0.05, "it was lucky"
    assert 0.02 < points[2].probability_on_front < 0.98


def test_intervals_over_clips_are_wider_than_over_seeds_alone(searched, tmp_path):
    repeat(searched, tmp_path / "a", clips=False)
    repeat(searched, tmp_path / "b", clips=True)
    alone, both = (by_trial(front_of(searched, tmp_path / name))[1].interval[QUALITY] for name in "ab")
    assert both[1] - both[0] > 2 * (alone[1] - alone[0])


def test_what_seeds_do_not_change_has_no_interval(searched, tmp_path):
    repeat(searched, tmp_path)
    front = front_of(searched, tmp_path)
    for point in front.repeated:
        assert PARAMS not in point.interval and point.mean[PARAMS] == point.values[PARAMS]
    assert set(front.confirmation.smallest_difference) == {QUALITY}


def test_points_that_noise_cannot_tell_apart_are_named_on_both_sides(searched, tmp_path):
    repeat(searched, tmp_path)
    points = by_trial(front_of(searched, tmp_path))
    assert points[1].indistinguishable_from == (2,) and points[2].indistinguishable_from == (1,)
    assert points[0].indistinguishable_from == points[3].indistinguishable_from == ()


def test_a_workload_that_its_seed_does_not_change_has_certain_points(searched, tmp_path):
    repeats = Repeats.begin(tmp_path, searched.spec, Seeded)
    repeats.add(dict.fromkeys(range(4), 1), dict(enumerate(POINTS)))
    for number, (trial, _) in enumerate(repeats.pairs):
        finish(repeats.ledger, number, SEARCHED[trial])
    repeats.ledger.set_attr("state", "finished")
    points = by_trial(front_of(searched, tmp_path))
    assert [points[trial].probability_on_front for trial in range(4)] == [1, 1, 0, 1]
    assert all(point.interval == {} and point.indistinguishable_from == () for point in points.values())


def test_a_front_is_unconfirmed_until_its_driver_has_nothing_more_to_ask(searched, tmp_path):
    repeat(searched, tmp_path, state=None)
    front = front_of(searched, tmp_path)
    assert not front.confirmed and front.repeated
    assert "More repeats are wanted" in sentences(front)[-1]


def test_a_point_without_a_complete_repeat_keeps_the_front_unconfirmed(searched, tmp_path):
    repeats = repeat(searched, tmp_path, trials=[0, 1])
    repeats.add({3: 1}, dict(enumerate(POINTS)))
    finish(repeats.ledger, 6, 0.5, TrialState.FAILED)
    repeats.ledger.set_attr("state", "finished")
    front = front_of(searched, tmp_path)
    assert not front.confirmed and front.confirmation.failed_repeats == 1
    assert front.point(3).probability_on_front is None
    assert sentences(front)[-1] == "Without a complete repeat so far: trial 3."


def test_the_sentences_say_what_was_spent_and_what_it_showed(searched, tmp_path):
    repeat(searched, tmp_path)
    words = " ".join(sentences(front_of(searched, tmp_path)))
    assert "4 points (1 of them close behind the front) trained again with 3 fresh seeds each: 12 trainings" in words
    assert f"in {QUALITY} is told from noise in 80 % of cases." in words and "A difference of 0.0" in words
    assert "Noise cannot tell apart the scores of trials 1 and 2." in words
    assert "Trial 3 was lucky: it is on the front with probability 0.0" in words


def test_a_frame_has_what_repeats_have_shown(searched, tmp_path):
    repeat(searched, tmp_path)
    frame = front_of(searched, tmp_path).to_frame()
    assert frame["seeds"].tolist() == [3, 3, 3]
    assert {f"{QUALITY} mean", f"{QUALITY} low", f"{QUALITY} high", "probability_on_front"} <= set(frame.columns)


def test_the_front_says_how_many_of_its_points_are_clear(searched, tmp_path):
    assert standing(front_of(searched, tmp_path)) == "unconfirmed"
    repeats = repeat(searched, tmp_path)
    assert standing(front_of(searched, tmp_path)) == "repeated with 3 seeds: 2 of 3 points clear"
    repeats.ledger.set_attr("state", None)
    assert standing(front_of(searched, tmp_path)) == "unconfirmed, 3 of 3 points repeated so far"


def test_of_two_points_that_noise_does_not_tell_apart_the_larger_is_not_clear(searched, tmp_path):
    repeat(searched, tmp_path, sd=0.2, trials=[0, 1, 3])
    front = front_of(searched, tmp_path)
    pair = front.model_copy(
        update={
            "points": tuple(
                p.model_copy(update={"indistinguishable_from": other, "probability_on_front": 0.97})
                for p, other in zip(front.points[:2], ((1,), (0,)), strict=True)
            )
        }
    )
    assert standing(pair) == "repeated with 3 seeds: 1 of 2 points clear"


def test_points_of_one_shape_that_start_elsewhere_share_no_weights():
    params = {"student.width": 0.25, "distillation.weight": 1.0}
    starts = [
        RepeatedTrial(TrialRecord(0, TrialState.COMPLETE, params | more)).start
        for more in ({}, {"distillation.weight": 3.0}, {"training.start_from": "teacher"})
    ]
    assert starts[0] == starts[1] != starts[2]
