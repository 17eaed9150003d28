"""A comparison in sentences and as tables on a terminal."""

from __future__ import annotations

import io

import pytest
from compared_cases import LARGE, SMALL, confirmed_sweep, made_sweep
from rich.console import Console

from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.comparison import compare
from sweeps.comparing.comparison_words import cautions, caveat, classes_won, headline, trust, verdict
from sweeps.terminal.comparison_report import show_comparison


@pytest.fixture
def comparison(tmp_path):
    folders = [confirmed_sweep(tmp_path / "a", "dfkd", SMALL), confirmed_sweep(tmp_path / "b", "plain", LARGE)]
    return compare(read_fronts(folders))


@pytest.fixture
def doubtful(tmp_path):
    """Two fronts that other seeds could turn around, after different budgets."""
    budget, noise = {"trials": 8, "epochs_per_trial": 6}, {"seed_sd": 0.1, "noise": 0.5}
    one = confirmed_sweep(tmp_path / "one", "one", [(2.0, 50_000)], **noise)
    other = confirmed_sweep(tmp_path / "two", "other", [(1.99, 50_000)], budget=budget, **noise)
    return compare(read_fronts([one, other]))


@pytest.fixture
def seedless(tmp_path):
    return compare(read_fronts([made_sweep(tmp_path / n, n, p) for n, p in (("dfkd", SMALL), ("plain", LARGE))]))


def test_the_headline_names_the_larger_hypervolume_and_its_doubt(comparison, doubtful):
    assert headline(comparison).startswith("plain has the larger hypervolume, ") and "95 %" in headline(comparison)
    assert "turn around" not in headline(comparison) and caveat(comparison) == ""
    assert headline(doubtful).endswith("which other seeds and clips could turn around.")


def test_without_seeds_the_caveat_comes_first_and_nobody_wins(seedless):
    assert caveat(seedless).startswith(
        "No winner can be told: dfkd was not trained again with fresh seeds; `dfkd front"
    )
    assert headline(seedless).endswith("more; how much of that is luck is not known.") and "95 %" not in headline(
        seedless
    )
    assert classes_won(seedless) == ""
    assert {verdict(contest, seedless.labels) for contest in seedless.contests} == {"open"}
    out = io.StringIO()
    show_comparison(seedless, Console(file=out, width=300))
    assert out.getvalue().startswith("No winner can be told")


def test_classes_are_counted_by_who_wins_them(comparison, doubtful):
    assert classes_won(comparison) == "Of 3 classes of model/params, by val/pesq_wb: dfkd 1, plain 2."
    assert classes_won(doubtful).endswith("open 1.")
    assert verdict(doubtful.contests[0], doubtful.labels) == "open"


def test_who_alone_has_something_so_small_has_not_won(tmp_path):
    small, large = [(1.5, 20_000)], [(1.8, 90_000)]
    folders = [confirmed_sweep(tmp_path / n, n, p) for n, p in (("a", small), ("b", large))]
    assert classes_won(compare(read_fronts(folders))) == "Of 2 classes of model/params, by val/pesq_wb: b 1, only a 1."


def test_what_weakens_a_comparison_is_said(doubtful):
    assert cautions(doubtful) == ["The sweeps had different budgets."]
    assert "drawn were seeds, and 6 speakers and 6 noise families, the same clips" in trust(doubtful)


def test_of_three_fronts_the_pairs_are_one_family_of_tests(tmp_path):
    """The leader's lead leaves 0 out alone; among three pairs such a lead comes by luck too often."""
    noise = {"seed_sd": 0.045, "noise": 0.02}
    sweeps = {"a": [(2.0, 50_000)], "b": [(1.9, 50_000)], "c": [(1.88, 50_000)]}
    three = compare(read_fronts([confirmed_sweep(tmp_path / n, n, p, **noise) for n, p in sweeps.items()]))
    lead = next(p for p in three.pairs if (p.first, p.other) == (0, 2)).hypervolume
    assert lead.interval[0] > 0 and 0.02 < lead.p_value < 0.05
    assert headline(three).endswith("which other seeds and clips could turn around.")


def test_equal_fronts_are_called_equal(tmp_path):
    folders = [made_sweep(tmp_path / name, name, SMALL) for name in ("a", "b")]
    equal = compare(read_fronts(folders))
    assert {verdict(contest, equal.labels) for contest in equal.contests} == {"equal"}
    assert headline(equal).startswith("a and b have the same hypervolume, ")


@pytest.mark.parametrize("width", [80, 120, 200])
def test_tables_keep_to_a_terminals_width(comparison, width):
    out = io.StringIO()
    show_comparison(comparison, Console(file=out, width=width, force_terminal=True, color_system=None))
    assert max(len(line) for line in out.getvalue().splitlines()) <= width


def test_a_pipe_gets_whole_lines_without_colour(comparison):
    out = io.StringIO()
    show_comparison(comparison, Console(file=out, width=40))
    assert "\x1b" not in out.getvalue()
    assert any("plain over dfkd" in line and line.count(" to ") == 1 for line in out.getvalue().splitlines())
