"""Fronts against each other: what may be compared, the indicators, their intervals, and who wins which size."""

from __future__ import annotations

import json
import math

import pytest
from compared_cases import LARGE, SMALL, confirmed_sweep, made_sweep
from front_cases import QUALITY, SIZE

from dfkd_core.errors import ConfigError
from sweeps.cli import run
from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.comparison import compare
from sweeps.fronts.front import load_front


@pytest.fixture
def two(tmp_path):
    return [made_sweep(tmp_path / "a", "dfkd", SMALL), made_sweep(tmp_path / "b", "plain", LARGE)]


def refused(folders):
    with pytest.raises(ConfigError) as error:
        read_fronts(folders)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_each_hypervolume_is_the_fronts_own_at_the_common_reference_point(two):
    compared = compare(read_fronts(two))
    assert [v.value for v in compared.hypervolumes] == pytest.approx([load_front(f).hypervolume for f in two])


def test_a_difference_holds_zero_when_seeds_or_clips_could_turn_it_around(tmp_path):
    def compared(name, apart, **noise):
        points = {"good": [(2.0, 50_000)], "bad": [(2.0 - apart, 50_000)]}
        folders = [confirmed_sweep(tmp_path / name / n, n, p, **noise) for n, p in points.items()]
        return compare(read_fronts(folders)).pairs[0].hypervolume

    clear = compared("clear", 0.5, seed_sd=0.004, noise=0.02)
    assert 0 < clear.interval[0] < clear.value < clear.interval[1] and clear.p_value < 0.001
    for name, noise in (("clips", {"noise": 0.4}), ("seeds", {"seed_sd": 0.1})):
        low, high = compared(name, 0.01, **noise).interval
        assert low < 0 < high


def test_what_all_models_find_hard_cancels_in_a_difference(tmp_path):
    folders = [confirmed_sweep(tmp_path / n, n, p) for n, p in (("dfkd", SMALL), ("plain", LARGE))]
    compared = compare(read_fronts(folders))
    width = {"alone": compared.hypervolumes[0].interval, "difference": compared.pairs[0].hypervolume.interval}
    spread = {name: high - low for name, (low, high) in width.items()}
    assert spread["difference"] < 0.5 * spread["alone"]


def test_epsilon_and_coverage_of_a_front_that_is_better_everywhere(tmp_path):
    better = made_sweep(tmp_path / "a", "better", [(2.0, 50_000), (2.5, 500_000)])
    worse = made_sweep(tmp_path / "b", "worse", [(1.9, 60_000), (2.4, 600_000)])
    forth, back = compare(read_fronts([better, worse])).pairs
    assert (forth.coverage, back.coverage) == (1.0, 0.0)
    assert forth.epsilon < 0 < back.epsilon
    shares = [0.1 / 0.6, math.log(1.2) / math.log(12)]  # of the ranges that both fronts span
    assert back.epsilon == pytest.approx(max(shares))


def test_a_smaller_model_that_is_better_wins_the_classes_above_it_too(tmp_path):
    small = confirmed_sweep(tmp_path / "a", "small", [(2.0, 12_000)])
    large = confirmed_sweep(tmp_path / "b", "large", [(1.8, 60_000), (2.5, 600_000)])
    contests = compare(read_fronts([small, large])).contests
    assert [(c.size.low, c.size.high) for c in contests] == [(1e4, 2e4), (5e4, 1e5), (5e5, 1e6)]
    assert [c.leader for c in contests] == [0, 0, 1]
    assert [c.winner for c in contests] == [None, 0, 1] and contests[0].is_unopposed
    assert contests[1].best == pytest.approx((2.0, 1.8), abs=0.02)


