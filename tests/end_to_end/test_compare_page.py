"""The page that compares fronts, in a real browser."""

from __future__ import annotations

import pytest
from compared_cases import LARGE, SMALL, confirmed_sweep, made_sweep
from front_cases import QUALITY, SIZE
from pages import HOSTILE, until

from sweeps.comparing.compared_fronts import read_fronts
from sweeps.comparing.comparison import compare
from sweeps.page.comparison import comparison_page


def write(folder, fronts, **changes):
    folders = [confirmed_sweep(folder / name, name, points, **changes) for name, points in fronts.items()]
    file = folder / "compare.html"
    file.write_text(comparison_page(compare(read_fronts(folders))))
    return file


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("compared"), {"dfkd": SMALL, "plain": LARGE})


def test_fronts_lie_over_each_other_and_can_be_switched_off(file, open_page):
    page = open_page(file)
    assert page.locator("#scatter .front-line").count() == 2
    assert page.locator("#scatter .front-point").count() == 6
    page.click("#legend button:has-text('plain')")
    assert page.locator("#scatter .front-line").count() == 1
    assert page.locator("#scatter .front-point").count() == 3


def test_a_point_tells_whose_it_is_and_how_to_export_it(file, open_page):
    page = open_page(file)
    page.click('#scatter [data-trial="1-2"]')
    details = page.inner_text("#details")
    assert "Trial 2" in details and "of plain" in details and "plain --trial 2 -o plain-t0002.yaml" in details


def test_the_keyboard_walks_over_the_points_of_all_fronts(file, open_page):
    page = open_page(file)
    page.focus("#scatter svg")
    owners = set()
    page.keyboard.press("Home")
    for _ in range(6):
        owners.add(page.get_attribute("#scatter svg", "aria-activedescendant").split("-")[1])
        page.keyboard.press("ArrowRight")
    assert owners == {"0", "1"}


def test_the_ribbon_and_the_table_tell_who_wins_which_size(file, open_page):
    page = open_page(file)
    assert page.locator("#scatter .won").count() == page.locator("#classes tbody tr").count() == 3
    assert page.locator("#classes tbody tr").nth(0).locator(".winner").inner_text().startswith("1.")
    assert page.locator("#scatter .won.side-1").count() == 2
    page.select_option("select[aria-label='Across axis']", "val/stoi")
    assert page.locator("#scatter .won").count() == 0, "another axis has no classes"


def test_every_indicator_stands_with_its_interval(file, open_page):
    page = open_page(file)
    told = page.inner_text("#indicators")
    assert told.count(" to ") >= 4 and "dfkd over plain" in " ".join(told.split())
    assert "repeated with 3 seeds" in told and "Additive epsilon" in told


def test_without_fresh_seeds_the_caveat_comes_first_and_nobody_wins(tmp_path, open_page):
    folders = [made_sweep(tmp_path / name, name, p) for name, p in (("dfkd", SMALL), ("plain", LARGE))]
    file = tmp_path / "compare.html"
    file.write_text(comparison_page(compare(read_fronts(folders))))
    page = open_page(file)
    assert page.locator("#header .summary").first.inner_text().startswith("No winner can be told")
    assert page.locator("#scatter .won").count() == 0 and "unconfirmed" in page.inner_text("#indicators")


def test_it_fits_every_width_in_both_schemes(file, open_page):
    page = open_page(file)
    for width in (360, 700, 1280, 1900):
        page.set_viewport_size({"width": width, "height": 900})
        until(page, f"document.documentElement.scrollWidth <= {width}")
    colours = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours.add(page.evaluate("getComputedStyle(document.querySelector('#scatter .front-line.side-1')).stroke"))
    assert len(colours) == 2


def test_names_stay_text(tmp_path, open_page):
    space = {"student.width": {"values": [0.25]}, HOSTILE: {"values": [HOSTILE]}}
    page = open_page(write(tmp_path, {"a": SMALL, "b": LARGE}, space=space))
    page.click('#scatter [data-trial="0-0"]')
    assert HOSTILE in page.inner_text("#details") and page.locator("img").count() == 0


def test_one_objective_and_three_are_drawn(tmp_path, open_page):
    only = {"objectives": [{"metric": QUALITY, "goal": "maximize"}], "reference_point": {QUALITY: 1.0}}
    page = open_page(write(tmp_path / "one", {"a": SMALL, "b": LARGE}, **only))
    assert page.locator("#scatter .front-point").count() == 2 and page.locator("#classes tr").count() == 0
    goals = ((QUALITY, "maximize", "linear"), (SIZE, "minimize", "log"), ("val/stoi", "maximize", "linear"))
    three = {
        "objectives": [dict(zip(("metric", "goal", "scale"), goal, strict=True)) for goal in goals],
        "reference_point": {QUALITY: 1.0, SIZE: 4e6, "val/stoi": 0.5},
    }
    page = open_page(write(tmp_path / "three", {"a": SMALL, "b": LARGE}, **three))
    page.select_option("select[aria-label='Deep axis']", "val/stoi")
    assert page.locator("#scatter .space .front-point").count() == 6
