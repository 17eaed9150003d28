"""The front on a terminal, and in the forms for pipes."""

from __future__ import annotations

import csv
import io
import json

import pytest
from front_cases import SIZE, complete, confirmed, ended, random_sweep, small_sweep, spec
from rich.console import Console

from sweeps.fronts.front import build_front
from sweeps.fronts.reference_models import ReferenceModel
from sweeps.record.trials import TrialState
from sweeps.terminal.front_plot import front_plot, short_number
from sweeps.terminal.front_table import show_front


@pytest.fixture
def front():
    return build_front(spec(), "id-1", random_sweep(60), {})


@pytest.fixture
def confirmed_front():
    return confirmed(build_front(spec(), "id-1", small_sweep(), {}))


def shown(front, form="table", width=120, terminal=True):
    out = io.StringIO()
    show_front(front, form, Console(file=out, width=width, force_terminal=terminal, color_system=None))
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_display_never_runs_over_the_terminals_width(front, width):
    assert max(len(line) for line in shown(front, width=width).splitlines()) <= width


def test_on_a_wide_terminal_the_drawing_stands_beside_the_table(front):
    wide, narrow = shown(front, width=200), shown(front, width=90)
    assert len(wide.splitlines()) < len(narrow.splitlines())
    assert "|" in wide and "|" in narrow


def test_columns_that_find_no_room_are_named(front):
    text = shown(front, width=60)
    assert "Not shown for want of room" in text and "distillation.split" in text


def test_a_pipe_gets_the_whole_table_without_drawing_or_colour(front):
    text = shown(front, width=40, terminal=False)
    assert "|" not in text and "\x1b" not in text
    assert len(text.splitlines()) == 3 + len(front.points)


def test_the_knee_and_the_hypervolume_are_named(front):
    text = shown(front)
    assert f"knee {front.knee().trial}" in text and "unconfirmed" in text and f"{front.hypervolume:.5g}" in text


def test_json_is_front_json_and_csv_has_a_row_per_point(front):
    assert json.loads(shown(front, "json")) == json.loads(front.to_json())
    rows = list(csv.DictReader(io.StringIO(shown(front, "csv"))))
    assert [int(row["trial"]) for row in rows] == [point.trial for point in front.points]
    assert float(rows[0][SIZE]) == front.points[0].values[SIZE]


def test_an_empty_front_says_what_is_there():
    text = shown(build_front(spec(), "x", [ended(0, TrialState.FAILED, "boom")]))
    assert "0 points" in text and "1 failed" in text


def test_equal_points_and_a_single_point_are_shown():
    assert shown(build_front(spec(), "x", small_sweep())).count("20 000") == 2
    assert "knee" not in shown(build_front(spec(), "x", [complete(0, 2.0, 1e5)]))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_front_without_a_knee_says_so_and_marks_none(terminal):
    front = build_front(spec(), "x", [complete(0, 1.0, 1e4), complete(1, 1.1, 1e5), complete(2, 2.0, 1e6)])
    text = shown(front, terminal=terminal)
    assert "knee 0" not in text and "knee 2" not in text and "No knee" in text and "Trial 2 has" in text
    assert "K" not in front_plot(front, 50, 12)


def test_the_drawing_puts_small_and_poor_at_the_lower_left_on_a_log_axis():
    records = [complete(0, 1.0, 1e4), complete(1, 2.0, 1e5), complete(2, 3.0, 1e6)]
    lines = front_plot(build_front(spec(), "x", records), 50, 12).splitlines()
    columns = {row: line.index("|") for row, line in enumerate(lines) if "|" in line}
    marks = [
        (row, max(lines[row].find(c) for c in "oK") - columns[row]) for row in columns if set("oK") & set(lines[row])
    ]
    assert [row for row, _ in marks] == [1, 5, 9]
    right, middle, left = (column for _, column in marks)
    assert left == 1 and middle == pytest.approx((left + right) / 2, abs=1)


def test_one_objective_has_no_drawing():
    size_only = [spec().objectives[1].model_dump()]
    front = build_front(spec(objectives=size_only, reference_point={SIZE: 4e6}), "x", small_sweep())
    assert front_plot(front, 60, 12) == ""
    assert "No knee" in shown(front)


@pytest.mark.parametrize(("value", "text"), [(58_600, "58.6k"), (1.2e6, "1.2M"), (2.0872, "2.087"), (-0.5, "-0.5")])
def test_short_numbers_keep_to_six_characters(value, text):
    assert short_number(value) == text


def test_a_front_that_was_trained_again_shows_means_probabilities_and_sentences(confirmed_front):
    wide = shown(confirmed_front, width=200)
    assert "quality" not in wide and "pesq_wb mean" in wide and "on front" in wide
    assert "1.48 \u00b10.03" in wide and "0.97" in wide
    assert "Noise cannot tell apart the scores of trials 0 and 8." in shown(confirmed_front, terminal=False)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_front_that_was_trained_again_fits_its_table_into_the_terminal(confirmed_front, width):
    table = shown(confirmed_front, width=width).split("Noise")[0]
    assert max(len(line.rstrip()) for line in table.splitlines()) <= width


def test_csv_of_a_front_that_was_trained_again_has_seeds_and_bounds(confirmed_front):
    rows = list(csv.DictReader(io.StringIO(shown(confirmed_front, "csv"))))
    assert [row["seeds"] for row in rows] == ["3", "3", "3", ""]
    assert float(rows[0]["val/pesq_wb low"]) == pytest.approx(1.45)
    assert rows[-1]["probability_on_front"] == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_models_from_elsewhere_stand_below_the_table(front, terminal):
    others = (ReferenceModel("gtcrn", {"val/pesq_wb": 2.04, SIZE: 48_228, "val/stoi": 0.9}),)
    text = shown(front.model_copy(update={"references": others}), width=200, terminal=terminal)
    assert "for comparison: gtcrn  val/pesq_wb 2.04  model/params 48 228" in text


HOSTILE = "closed [/nothing] [red]styled[/red] \x1b[2J \u202egnp"


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("form", ["table", "csv"])
def test_text_of_a_front_is_no_style_and_steers_no_terminal(terminal, form):
    records = [complete(0, 2.0, 1e5), complete(1, 1.0, 1e4)]
    records[0].params[HOSTILE] = HOSTILE
    records[1].params["[/x]"] = "[/x]"
    front = build_front(spec(), "x", records)
    front = front.model_copy(update={"references": (ReferenceModel(HOSTILE, {SIZE: 1e4}),)})
    text = shown(front, form, width=300, terminal=terminal)
    assert "[red]styled[/red]" in text and "[/x]" in text
    if terminal or form == "table":
        assert "\x1b" not in text and "\u202e" not in text and "\\x1b[2J \\u202egnp" in text


def test_the_csv_of_the_points_holds_sizes_and_delays_and_nothing_that_runs(front):
    rows = list(csv.DictReader(io.StringIO(shown(front, "csv"))))
    assert float(rows[0]["model/macs_per_s"]) == front.points[0].metrics["model/macs_per_s"]
    records = [complete(0, 2.0, 1e5)]
    records[0].params["=1+1"] = "@SUM(1)"
    table = shown(build_front(spec(), "x", records), "csv", terminal=False)
    assert "'=1+1" in table and "'@SUM(1)" in table
