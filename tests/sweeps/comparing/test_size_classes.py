"""Classes of size, and who wins them."""

from __future__ import annotations

import pytest
from compared_cases import confirmed_sweep
from front_cases import QUALITY, complete, spec

from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.evidence import Evidence
from sweeps.comparing.size_classes import SizeClass, best_offer, contests, size_and_judge, size_classes
from sweeps.fronts.front import build_front


def test_classes_are_thirds_of_a_decade_where_those_are_few():
    assert size_classes([10_000, 19_999, 20_000, 70_000]) == [
        SizeClass(1e4, 2e4),
        SizeClass(2e4, 5e4),
        SizeClass(5e4, 1e5),
    ]


def test_classes_are_decades_where_thirds_would_be_many():
    sizes = [m * 10.0**p for p in range(3, 7) for m in (1, 3, 6)]
    assert size_classes(sizes) == [SizeClass(10.0**p, 10.0 ** (p + 1)) for p in range(3, 7)]


@pytest.mark.parametrize("sizes", [[], [0.0]])
def test_no_positive_size_has_no_class(sizes):
    assert size_classes(sizes) == []


def test_what_is_offered_grows_with_the_class():
    front = build_front(spec(), "a", [complete(0, 1.0, 10.0), complete(1, 3.0, 30.0), complete(2, 2.0, 70.0)])
    size, judge = size_and_judge(front)
    classes = [SizeClass(5, 10), SizeClass(10, 20), SizeClass(20, 50), SizeClass(50, 100)]
    offers = [best_offer(front, size, judge, c) for c in classes]
    assert [offer and offer.values[QUALITY] for offer in offers] == [None, 1.0, 3.0, 3.0]


def contested(folder, noise, *points):
    folders = [confirmed_sweep(folder / f"{n}", f"s{n}", list(p), **noise) for n, p in enumerate(points)]
    fronts = read_fronts(folders)
    own = [compared.front for compared in fronts]
    return contests(own, Evidence(fronts)), contests(own, None)


def test_a_class_is_won_where_the_lead_is_told_from_luck(tmp_path):
    still, shaken = {"seed_sd": 0.004, "noise": 0.02}, {"seed_sd": 0.3, "noise": 0.02}
    (clear,), (seedless,) = contested(tmp_path / "a", still, [(2.0, 15_000)], [(1.8, 16_000)])
    assert clear.leader == clear.winner == seedless.leader == 0 and clear.p_value < 0.001
    assert seedless.winner is None and seedless.p_value is None
    (open_,), _ = contested(tmp_path / "b", shaken, [(2.0, 15_000)], [(1.8, 16_000)])
    assert open_.winner is None and open_.p_value > 0.05


def test_a_shared_best_has_no_leader_and_who_stands_alone_has_not_won(tmp_path):
    fronts = [build_front(spec(), name, [complete(0, 2.0, 15_000)]) for name in "ab"]
    (shared,) = contests(fronts, None)
    assert (shared.leader, shared.best) == (None, (2.0, 2.0))
    found, _ = contested(tmp_path, {}, [(2.0, 15_000)], [(1.5, 60_000)])
    assert found[0].is_unopposed and (found[0].leader, found[0].winner) == (0, None)
    assert not found[1].is_unopposed and found[1].winner == 0


def test_objectives_without_a_log_size_have_no_classes():
    linear = [{"metric": QUALITY, "goal": "maximize"}, {"metric": "val/stoi", "goal": "maximize"}]
    front = build_front(
        spec(objectives=linear, reference_point={QUALITY: 1.0, "val/stoi": 0.5}), "a", [complete(0, 2.0, 1e4)]
    )
    assert contests([front, front], None) == []