def test_without_fresh_seeds_there_is_no_interval_and_no_winner_and_it_says_why(tmp_path):
    once = made_sweep(tmp_path / "my runs", "once", SMALL)
    again = confirmed_sweep(tmp_path / "b", "again", LARGE)
    compared = compare(read_fronts([once, again]))
    told = f"once was not trained again with fresh seeds; `dfkd front confirm '{once}'` does it"
    assert compared.no_interval == told, "a path with a space in quotes"
    assert all(v.interval is None for v in compared.hypervolumes)
    assert all(p.hypervolume.interval is None for p in compared.pairs)
    assert all(c.winner is None and c.p_value is None for c in compared.contests)


def test_one_seed_a_point_tells_nothing_of_seeds(tmp_path):
    folders = [confirmed_sweep(tmp_path / n, n, SMALL, seeds=s) for n, s in (("one", 1), ("three", 3))]
    assert "one has one fresh seed a point" in compare(read_fronts(folders)).no_interval


def test_fronts_that_were_scored_on_other_clips_are_told_by_seeds_alone(tmp_path):
    folders = [confirmed_sweep(tmp_path / n, n, p, kept=n == "a") for n, p in (("a", SMALL), ("b", LARGE))]
    compared = compare(read_fronts(folders))
    assert compared.drawn == "seeds" and compared.pairs[0].hypervolume.interval is not None


def test_a_neighbour_that_fresh_seeds_put_on_the_front_counts(tmp_path, monkeypatch):
    """The third trial was unlucky once: its repeats are better than the second's."""
    points = [(1.5, 20_000), (1.9, 90_000), (1.88, 95_000)]
    folder = confirmed_sweep(tmp_path / "a", "a", points)
    other = confirmed_sweep(tmp_path / "b", "b", points)
    front = load_front(folder)
    lifted = [n.model_copy(update={"mean": {**n.mean, QUALITY: 2.1}}) for n in front.confirmation.neighbours]
    assert [n.trial for n in lifted] == [2]
    known = front.confirmation.model_copy(update={"neighbours": tuple(lifted)})
    monkeypatch.setattr(
        "sweeps.comparing.compared_fronts.load_front", lambda _: front.model_copy(update={"confirmation": known})
    )
    assert [p.trial for p in read_fronts([folder, other])[0].front.points] == [0, 1, 2]


def test_other_data_objectives_or_reference_points_are_refused_with_the_reason(tmp_path, two):
    other_data = made_sweep(tmp_path / "c", "c", SMALL, data_hash="data-2")
    assert "data_hash: must be that of" in refused([two[0], other_data])
    stoi = [{"metric": "val/stoi", "goal": "maximize"}, {"metric": SIZE, "goal": "minimize", "scale": "log"}]
    other_goal = made_sweep(tmp_path / "d", "d", SMALL, objectives=stoi, reference_point={"val/stoi": 0.5, SIZE: 4e6})
    assert "objectives: must be that of" in refused([two[0], other_goal])
    moved = made_sweep(tmp_path / "e", "e", SMALL, reference_point={QUALITY: 1.1, SIZE: 4e6})
    assert "val/pesq_wb 1), but is model/params 4e+06, val/pesq_wb 1.1" in refused([*two, moved])


@pytest.mark.parametrize(
    ("edited", "said"),
    [
        ({"confirmed": True}, "confirmed: must be false, since no point"),
        ({"size": 1e308}, f"{SIZE}: must be below 1e\\+100"),
    ],
)
def test_a_front_that_was_edited_is_refused_by_file_and_key(two, edited, said):
    file = two[0] / "front" / "front.json"
    content = json.loads(file.read_text())
    if "size" in edited:
        content["points"][0]["values"][SIZE] = edited["size"]
    else:
        content |= edited
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=f"^{file}: .*{said}.*`dfkd sweep sync`"):
        read_fronts(two)


def test_the_same_objectives_in_another_order_compare(tmp_path, two):
    turned = [{"metric": SIZE, "goal": "minimize", "scale": "log"}, {"metric": QUALITY, "goal": "maximize"}]
    folder = made_sweep(tmp_path / "c", "turned", SMALL, objectives=turned)
    pair = compare(read_fronts([two[0], folder])).pairs[0]
    assert pair.hypervolume.value == pytest.approx(0) and pair.coverage == 1.0


