"""Choosing among two thousand trials with three objectives, in a real browser."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from browsing_sweep import DELAY, MACS, QUALITY, SIZE, browsing_records, browsing_spec
from pages import chosen, limit, pick, until

from sweeps.fronts.choose import choose_best
from sweeps.fronts.front import build_front
from sweeps.fronts.listening import Excerpt, Listening
from sweeps.page.report import write_front
from sweeps.tracking.addresses import RunAddresses

NUM_TRIALS = 2000
WIDTHS = [(390, 820), (625, 668), (1280, 900), (2560, 1440)]
SCHEMES = ["light", "dark"]
BUDGET = {SIZE: 60e3, MACS: 0.3e9, DELAY: 10}
TYPED = {SIZE: "60k", MACS: "0.3G", DELAY: "10"}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """The front and the file of its page; its four smallest points can be heard."""
    folder, spec, records = tmp_path_factory.mktemp("sweep"), browsing_spec(NUM_TRIALS), browsing_records(NUM_TRIALS)
    front = build_front(spec, "id-1", records)
    tone = 0.2 * np.sin(np.arange(16_000) / 6)
    students = {point.trial: tone / (1 + n) for n, point in enumerate(front.points[:4])}
    room = Listening([Excerpt(name, tone, tone, None, students) for name in ("babble, 0 dB", "music, 5 dB")])
    runs = RunAddresses("http://tracker:5000", "3", {r.number: f"run{r.number}" for r in records})
    write_front(folder, front, records, spec, addresses=runs, listening=room)
    return front, folder / "front" / "front.html"


@pytest.fixture(params=WIDTHS, ids=lambda size: str(size[0]))
def page(sweep, open_page, request):
    """The page at each width."""
    width, height = request.param
    return open_page(sweep[1], width=width, height=height)


def in_both_schemes(page):
    """Light, then dark."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        yield scheme


