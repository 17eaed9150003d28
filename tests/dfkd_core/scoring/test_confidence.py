"""Intervals of means over clips: what is drawn, what is held, and that 95 % is 95 %."""

import math

import numpy as np
import pytest

from dfkd_core.scoring.confidence import FEWEST, Crossing, half_width, nearest_covariance, numbered, satterthwaite

SNRS = np.array([-0.5, -0.2, 0.2, 0.5])


def dealt(rng, speakers, families, clips):
    """A list as evaluation makes it: speakers in turn, families and SNRs in equal numbers."""
    turns = np.concatenate([rng.permutation(speakers) for _ in range(-(-clips // speakers))])[:clips]
    return (
        turns,
        rng.permutation(np.resize(np.arange(families), clips)),
        rng.permutation(np.resize(np.arange(4), clips)),
    )


def crossing(speaker, family, snr=None):
    names = tuple(map(str, speaker)), tuple(map(str, family))
    return Crossing(*names, () if snr is None else tuple(5.0 * snr))


def coverage(speakers, families, clips, spread, worlds=300, seed=1):
    """Share of worlds whose interval holds the truth 0; `spread`: of speakers, families and the rest."""
    rng, held = np.random.default_rng(seed), 0
    for _ in range(worlds):
        who, what, snr = dealt(rng, speakers, families, clips)
        own = [size * rng.normal(size=n) for size, n in zip(spread, (speakers, families, clips), strict=True)]
        low, high = crossing(who, what, snr).interval(own[0][who] + own[1][what] + own[2] + SNRS[snr])
        held += low <= 0 <= high
    return held / worlds


@pytest.mark.parametrize("spread", [(0.3, 0.3, 0.6), (0.2, 0.6, 0.5), (0.5, 0.2, 0.5), (0.1, 0.1, 0.7)])
@pytest.mark.parametrize("layout", [(22, 6, 40), (24, 10, 160)])
def test_speakers_and_noises_are_drawn_and_the_truth_is_held(layout, spread):
    assert 0.92 <= coverage(*layout, spread) <= 0.985


def test_what_is_too_few_to_draw_is_held_and_does_not_widen_the_interval():
    """The mean of these very noises is meant: their effects sum to what they are."""
    rng, held, effects = np.random.default_rng(2), 0, np.array([-0.6, -0.2, 0.1, 0.7])
    for _ in range(300):
        who, what, snr = dealt(rng, 26, 4, 160)
        scores = 0.2 * rng.normal(size=26)[who] + effects[what] + 0.4 * rng.normal(size=160) + SNRS[snr]
        low, high = crossing(who, what, snr).interval(scores)
        held += low <= 0 <= high
    assert 0.92 <= held / 300 <= 0.985


def test_one_voice_and_one_noise_leave_single_clips():
    assert 0.92 <= coverage(1, 1, 40, (0.0, 0.0, 0.6)) <= 0.98


def test_what_was_drawn_is_said_and_what_nothing_is_said_beyond():
    many, few = range(26), range(4)
    assert crossing([*many] * 2, [*range(13)] * 4).words() == "26 speakers and 13 noise families"
    told = "26 speakers; they bound nothing beyond these 4 noise families"
    assert crossing([*many] * 2, [*few] * 13).words() == told
    told = "10 clips alone; they bound nothing beyond this 1 speaker and this 1 noise family"
    assert crossing(["a"] * 10, ["paired"] * 10).words() == told
    assert len({*many}) > FEWEST > len(few)


def test_clips_that_resemble_each_other_widen_the_interval():
    per_speaker = np.repeat(np.random.default_rng(3).normal(0.0, 1.0, 20), 20)
    spans = [
        Crossing(names, ("n",) * 400).interval(per_speaker)
        for names in (tuple(map(str, np.repeat(range(20), 20))), tuple(map(str, range(400))))
    ]
    assert spans[0][1] - spans[0][0] > 3 * (spans[1][1] - spans[1][0])


def test_snrs_that_were_dealt_are_no_chance_and_measured_ones_are():
    rng = np.random.default_rng(4)
    snr = np.resize(np.arange(4), 80)
    scores = 3.0 * SNRS[snr] + 0.05 * rng.normal(size=80)
    names = tuple(map(str, range(80)))
    dealt_low, dealt_high = Crossing(names, names, tuple(5.0 * snr)).interval(scores)
    drawn_low, drawn_high = Crossing(names, names, tuple(5.0 * snr + rng.normal(size=80))).interval(scores)
    assert drawn_high - drawn_low > 10 * (dealt_high - dealt_low)


def test_undefined_scores_are_left_out():
    found = crossing(range(8), range(8)).interval([1.0, math.nan, 1.0, math.nan, 1.0, 1.0, math.nan, 1.0])
    assert found == pytest.approx((1.0, 1.0))
    assert all(math.isnan(bound) for bound in crossing(["a"], ["b"]).interval([math.nan]))
    assert all(math.isnan(bound) for bound in crossing(["a"], ["b"]).interval([2.0]))


def test_columns_have_the_variances_that_each_has_alone():
    rng = np.random.default_rng(5)
    who, what, snr = dealt(rng, 22, 6, 40)
    columns = rng.normal(size=(40, 3)) + rng.normal(size=(22, 3))[who]
    together, freedom = crossing(who, what, snr).variance(columns)
    alone = [crossing(who, what, snr).variance(columns[:, [k]]) for k in range(3)]
    np.testing.assert_allclose(together, [float(v[0]) for v, _ in alone])
    np.testing.assert_allclose(freedom, [float(f[0]) for _, f in alone])


def test_the_covariance_of_columns_has_no_negative_direction_and_their_variances():
    rng = np.random.default_rng(6)
    who, what, snr = dealt(rng, 24, 10, 160)
    columns = rng.normal(size=(10, 4))[what] + 0.3 * rng.normal(size=(160, 4))
    found = crossing(who, what, snr).covariance(columns)
    assert np.linalg.eigvalsh(found).min() > -1e-12
    variance, _ = crossing(who, what, snr).variance(columns)
    np.testing.assert_allclose(np.diag(found), variance, rtol=0.1)


def test_parts_of_a_variance_share_their_degrees_of_freedom():
    assert satterthwaite(np.array([2.0]), [(np.array([1.0]), 5), (np.array([1.0]), 5)])[0] == pytest.approx(10)
    assert satterthwaite(np.array([0.0]), [(np.array([0.0]), 5), (np.array([0.0]), 30)])[0] == 30
    assert half_width(np.array([4.0]), np.array([5.0]))[0] == pytest.approx(2 * 2.5706, rel=1e-4)


def test_names_are_numbered_as_they_come_and_a_covariance_is_mended():
    assert numbered(["b", "a", "b"]).tolist() == [0, 1, 0]
    mended = nearest_covariance(np.array([[1.0, 2.0], [2.0, 1.0]]))
    np.testing.assert_allclose(mended, [[1.5, 1.5], [1.5, 1.5]])