def test_an_empty_a_repeated_and_a_single_front_are_refused(tmp_path, two):
    empty = made_sweep(tmp_path / "c", "empty", [])
    assert "must have a complete trial to be compared, but has no trials" in refused([two[0], empty])
    assert "is named twice" in refused([two[0], two[0]])
    assert "two sweep folders or more, but got 1" in refused(two[:1])
    assert "holds no sweep" in refused([two[0], tmp_path])


def test_sweeps_of_one_name_are_told_apart_by_their_folders(tmp_path):
    folders = [made_sweep(tmp_path / name, "same", SMALL) for name in ("first", "second")]
    assert compare(read_fronts(folders)).labels == ["first", "second"]


def test_one_objective_is_compared_without_classes_and_three_with(tmp_path):
    only = {"objectives": [{"metric": QUALITY, "goal": "maximize"}], "reference_point": {QUALITY: 1.0}}
    single = compare(
        read_fronts([made_sweep(tmp_path / n, n, points, **only) for n, points in (("a", SMALL), ("b", LARGE))])
    )
    assert single.pairs[1].hypervolume.value == pytest.approx(0.2) and single.contests == ()
    names = ((QUALITY, "maximize", "linear"), (SIZE, "minimize", "log"), ("val/stoi", "maximize", "linear"))
    three = {
        "objectives": [dict(zip(("metric", "goal", "scale"), name, strict=True)) for name in names],
        "reference_point": {QUALITY: 1.0, SIZE: 4e6, "val/stoi": 0.5},
    }
    triple = compare(
        read_fronts([made_sweep(tmp_path / n, n, points, **three) for n, points in (("c", SMALL), ("d", LARGE))])
    )
    assert len(triple.contests) == 3 and triple.pairs[0].epsilon > 0


def test_the_command_writes_a_page_beside_the_first_front_and_tells_the_rest(two, capsys):
    assert run(["front", "compare", *map(str, two)]) == 0
    told = capsys.readouterr().out
    assert "plain over dfkd" in told and "model/params" in told and str(two[0] / "front" / "compare-plain.html") in told
    assert "plain has the larger hypervolume" in told
    assert (two[0] / "front" / "compare-plain.html").read_text().startswith("<!doctype html>")


def test_json_is_for_pipes_and_out_moves_the_page(tmp_path, capsys):
    two = [confirmed_sweep(tmp_path / n, n, p) for n, p in (("dfkd", SMALL), ("plain", LARGE))]
    assert run(["front", "compare", *map(str, two), "--json", "--out", str(tmp_path / "x" / "page.html")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [front["label"] for front in told["fronts"]] == ["dfkd", "plain"]
    assert told["page"] == str(tmp_path / "x" / "page.html") and (tmp_path / "x" / "page.html").is_file()
    assert {c["winner"] for c in told["size_classes"]} == {"dfkd", "plain"} and told["no_interval"] is None
    low, high = told["pairs"][0]["hypervolume_difference"]["interval_95"]
    assert low <= told["pairs"][0]["hypervolume_difference"]["value"] <= high


def test_wrong_input_is_one_line_and_exit_2(two, tmp_path, capsys):
    other = made_sweep(tmp_path / "c", "c", SMALL, data_hash="data-2")
    assert run(["front", "compare", str(two[0]), str(other)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "data_hash" in told and str(other) in told


def test_a_confirmed_front_counts_with_the_means_of_its_fresh_seeds(tmp_path):
    folders = [confirmed_sweep(tmp_path / n, n, SMALL, seed_sd=0.05) for n in ("a", "b")]
    known, counted = load_front(folders[0]), read_fronts(folders)[0].front
    assert [p.values[QUALITY] for p in counted.points] == [p.mean[QUALITY] for p in known.points]
    assert [p.values[QUALITY] for p in counted.points] != [p.values[QUALITY] for p in known.points]
    assert counted.points[0].values[SIZE] == known.points[0].values[SIZE]
