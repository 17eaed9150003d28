"""The page of a front in a real browser: looked at, clicked through and listened to."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from front_cases import QUALITY, SIZE, confirmed, ended, lucky_front, random_sweep, small_sweep, spec
from pages import HOSTILE, chosen, heard, limit, listen_through, until

from sweeps.fronts.front import build_front
from sweeps.fronts.listening import Excerpt, Listening
from sweeps.fronts.reference_models import ReferenceModel
from sweeps.page.report import write_front
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.tracking.addresses import RunAddresses

RATE_HZ, CLIP_S = 16_000, 3.0


def sounds(front):
    time_s = np.arange(int(RATE_HZ * CLIP_S)) / RATE_HZ
    clean = 0.2 * np.sin(2 * np.pi * 440 * time_s)
    noisy = clean + 0.05 * np.random.default_rng(0).standard_normal(len(clean))
    students = {point.trial: 0.5 * (clean + noisy) for point in front.points}
    return Listening([Excerpt(name, noisy, clean, clean, students) for name in ("mixture 3, 5 dB", "mixture 8, 0 dB")])


def write(folder, records, sweep=None, **more):
    sweep = sweep or spec()
    front = build_front(sweep, "id-1", records).model_copy(update={"references": tuple(more.pop("references", ()))})
    write_front(folder, front, records, sweep, **more)
    return front, folder / "front" / "front.html"


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of sixty trials whose front can be heard, and the file of its page."""
    records, folder = random_sweep(60), tmp_path_factory.mktemp("sweep")
    runs = RunAddresses("http://tracker:5000", "3", {r.number: f"run{r.number}" for r in records})
    front = build_front(spec(), "id-1", records)
    return write(folder, records, addresses=runs, listening=sounds(front))


