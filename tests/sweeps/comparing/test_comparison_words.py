"""A comparison in sentences and as tables on a terminal."""

from __future__ import annotations

import io

import pytest
from compared_cases import LARGE, SMALL, made_sweep
from rich.console import Console

from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.comparison import compare
from sweeps.comparing.comparison_words import cautions, classes_won, headline, trust, verdict
from sweeps.terminal.comparison_table import show_comparison


@pytest.fixture
def comparison(tmp_path):
    folders = [made_sweep(tmp_path / "a", "dfkd", SMALL), made_sweep(tmp_path / "b", "plain", LARGE)]
    return compare(read_fronts(folders))


@pytest.fixture
def doubtful(tmp_path):
    """Two fronts that other clips could turn around, after different budgets."""
    budget = {"trials": 8, "epochs_per_trial": 6}
    one = made_sweep(tmp_path / "one", "one", [(2.0, 50_000)], noise=0.5)
    return compare(
        read_fronts([one, made_sweep(tmp_path / "two", "other", [(1.99, 50_000)], noise=0.5, budget=budget)])
    )


def test_the_headline_names_the_larger_hypervolume_and_its_doubt(comparison, doubtful):
    assert headline(comparison).startswith("plain has the larger hypervolume, ") and "95 %" in headline(comparison)
    assert "which other clips could turn around" in headline(doubtful)


def test_classes_are_counted_by_who_wins_them(comparison, doubtful):
    assert classes_won(comparison) == "Of 3 classes of model/params, by val/pesq_wb: dfkd 1, plain 2."
    assert classes_won(doubtful).endswith("open 1.")
    assert verdict(doubtful.contests[0], doubtful.labels).startswith("open (one in ")


def test_what_weakens_a_comparison_is_said(doubtful):
    assert cautions(doubtful) == [
        "The sweeps had different budgets.",
        "Unconfirmed: one, other; each point was trained once.",
    ]
    assert "drawing validation clips by speaker x noise family" in trust(doubtful)


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
    assert any("plain over dfkd" in line and line.count(" to ") == 3 for line in out.getvalue().splitlines())
