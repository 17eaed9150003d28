"""What a figure that is made of several fronts' points is worth."""

from __future__ import annotations

import numpy as np
import pytest
from compared_cases import LARGE, SMALL, confirmed_sweep
from front_cases import QUALITY, SIZE

from sweeps import pareto
from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.evidence import Evidence
from sweeps.definition.objectives import costs


@pytest.fixture
def fronts(tmp_path):
    return read_fronts(
        [confirmed_sweep(tmp_path / "a", "dfkd", SMALL), confirmed_sweep(tmp_path / "b", "plain", LARGE)]
    )


def test_the_slopes_of_a_hypervolume_are_what_its_points_add(fronts):
    evidence, front = Evidence(fronts), fronts[0].front
    slopes, corner = evidence.of_hypervolume(0, front), costs(front.objectives, front.reference_point)
    moved = front.points[1].model_copy(
        update={"values": {**front.points[1].values, QUALITY: front.points[1].values[QUALITY] + 0.01}}
    )
    points = (front.points[0], moved, *front.points[2:])
    grown = pareto.hypervolume(front.model_copy(update={"points": points}).costs(), corner)
    before = pareto.hypervolume(front.costs(), corner)
    own = evidence.of_point(0, front.points[1].trial, QUALITY)
    assert grown - before == pytest.approx(0.01 * float(slopes[own > 0][0]), rel=1e-6)


def test_a_figure_has_an_interval_around_it_and_a_larger_one_is_less_likely_luck(fronts):
    evidence = Evidence(fronts)
    slopes = evidence.of_point(0, 0, QUALITY) - evidence.of_point(1, 0, QUALITY)
    small, large = (evidence.estimate(value, slopes) for value in (0.001, 0.1))
    assert small.interval[0] < 0 < small.interval[1] and 0 < large.interval[0] < 0.1 < large.interval[1]
    assert large.p_value < 0.01 < small.p_value


def test_what_seeds_do_not_move_has_no_slopes(fronts):
    evidence = Evidence(fronts)
    assert not evidence.of_point(0, 0, SIZE).any()
    assert evidence.estimate(1.0, evidence.of_point(0, 0, SIZE)).interval == (1.0, 1.0)


def test_more_noise_of_seeds_or_of_clips_widens_the_interval(tmp_path):
    def width(name, **noise):
        folders = [confirmed_sweep(tmp_path / name / side, f"{name}-{side}", SMALL, **noise) for side in "ab"]
        found = read_fronts(folders)
        evidence = Evidence(found)
        slopes = evidence.of_hypervolume(0, found[0].front) - evidence.of_hypervolume(1, found[1].front)
        low, high = evidence.estimate(0.0, slopes).interval
        return high - low

    still = width("still", seed_sd=0.002, noise=0.01)
    assert width("seeds", seed_sd=0.05, noise=0.01) > 3 * still
    assert width("clips", seed_sd=0.002, noise=0.4) > 3 * still


def test_it_says_what_was_drawn(fronts, tmp_path):
    assert Evidence(fronts).words() == "seeds, and 6 speakers and 6 noise families"
    alone = [confirmed_sweep(tmp_path / n, n, SMALL, kept=False) for n in ("c", "d")]
    assert Evidence(read_fronts(alone)).words() == "seeds"
    assert np.isfinite(Evidence(read_fronts(alone)).of_hypervolume(0, fronts[0].front)).all()