def test_the_knee_is_chosen_first_and_says_why(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    assert chosen(page) == front.knee().trial
    assert "knee" in page.inner_text(".why") and page.inner_text(".badge") == "unconfirmed"


def test_a_click_on_a_point_shows_its_values_run_and_export_command(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    point = front.points[-1]
    page.click(f'#scatter [data-trial="{point.trial}"]')
    details = page.inner_text("#details")
    assert chosen(page) == point.trial
    assert f"--trial {point.trial} -o first-t{point.trial:04d}.yaml" in details
    assert f"http://tracker:5000/#/experiments/3/runs/run{point.trial}" in details
    assert page.get_attribute("#trials tr.chosen", "data-trial") == str(point.trial)
    page.click("#details summary:text('Config')")
    assert f"student.width: {point.params['student.width']:.6g}" in page.inner_text(".config .searched >> nth=0")


def test_hovering_tells_the_searched_values(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    page.hover(f'#scatter [data-trial="{front.points[0].trial}"]')
    tip = page.inner_text("#scatter .tip")
    assert "student.width" in tip and f"Trial {front.points[0].trial}" in tip


def test_the_keyboard_walks_along_the_front_from_one_stop(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    assert page.locator("#scatter [tabindex='0']").count() == 1
    page.focus("#scatter svg")
    page.keyboard.press("Home")
    assert chosen(page) == front.points[0].trial
    page.keyboard.press("ArrowRight")
    assert chosen(page) == front.points[1].trial
    assert page.get_attribute("#scatter svg", "aria-activedescendant") == f"point-{front.points[1].trial}"
    told = page.get_attribute(f"#point-{front.points[1].trial}", "aria-label")
    assert told.startswith(f"Trial {front.points[1].trial}, on the front, {QUALITY} ")
    page.keyboard.press("End")
    assert chosen(page) == front.points[-1].trial


def test_a_chosen_point_is_ringed_and_lies_upon_all_others_on_the_front_or_not(sweep, open_page):
    page = open_page(sweep[1])
    assert page.locator("#scatter .overlay .chosen .ring").count() == 1
    page.click("#trials h2 button")
    page.fill("#trials input[type=search]", "2")
    page.locator('#trials [data-trial="2"] button').click()
    last = "document.querySelector('#scatter svg').querySelector('.overlay .chosen').dataset.chosen"
    assert page.evaluate(last) == "2" and page.locator("#scatter .overlay .chosen .ring").count() == 1


def test_the_reason_of_a_rule_goes_when_another_point_is_chosen_by_hand(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    assert page.inner_text(".why")
    page.click(f'#scatter [data-trial="{front.points[0].trial}"]')
    assert page.inner_text(".why") == ""


def test_any_metric_can_stand_on_either_axis_linear_or_log(sweep, open_page):
    page = open_page(sweep[1])
    assert "log scale" in page.text_content("#scatter svg")
    page.select_option("select[aria-label='Across axis']", "model/macs_per_s")
    page.select_option("select[aria-label='Up axis']", "val/si_sdr_db")
    page.uncheck("input[aria-label='log, Across axis']")
    titles = page.text_content("#scatter svg")
    assert "model/macs_per_s (MAC/s) ← better" in titles and "val/si_sdr_db (dB) ↑ better" in titles
    assert page.locator("#scatter .front-line").count() == 0  # these axes are not the objectives


def test_each_state_can_be_switched_off_and_partial_trials_are_off_at_first(sweep, open_page):
    page = open_page(sweep[1])
    assert page.get_attribute("#scatter .mark.dominated", "d") and not page.get_attribute("#scatter .mark.pruned", "d")
    page.click("#legend button:has-text('Dominated')")
    assert page.get_attribute("#scatter .mark.dominated", "d") == ""
    assert page.get_attribute("#legend button:has-text('Dominated')", "aria-pressed") == "false"
    page.click("#legend button:has-text('Pruned')")
    drawn = page.get_attribute("#scatter .mark.pruned", "d") or page.locator("#scatter .beyond .arrow").count()
    assert drawn and page.get_attribute("#legend button:has-text('Pruned')", "aria-pressed") == "true"


def test_models_from_elsewhere_are_marks_or_lines(tmp_path, open_page):
    others = [ReferenceModel("GTCRN", {QUALITY: 2.04, SIZE: 48_000}), ReferenceModel("noisy input", {QUALITY: 1.4})]
    page = open_page(write(tmp_path, random_sweep(40), references=others)[1])
    assert page.locator("#scatter .external").count() == 1
    assert "GTCRN" in page.text_content("#scatter svg") and "noisy input" in page.text_content("#scatter svg")


def test_a_model_from_elsewhere_tells_all_that_was_measured_of_it(tmp_path, open_page):
    told = {QUALITY: 2.04, SIZE: 48_000, "model/macs_per_s": 33e6, "model/look_ahead_ms": 16.0, "model/rtf_cpu": 0.07}
    page = open_page(write(tmp_path, random_sweep(40), references=[ReferenceModel("GTCRN", told)])[1])
    page.hover("#scatter .external rect")
    tip = page.inner_text("#scatter .tip")
    assert tip.startswith("GTCRN") and all(name in tip for name in told)


def test_models_from_elsewhere_are_heard_one_after_the_other(tmp_path, open_page):
    records = random_sweep(40)
    room = sounds(build_front(spec(), "id-1", records))
    others = {"gtcrn": room.excerpts[0].noisy, "rnnoise": room.excerpts[0].clean}
    heard_too = Listening([replace(excerpt, references=others) for excerpt in room.excerpts])
    page = open_page(write(tmp_path, records, listening=heard_too)[1])
    assert page.locator("#listening .card h3").all_inner_texts()[2] == "Teacher"
    pick = page.locator("#listening select[aria-label='model from elsewhere']")
    for name in ("rnnoise", "gtcrn"):
        pick.select_option(name)
        assert pick.input_value() == name and heard(page, 3) == pytest.approx(CLIP_S, abs=0.01)


FAR = ReferenceModel("far away", {QUALITY: 4.4, SIZE: 90e6})


def test_what_lies_outside_is_an_arrow_on_the_edge_with_its_value_and_stretches_no_axis(tmp_path, open_page):
    records = random_sweep(40)
    extreme = ended(40, TrialState.PRUNED, **{QUALITY: -9.0, SIZE: 1e3})
    alone = open_page(write(tmp_path / "a", records)[1])
    page = open_page(write(tmp_path / "b", [*records, extreme], references=[FAR])[1])
    ticks = "[...document.querySelectorAll('#scatter .axes text')].map((text) => text.textContent).join()"
    assert page.evaluate(ticks) == alone.evaluate(ticks)
    assert page.locator("#scatter .external .arrow").count() == 1
    assert "far away 90 000 000, 4.400 MOS-LQO" in page.text_content("#scatter svg").replace("\u202f", " ")
    page.click("#legend button:has-text('Pruned')")
    assert page.evaluate(ticks) == alone.evaluate(ticks)
    assert "beyond, to -9" in page.text_content("#scatter svg")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_name_of_a_large_model_from_elsewhere_stays_inside_the_picture(tmp_path, open_page, width):
    large = [ReferenceModel("deepfilternet3", {QUALITY: 2.4, SIZE: 9e6})]
    page = open_page(write(tmp_path, random_sweep(40), references=large)[1], width=width)
    picture, name = (page.locator(place).bounding_box() for place in ("#scatter svg", "#scatter .external text"))
    assert picture["x"] <= name["x"] and name["x"] + name["width"] <= picture["x"] + picture["width"]


def drag(page, start, end):
    """A drag over the scatter, between two shares of its size."""
    box = page.locator("#scatter svg").bounding_box()
    places = [(box["x"] + share[0] * box["width"], box["y"] + share[1] * box["height"]) for share in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


def test_a_drag_draws_a_region_that_can_be_looked_at_closer_and_lifted(sweep, open_page):
    page = open_page(sweep[1])
    titles = "document.querySelector('#scatter .axes').textContent"
    before, size = page.evaluate(titles), page.inner_text("#set-bar strong")
    drag(page, (0.2, 0.2), (0.6, 0.6))
    assert page.locator("#scatter .box").count() == 1 and page.evaluate(titles) == before
    assert " of " in page.inner_text("#set-bar strong") and page.locator("#set-bar .chip").count() == 2
    page.click("#scatter button:text-is('Look closer')")
    assert page.evaluate(titles) != before
    page.click("#scatter button:text-is('Show all')")
    page.click("#scatter button:text-is('Lift box')")
    assert page.evaluate(titles) == before and page.inner_text("#set-bar strong") == size


def test_the_rules_choose_as_the_command_line_does(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    assert chosen(page) == front.best(QUALITY).trial
    limit(page, SIZE, "1M")
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    assert chosen(page) == front.best(QUALITY, max={SIZE: 1e6}).trial
    limit(page, SIZE, "10")
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    assert f"the nearest is trial {front.points[0].trial}" in page.inner_text(".why")


def test_a_confirmed_front_is_judged_by_its_means_as_on_the_command_line(tmp_path, open_page):
    front, records = lucky_front()
    front = front.model_copy(update={"confirmed": True})
    write_front(tmp_path, front, records, spec())
    page = open_page(tmp_path / "front" / "front.html")
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    assert chosen(page) == front.best(QUALITY).trial == 1
    limit(page, SIZE, "1e6")
    page.click(f"#choosing button:text-is('Best {QUALITY}')")
    assert chosen(page) == front.best(QUALITY, max={SIZE: 1e6}).trial == 1
    assert "by the means of its fresh seeds" in page.inner_text(".why")


def test_the_table_sorts_by_any_column_and_shows_every_trial_when_asked(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    rows = page.locator("#trials tbody tr[data-trial]")
    assert rows.count() == len(front.points)
    page.click("#trials th button:has-text('pesq_wb')")
    page.click("#trials th button:has-text('pesq_wb')")
    assert rows.first.get_attribute("data-trial") == str(front.best(QUALITY).trial)
    page.click("#trials h2 button")
    assert page.inner_text("#trials [role=status]") == "60 rows" and rows.count() < 60, "rows out of view wait"
    page.fill("#trials input[type=search]", "diverged")
    assert 0 < rows.count() < 20 and "TrainingDiverged" in page.inner_text("#trials")


def test_every_sound_of_the_front_plays_from_its_start(sweep, open_page):
    front, file = sweep
    lengths = listen_through(open_page(file))
    assert lengths == pytest.approx([CLIP_S] * (len(front.points) * 2 * 4), abs=0.01)


if "DFKD_DEMO" in os.environ:  # the folder of a finished sweep, such as runs/demo

    @pytest.mark.slow
    def test_every_sound_of_a_real_sweeps_front_plays(open_page):
        page = open_page(Path(os.environ["DFKD_DEMO"], "front", "front.html").resolve())
        lengths = listen_through(page)
        assert len(lengths) >= 4 * page.locator("#trials tbody tr").count() and min(lengths) > 0.5


def test_a_sound_goes_on_where_another_stopped(sweep, open_page):
    page = open_page(sweep[1])
    page.locator("#listening .play").nth(0).click()
    until(page, "document.querySelectorAll('audio')[0].currentTime > 0.2")
    page.locator("#listening .play").nth(1).click()
    states = page.evaluate("[...document.querySelectorAll('audio')].map((a) => [a.paused, a.currentTime])")
    assert states[0][0] and not states[1][0] and states[1][1] >= 0.2


def test_a_sound_that_ends_as_another_begins_does_not_stop_it(sweep, open_page):
    page = open_page(sweep[1])
    for card in (0, 1):
        page.locator("#listening .play").nth(card).click()
    page.evaluate("document.querySelectorAll('audio')[0].dispatchEvent(new Event('ended'))")
    assert page.evaluate("[...document.querySelectorAll('audio')].map((a) => a.paused).slice(0, 2)") == [True, False]


def test_after_a_sound_s_end_the_next_begins_at_its_start(sweep, open_page):
    page = open_page(sweep[1])
    first = "document.querySelectorAll('audio')[0]"
    page.locator("#listening .play").nth(0).click()
    page.evaluate(f"{first}.currentTime = {first}.duration - 0.1")
    until(page, f"{first}.ended")
    page.locator("#listening .play").nth(1).click()
    assert page.evaluate("document.querySelectorAll('audio')[1].currentTime") < 1


def test_another_clip_begins_at_its_start_though_one_was_playing(sweep, open_page):
    page = open_page(sweep[1])
    page.locator("#listening .play").nth(0).click()
    until(page, "document.querySelectorAll('audio')[0].currentTime > 0.5")
    page.locator("#listening .chip").nth(1).click()
    page.locator("#listening .play").nth(0).click()
    assert page.evaluate("document.querySelectorAll('audio')[0].currentTime") < 0.5


def test_spectrograms_are_painted(sweep, open_page):
    page = open_page(sweep[1])
    until(page, "[...document.querySelectorAll('canvas')].every((c) => c.width > 50 && c.height === 128)")
    assert page.locator("canvas").count() == 4


def test_a_trial_without_sound_says_so(sweep, open_page):
    front, file = sweep
    page = open_page(file)
    page.click("#trials h2 button")
    dominated = next(n for n in range(60) if n not in [p.trial for p in front.points])
    page.fill("#trials input[type=search]", str(dominated))
    page.locator(f'#trials [data-trial="{dominated}"] button').click()
    assert f"Trial {dominated} has no sound" in page.inner_text("#listening")


def test_a_front_point_that_was_not_recorded_and_a_front_without_any_sound_say_so(tmp_path, open_page):
    records = random_sweep(40)
    front = build_front(spec(), "id-1", records)
    some = sounds(front)
    deaf = front.points[0].trial
    for excerpt in some.excerpts:
        excerpt.students.pop(deaf, None)  # one mapping serves both excerpts
    page = open_page(write(tmp_path, records, listening=some)[1])
    page.locator(f'#trials [data-trial="{deaf}"] button').click()
    assert f"Trial {deaf} has no sound here: it was not recorded." in page.inner_text("#listening")
    page = open_page(write(tmp_path, records)[1])
    assert "No point has sound yet" in page.inner_text("#listening")


def test_inside_a_sandboxed_frame_copying_falls_back_to_selecting(sweep, open_page, tmp_path):
    host = tmp_path / "host.html"
    frame = f'<iframe sandbox="allow-scripts" src="file://{sweep[1]}" width="1000" height="800"></iframe>'
    host.write_text(f'<html data-ready="true">{frame}</html>')
    page = open_page(host)
    inner = page.frame_locator("iframe")
    inner.locator("#details .copyable button").first.click()
    inner.locator("#details .copyable button:text-is('Selected')").first.wait_for()
    inner.locator("#listening .play").first.click()
    inner.locator("#listening .play:text-is('Stop')").wait_for()
    assert inner.locator("#listening .play:text-is('Stop')").count() == 1


def test_the_page_fits_every_width_in_both_schemes(sweep, open_page):
    page = open_page(sweep[1])
    for width in (360, 700, 1280, 1900):
        page.set_viewport_size({"width": width, "height": 900})
        until(page, f"document.documentElement.scrollWidth <= {width}")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (max(int(v) for v in paper[4:-1].split(",")) < 60) == (scheme == "dark")


PAST_THE_PAPER = """() => {  // measured before a drawing could be made anew, as on paper
  document.body.style.width = "500px";
  const right = (node) => node.getBoundingClientRect().right;
  return Math.max(...[...document.querySelectorAll("section svg *")].map(right)) - right(document.body);
}"""


def test_on_paper_it_is_dark_on_white_and_drawings_shrink_to_its_width(sweep, open_page):
    page = open_page(sweep[1], scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(28, 35, 40)"
    assert not page.is_visible("#choosing .rules") and page.is_visible("#trials table")
    page.set_viewport_size({"width": 700, "height": 900})
    until(page, "document.documentElement.scrollWidth <= 700")
    assert page.evaluate(PAST_THE_PAPER) <= 0


def test_hostile_names_stay_text(tmp_path, open_page):
    odd = TrialRecord(60, TrialState.FAILED, {HOSTILE: HOSTILE}, {SIZE: 1e6}, reason=HOSTILE)
    _, file = write(tmp_path, [*random_sweep(60), odd])
    page = open_page(file)
    page.click("#trials h2 button")
    page.fill("#trials input[type=search]", "60")
    page.locator('#trials [data-trial="60"] button').click()
    assert page.inner_text("#details .reason") == HOSTILE
    assert page.title() == "first · Pareto front" and page.locator("img").count() == 0


def test_without_a_complete_trial_the_page_says_what_is_there(tmp_path, open_page):
    records = [ended(0, TrialState.FAILED, "boom"), ended(1, TrialState.PRUNED, **{QUALITY: 1.2, SIZE: 1e5})]
    page = open_page(write(tmp_path, records)[1])
    assert "No trial is complete yet: 1 pruned, 1 failed." in page.inner_text("#choosing")
    assert "So far 2 of 24 trials have finished." in page.inner_text("header")


def test_one_objective_is_drawn_over_the_trials(tmp_path, open_page):
    only = spec(objectives=[{"metric": QUALITY, "goal": "maximize"}], reference_point={QUALITY: 1.0})
    page = open_page(write(tmp_path, random_sweep(40), only)[1])
    assert page.locator("#scatter .front-line").count() == 1
    assert page.input_value("select[aria-label='Across axis']") == "trial"


def test_three_objectives_are_shown_in_pairs_or_as_a_box_that_turns(tmp_path, open_page):
    stoi = {"metric": "val/stoi", "goal": "maximize"}
    reference = {QUALITY: 1.0, SIZE: 4e6, "val/stoi": 0.5}
    three = spec(objectives=[*(o.model_dump() for o in spec().objectives), stoi], reference_point=reference)
    page = open_page(write(tmp_path, random_sweep(40), three)[1])
    page.select_option("select[aria-label='Deep axis']", "val/stoi")
    before = page.get_attribute("#scatter .front-point >> nth=0", "cx")
    page.focus("#scatter .space")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#scatter .front-point >> nth=0", "cx") != before


@pytest.fixture
def again(tmp_path):
    """A front trained again, all but its last point, and the file of its page."""
    records, sweep = small_sweep(), spec(budget={"trials": 9, "epochs_per_trial": 6})
    front = confirmed(build_front(sweep, "id-1", records))
    write_front(tmp_path, front, records, sweep)
    return front, tmp_path / "front" / "front.html"


def test_points_trained_again_stand_at_their_means_with_bars_and_rings(again, open_page):
    front, file = again
    page = open_page(file)
    assert page.locator("#scatter .repeated.front .interval").count() == 3
    assert page.locator("#scatter .repeated.dominated .interval").count() == 1
    assert page.locator("#scatter .repeated .seen").count() == 4
    heights = {
        point.trial: float(page.get_attribute(f'#scatter [data-trial="{point.trial}"]', "cy")) for point in front.points
    }
    assert heights[4] < heights[0] < heights[1] == heights[5] or heights[5] < heights[1]


def test_the_page_says_in_words_what_trainings_with_fresh_seeds_have_shown(again, open_page):
    page = open_page(again[1])
    words = page.inner_text("header")
    assert "4 points (1 of them close behind the front) trained again with 3 fresh seeds each" in words
    assert "Noise cannot tell apart the scores of trials 0 and 8." in words
    assert page.inner_text(".badge").startswith("unconfirmed, 3 of 4 points")
    assert "Without a complete repeat so far: trial 4." in words
    page.locator('#trials [data-trial="0"] button').click()
    details = page.inner_text("#details")
    assert "1.980 \u00b1 0.03" in details and "Noise cannot tell its scores from those of trial 8." in details
    heads = [head.replace("\n", "") for head in page.locator("#trials th").all_inner_texts()]
    assert {"probability on front", "not told apart from", f"{QUALITY} mean (MOS-LQO)"} <= set(heads)


def test_a_difference_of_points_trained_again_has_an_interval(again, open_page):
    front, file = again
    one, other = front.points[:2]
    page = open_page(f"{file}#trial={one.trial}&pinned={other.trial}")
    text = page.inner_text("#versus")
    gap = abs(one.mean[QUALITY] - other.mean[QUALITY])
    assert f"{gap:.3f} \u00b1 0.042" in text  # both half widths are 0.03
    assert "Differences are between means of fresh seeds" in text
    once = front.points[-1]
    assert "\u00b1" not in open_page(f"{file}#trial={one.trial}&pinned={once.trial}").inner_text("#versus tbody")


def test_a_page_trained_again_fits_every_width(again, open_page):
    page = open_page(again[1])
    for width in (360, 700, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        until(page, f"document.documentElement.scrollWidth <= {width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_finished_front_that_was_trained_once_names_the_command(tmp_path, open_page):
    page = open_page(write(tmp_path, small_sweep(), spec(budget={"trials": 9, "epochs_per_trial": 6}))[1])
    assert "small differences may be noise" in page.inner_text("header")
    assert f"dfkd front confirm {tmp_path} --seeds 3" in page.inner_text("header .copyable")


# --- where a point's model runs ---------------------------------------------------------------------------


def with_runtimes():
    """The small sweep whose points run in different places, and its page's records."""
    places = {0: (3.0, 32.0, 74_240.0), 1: (1.0, 4.0, 1_180.0), 4: (0.0, float("inf"), 0.0)}
    return [
        replace(r, metrics={**r.metrics, **dict(zip(DEVICE, places.get(r.number, (2.0, 32.0, 90.0)), strict=True))})
        for r in small_sweep()
    ]


DEVICE = ("model/runtime", "model/latency_ms", "model/state_bytes")


def test_each_point_says_where_it_runs_in_table_tip_details_and_csv(tmp_path, open_page):
    _, file = write(tmp_path, with_runtimes())
    page = open_page(file)
    head = page.locator("#trials thead [data-sort]").evaluate_all("all => all.map(one => one.dataset.sort)")
    runs, latency = (head.index(metric) for metric in DEVICE[:2])
    cells = {trial: page.locator(f'#trials tr[data-trial="{trial}"] td').all_inner_texts() for trial in (0, 1, 4)}
    assert [cells[trial][runs] for trial in (0, 1, 4)] == ["sherpa-onnx on streams", "frame by frame", "whole clips"]
    assert [cells[trial][latency] for trial in (0, 1, 4)] == ["32", "4", "\u2013"]
    page.hover('#scatter [data-trial="0"]')
    assert "sherpa-onnx on streams, 32 ms" in page.inner_text("#scatter .tip")
    told = {}
    for trial in (0, 1, 4):
        page.locator(f'#trials tr[data-trial="{trial}"] button').click()
        part = page.locator("#details .part", has_text="Where it runs").first
        told[trial] = part.locator("dd").all_inner_texts()
    assert told[0] == ["yes, 32 ms after the sound", "streams, whole clips", "streams, whole clips", "74\u202f240 B"]
    assert told[1] == ["yes, 4 ms after the sound", "streams, whole clips", "no", "1\u202f180 B"]
    assert told[4] == ["no: it needs the whole clip", "whole clips", "no"]
    rows = {row["trial"]: row for row in csv.DictReader((tmp_path / "front" / "front.csv").open())}
    assert rows["0"]["model/runtime_words"] == "sherpa-onnx on streams" and rows["0"]["model/latency_ms"] == "32.0"


def test_a_sweep_that_measures_no_runtime_has_no_word_on_it(sweep, open_page):
    page = open_page(sweep[1])
    assert "Where it runs" not in page.inner_text("#details") and "runtime" not in page.inner_text("#trials")