def test_three_bounds_and_one_click_find_what_python_finds_and_the_link_opens_the_same_view(sweep, page, open_page):
    front, file = sweep
    for name, text in TYPED.items():
        limit(page, name, text)
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    right = choose_best(front, QUALITY, at_most=BUDGET)
    assert chosen(page) == right.point.trial and right.point not in front.points
    why = page.inner_text(".why")
    better = right.why.rpartition("trial ")[2]
    assert f"of all {len(front.complete()):,} complete trials".replace(",", "\u202f") in why
    assert why.endswith(f"it is not on the front: trial {better}")
    again = open_page(f"{file}#{page.evaluate('location.hash').removeprefix('#')}", width=page.viewport_size["width"])
    assert chosen(again) == right.point.trial
    for place in ("#set-bar strong", "#details h2", "#trials [role=status]"):
        assert again.inner_text(place) == page.inner_text(place)
    for _ in in_both_schemes(page):
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_details_of_a_clicked_point_are_in_sight(sweep, page):
    front, _ = sweep
    point = front.points[len(front.points) // 2]
    pick(page, point.trial)
    height = page.viewport_size["height"]
    places = ("#details h2", "#details .objectives", "#details dl >> nth=0")
    for scheme in in_both_schemes(page):
        for place in places:
            box = page.locator(place).bounding_box()
            assert box["y"] >= 0 and box["y"] + min(box["height"], 60) <= height, f"{place} is out of sight, {scheme}"


def values_of(page, name):
    """A column's cells in view."""
    heads = [text.replace("\n", "") for text in page.locator("#trials th").all_inner_texts()]
    place = next(n for n, head in enumerate(heads) if head.startswith(name))
    return page.locator(f"#trials tbody tr[data-trial] td:nth-child({place + 1})").all_inner_texts()


def test_the_set_holds_everywhere(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    for name, text in TYPED.items():
        limit(page, name, text)
    within = [p for p in front.complete() if all(p.measured(m) <= most for m, most in BUDGET.items())]
    on_front = [p for p in front.points if p in within]
    size = page.inner_text("#set-bar strong").replace("\u202f", "")
    assert size == f"{len(within)} of {len(front.complete())} complete trials, {len(on_front)} on the front"
    assert page.inner_text("#trials [role=status]").startswith(f"{len(on_front)} row")
    page.click("#trials h2 button")
    assert page.inner_text("#trials [role=status]").startswith(f"{len(within)} row")
    assert page.locator("#scatter .front-point.out").count() == len(front.points) - len(on_front)
    assert page.locator("#parallel .line.out").count() == 1 and page.locator("#scatter .box").count() == 1
    rows = list(csv.DictReader(io.StringIO(copied(page, "#trials button:has-text('Copy as CSV')"))))
    assert {int(row["trial"]) for row in rows} == {p.trial for p in within}
    page.click("#set-bar button:text-is('Lift all')")
    assert page.locator("#scatter .front-point.out").count() == 0


def copied(page, button):
    """What a button of the page puts on the clipboard."""
    page.evaluate("window.kept = null; navigator.clipboard.writeText = async (text) => { window.kept = text; }")
    page.click(button)
    until(page, "window.kept !== null")
    return page.evaluate("window.kept")


def test_bounds_of_the_page_take_what_the_command_line_takes(sweep, open_page):
    page = open_page(sweep[1])
    field = page.locator(f"#within input[aria-label^='{SIZE}']")
    for text in ("sixty", "60 kB", "60K"):
        limit(page, SIZE, text)
        assert field.get_attribute("aria-invalid") == "true" and "60k or 0.3G" in field.get_attribute("title")
        assert page.locator("#set-bar .chip").count() == 0
    for text in ("60k", "0.06M", "6e4", " 60000 "):
        limit(page, SIZE, text)
        assert page.inner_text("#set-bar .chip >> nth=0").startswith(f"{SIZE} \u2264 60k")
        limit(page, SIZE, "")


def test_a_brush_on_an_axis_bounds_and_a_click_on_it_lifts_the_bound(sweep, open_page):
    page = open_page(sweep[1])
    pad = page.locator('#parallel [data-brush="student.width"]')
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    middle = box["x"] + box["width"] / 2
    page.mouse.move(middle, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + 160, steps=3)
    page.mouse.up()
    assert page.inner_text("#set-bar .chip >> nth=0").startswith("student.width 0.")
    assert page.inner_text("#set-bar").count("rules look at all complete trials") == 1
    page.mouse.click(middle, box["y"] + 100)
    assert page.locator("#set-bar .chip").count() == 0


def test_categories_are_bounded_by_a_brush_and_from_the_list_of_bounds(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    page.select_option("#within select", "student.model")
    page.click("#within .limit-row button:text-is('gtcrn')")
    gtcrn = [p for p in front.complete() if p.params["student.model"] == "gtcrn"]
    assert page.inner_text("#set-bar strong").replace("\u202f", "").startswith(f"{len(gtcrn)} of ")


def test_lines_have_hover_and_axes_another_order_by_mouse_and_by_keyboard(sweep, open_page):
    page = open_page(sweep[1])
    names = "[...document.querySelectorAll('#parallel .axis-title')].map((title) => title.dataset.axis)"
    first = page.evaluate(names)
    page.select_option("#parallel select", first[0])
    page.click("#parallel button:has-text('right')")
    assert page.evaluate(names)[:2] == [first[1], first[0]]
    title = page.locator(f'#parallel .axis-title[data-axis="{first[0]}"]')
    title.scroll_into_view_if_needed()
    box = title.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(60, box["y"] + 5, steps=3)
    page.mouse.up()
    assert page.evaluate(names)[:2] == first[:2]
    assert json.loads(page.evaluate("new URLSearchParams(location.hash.slice(1)).get('axes')"))[:2] == first[:2]
    drawing = page.locator("#parallel .chart svg").bounding_box()
    page.mouse.move(drawing["x"] + 120, drawing["y"] + 200)
    for step in range(20):
        page.mouse.move(drawing["x"] + 120, drawing["y"] + 80 + 10 * step)
        if page.locator("#parallel .line.hovered").count():
            break
    assert page.locator("#parallel .line.hovered").count() == 1 and "Trial " in page.inner_text("#parallel .tip")


def test_colour_tells_the_third_objective_or_a_category_with_a_legend(sweep, open_page):
    page = open_page(sweep[1])
    assert page.input_value("select[aria-label='Colour']") == MACS
    assert "model/macs_per_s (MAC/s)" in page.inner_text("#colour-legend")
    shades = (
        "new Set([...document.querySelectorAll('#scatter .front-point')].map((n) => getComputedStyle(n).fill)).size"
    )
    assert page.evaluate(shades) >= 5
    page.select_option("select[aria-label='Colour']", "student.model")
    legend = page.inner_text("#colour-legend")
    assert all(model in legend for model in ("dccrn", "conv_tasnet", "gtcrn")) and page.evaluate(shades) == 3


def test_each_pair_of_three_objectives_has_a_picture_that_can_be_made_large(sweep, open_page):
    page = open_page(sweep[1])
    assert page.locator("#pairs .panel svg").count() == 3
    page.click(f"#pairs button:text-is('{MACS} against {QUALITY}')")
    assert page.input_value("select[aria-label='Across axis']") == QUALITY
    assert page.input_value("select[aria-label='Up axis']") == MACS


def test_two_points_are_compared_in_values_settings_and_sound(sweep, open_page):
    front, file = sweep
    page = open_page(f"{file}#trial={front.points[0].trial}")
    page.click("#details .pin")
    pick(page, front.points[1].trial)
    text = page.inner_text("#versus")
    one, other = front.points[:2]
    assert f"pinned {one.trial}" in text and f"chosen {other.trial}" in text
    gap = abs(other.values[QUALITY] - one.values[QUALITY])
    assert f"{gap:.3f}" in text and "student.width" in text
    assert page.locator("#listening .card audio").count() == 4  # noisy, pinned, chosen, clean
    assert f"pinned={one.trial}" in page.evaluate("location.hash")


def test_a_blind_comparison_counts_right_answers_and_says_what_guessing_does(sweep, open_page):
    front, file = sweep
    page = open_page(f"{file}#pinned={front.points[0].trial}&trial={front.points[1].trial}")
    page.click("#listening button:text-is('Compare blind')")
    assert page.locator("#listening .cards").count() == 0, "spectrograms would tell"
    for _ in range(3):
        sources = page.evaluate("[...document.querySelectorAll('.blind audio')].map((audio) => audio.src)")
        x_is_a = sources[2] == sources[0]
        page.click(f".blind button:text-is('X is {'A' if x_is_a else 'B'}')")
    told = page.inner_text(".blind [role=status]")
    assert told.startswith("Right: X was trial") and "3 of 3 right; guessing does as well or better in 13 %" in told


def test_the_whole_state_is_in_the_address_and_foreign_addresses_do_no_harm(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    page.select_option("select[aria-label='Across axis']", MACS)
    page.uncheck("input[aria-label='log, Across axis']")
    page.select_option("select[aria-label='Colour']", "student.model")
    page.click("#legend button:has-text('Dominated')")
    page.click("#trials h2 button")
    page.click("#listening .chip >> nth=1")
    again = open_page(f"{file}{page.evaluate('location.hash')}")
    assert again.input_value("select[aria-label='Across axis']") == MACS
    assert not again.is_checked("input[aria-label='log, Across axis']")
    assert again.input_value("select[aria-label='Colour']") == "student.model"
    assert again.get_attribute("#legend button:has-text('Dominated')", "aria-pressed") == "false"
    assert again.inner_text("#trials h2").startswith("All trials")
    assert again.get_attribute("#listening .chip >> nth=1", "aria-pressed") == "true"
    odd = open_page(
        f'{file}#trial=99999&x=__proto__&where=["nothing",[1,2]]&where=%7B&zoom=[1]&sort=<b>&clip=-3&axes=7'
    )
    assert chosen(odd) == front.knee().trial and odd.locator("#set-bar .chip").count() == 0


def test_the_link_of_the_button_is_the_address(sweep, open_page):
    page = open_page(sweep[1])
    limit(page, SIZE, "60k")
    link = copied(page, "#set-bar button:text-is('Copy link')")
    assert link == page.evaluate("location.href") and "60000" in link


def test_columns_have_one_unit_one_notation_and_equal_decimals(sweep, open_page):
    page = open_page(sweep[1])
    heads = [text.replace("\n", "") for text in page.locator("#trials th").all_inner_texts()]
    assert any(head.startswith(f"{MACS} (MMAC/s)") for head in heads)
    macs, sizes = values_of(page, MACS), values_of(page, SIZE)
    assert len({len(text.partition(".")[2]) for text in macs}) == 1 and "e" not in "".join(macs)
    assert all(text.replace("\u202f", "").isdigit() for text in sizes)


def test_two_thousand_rows_are_drawn_as_they_come_into_view_and_found_by_number(sweep, open_page):
    page = open_page(sweep[1])
    page.click("#trials h2 button")
    rows = page.locator("#trials tbody tr[data-trial]")
    assert rows.count() < 60 and page.inner_text("#trials [role=status]").replace("\u202f", "") == "2000 rows"
    page.click("#trials th button:has-text('trial')")
    page.evaluate("document.querySelector('.rows').scrollTop = 1e6")
    until(page, f"document.querySelector('#trials tr[data-trial=\"{NUM_TRIALS - 1}\"]') !== null")
    head = page.locator("#trials th >> nth=0").bounding_box()
    box = page.locator("#trials .rows").bounding_box()
    assert head["y"] == pytest.approx(box["y"], abs=2), "the head stays"
    page.fill("#trials input[type=search]", "1234")
    assert rows.count() == 1 and rows.first.get_attribute("data-trial") == "1234"


def test_paper_says_how_many_rows_it_has(sweep, open_page):
    page = open_page(sweep[1])
    page.click("#trials h2 button")
    page.emulate_media(media="print")
    until(page, "document.querySelectorAll('#trials tbody tr[data-trial]').length === 1000")
    assert "1000 rows of 2000 are printed" in page.inner_text("#trials").replace("\u202f", "")


def test_each_size_is_explained_where_it_is_shown(sweep, open_page):
    page = open_page(sweep[1])
    page.click("#details summary:text('What the sizes contain')")
    text = page.inner_text(".meanings")
    assert "computing time comes on top" in text and "Multiply-adds for one second of audio" in text
    assert "one second" in page.get_attribute(f"#within label:has-text('{MACS}')", "title")


NAMES = """() => [...document.querySelectorAll("button, select, input, [role=option]")]
  .filter((node) => node.getAttribute("aria-label") && node.innerText?.trim() && node.tagName !== "SELECT")
  .filter((node) => !node.getAttribute("aria-label").toLowerCase().includes(node.innerText.trim().toLowerCase()))
  .map((node) => [node.innerText, node.getAttribute("aria-label")])"""
SMALL = """() => [...document.querySelectorAll("button, select, input[type=text], input[type=search], summary")]
  .filter((node) => node.offsetParent).map((node) => [node.innerText, node.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24).map(([text]) => text)"""
CONTRAST = """(place) => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => rgb(text).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, index) => sum + v * [0.2126, 0.7152, 0.0722][index], 0);
  const style = (node) => getComputedStyle(node);
  const ink = light(style(document.querySelector(place)).color);
  const paper = light(style(document.body).backgroundColor);
  return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
}"""


def test_names_hold_the_visible_words_targets_are_large_and_switched_off_chips_readable(page):
    for _ in in_both_schemes(page):
        assert page.evaluate(NAMES) == [] and page.evaluate(SMALL) == []
        assert page.evaluate(CONTRAST, "#legend .chip[aria-pressed='false']") >= 4.5


# whatever takes a touch, drawn things too; a point of the front is caught from further away
TOUCHED = """() => [...document.querySelectorAll(
    "button, select, input, summary, a, [role=button], [role=slider], [tabindex]:not([role=listbox])")]
  .filter((node) => node.getClientRects().length && node.getAttribute("tabindex") !== "-1")
  .map((node) => [node.id || node.innerText || node.textContent || node.tagName, node.getBoundingClientRect()])
  .filter(([, box]) => box.height < 24 || box.width < 24).map(([text, box]) => [text, box.width, box.height])"""


@pytest.mark.parametrize("width", [390, 1280])
def test_every_target_of_a_finger_is_large_enough(sweep, open_page, width):
    page = open_page(sweep[1], width=width, touch=True)
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    page.click("#trials h2 button")
    limit(page, SIZE, "60k")
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    assert page.evaluate(TOUCHED) == []
    point = sweep[0].points[len(sweep[0].points) // 2]
    box = page.locator(f'#scatter [data-trial="{point.trial}"]').bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2 + 12, box["y"] + box["height"] / 2)
    assert chosen(page) is not None


def test_the_room_of_a_large_screen_is_used(sweep, open_page):
    page = open_page(sweep[1], width=2560, height=1440)
    picture = page.locator("#scatter svg").bounding_box()
    assert picture["width"] > 1600 and picture["height"] > 900
    page = open_page(sweep[1], width=2200, height=1200)
    assert page.locator("#scatter svg").bounding_box()["width"] > 1300
