"""What fronts and their pages cost: `python benchmarks/front_speed.py`.

Sweeps of made-up trials: nine in ten complete, quality grows with size, three searched dimensions, eight metrics. The
page's time in a browser is from opening the file to the last drawing, in headless chromium; it is left out where
playwright or chromium is missing.
"""

from __future__ import annotations

import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from sweeps import pareto
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front, build_front, trial_ranks
from sweeps.fronts.listening import Excerpt, Listening
from sweeps.page.report import write_front
from sweeps.record.trials import TrialRecord, TrialState

REPEATS = 3
MEGABYTE = 1e6
NUM_HEARD = 5  # points of the front, four sounds each
CLOCK = """
window.started = []; let clicked = 0;
addEventListener("click", () => { clicked = performance.now(); }, true);
addEventListener("playing", () => started.push(performance.now() - clicked), true);
"""
OTHERS = ("val/stoi", "val/estoi", "val/si_sdr_db", "val/gain_db", "train/loss", "model/macs_per_s")


def made_up_spec(num_trials: int) -> SweepSpec:
    return SweepSpec.model_validate(
        {
            "name": "speed",
            "config": {"student": {"model": "dccrn"}},
            "space": {"student.width": {"min": 0.05, "max": 1}, "distillation.weight": {"min": 0.03, "max": 30}},
            "objectives": [
                {"metric": "val/pesq_wb", "goal": "maximize"},
                {"metric": "model/params", "goal": "minimize", "scale": "log"},
            ],
            "reference_point": {"val/pesq_wb": 1.0, "model/params": 5e6},
            "budget": {"trials": num_trials, "epochs_per_trial": 6},
        }
    )


def made_up_trial(number: int, rng: np.random.Generator) -> TrialRecord:
    width, weight = float(rng.uniform(0.05, 1)), float(np.exp(rng.uniform(-3.5, 3.4)))
    params = {"student.width": width, "distillation.weight": weight, "distillation.split": str(rng.choice(["a", "b"]))}
    size = float(round(4e6 * width**2))
    metrics = {"val/pesq_wb": 1.2 + width**0.4 + 0.05 * float(rng.normal()), "model/params": size}
    metrics |= {name: float(rng.normal()) for name in OTHERS}
    state = TrialState.COMPLETE if rng.random() < 0.9 else TrialState.PRUNED
    return TrialRecord(number, state, params, metrics, 6, 1.0, None, float(number), number + 1.0)


def sounds(front: Front) -> Listening:
    """Three excerpts of three seconds for every point of the front, noisy enough to compress badly."""
    rng = np.random.default_rng(0)
    noisy, clean = 0.1 * rng.standard_normal(48_000), 0.1 * np.sin(np.arange(48_000) / 6)
    students = {point.trial: 0.5 * (noisy + clean) for point in front.points}
    return Listening([Excerpt(f"excerpt {n}", noisy, clean, clean, students) for n in range(3)])


def median_s(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def row(name: str, value: float, unit: str, target: float) -> dict[str, Any]:
    """One figure; it holds when it stays under its target."""
    return {"name": name, "value": round(value, 4), "unit": unit, "target": f"< {target:g}", "holds": value < target}


def front_rows(records: list[TrialRecord], spec: SweepSpec) -> list[dict[str, Any]]:
    costs = [(-r.metrics["val/pesq_wb"], math.log(r.metrics["model/params"])) for r in records]
    corner = (-1.0, math.log(5e6))
    return [
        row("front of 10,000 trials", median_s(lambda: build_front(spec, "id", records)), "s", 0.5),
        row("ranks of 10,000 trials", median_s(lambda: trial_ranks(records, spec.objectives)), "s", 0.5),
        row("hypervolume after each of 10,000", median_s(lambda: pareto.hypervolume_history(costs, corner)), "s", 0.5),
    ]


def page_rows(folder: Path, num_trials: int, target_s: float, target_mb: float) -> list[dict[str, Any]]:
    rng, spec = np.random.default_rng(0), made_up_spec(num_trials)
    records = [made_up_trial(number, rng) for number in range(num_trials)]
    front = build_front(spec, "id", records)
    room = sounds(front)
    written_s = median_s(lambda: write_front(folder, front, records, spec, listening=room))
    page = folder / "front" / "front.html"
    name = f"page of {num_trials:,} trials with sound"
    rows = [
        row(f"{name}, written", written_s, "s", target_s),
        row(f"{name}, size", page.stat().st_size / MEGABYTE, "MB", target_mb),
    ]
    seen = seen_s(page)
    if seen is not None:
        rows += [
            row(f"{name}, interactive", seen[0], "s", 2.0),
            row(f"{name}, slowest clip to start", seen[1], "s", 0.2),
        ]
    return rows


@contextmanager
def tab_with(page: Path) -> Iterator[Any]:
    """A tab of a headless browser; None where playwright or chromium is missing."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


def visit(tab: Any, page: Path) -> None:
    """Open a page and wait for its last drawing."""
    tab.goto(page.as_uri())
    tab.wait_for_selector("html[data-ready]")


def seen_s(page: Path) -> tuple[float, float] | None:
    """Seconds from opening the page to its last drawing, and from a click on Play to sound; None without a browser."""
    with tab_with(page) as tab:
        if tab is None:
            return None
        taken = median_s(lambda: visit(tab, page))
        tab.evaluate(CLOCK)
        for point in range(min(NUM_HEARD, tab.locator("#trials tbody tr[data-trial]").count())):
            tab.locator("#trials tbody tr[data-trial] button").nth(point).click()
            for play in tab.locator("#listening .play").all():
                play.click()
                tab.wait_for_timeout(150)
        return taken, max(tab.evaluate("started")) / 1000


def wide_front(num_trials: int, num_points: int) -> list[TrialRecord]:
    """Trials of which exactly `num_points` are on the front: these lie on a curve, the others under it."""
    rng, largest = np.random.default_rng(1), 1e4 + 300 * (num_points - 1)
    records = []
    for number in range(num_trials):
        known = made_up_trial(number, rng)
        size = float(1e4 + 300 * number) if number < num_points else known.metrics["model/params"]
        under = 0.0 if number < num_points else 0.02 + 0.3 * float(rng.random())
        reached = 1.0 + 0.25 * math.log(min(size, largest) / 1e3) - under
        metrics = {**known.metrics, "model/params": size, "val/pesq_wb": reached}
        state = TrialState.COMPLETE if number < num_points else known.state
        records.append(replace(known, state=state, metrics=metrics))
    return records


# name: what a user does; each lasts from the event to the picture after next
INTERACTIONS = {
    "choose a point": "document.querySelector('#choosing button:nth-of-type({turn})').click()",
    "a bound": "type('model/params', ['60k', '500k', '90k'][{turn} - 1])",
    "a bound on what is no objective": "type('model/macs_per_s', ['0.5', '-0.1', '1'][{turn} - 1])",
    "lift all bounds": "document.querySelector('#set-bar .chip')?.click()",
    "another axis": "pick('Across axis', ['val/stoi', 'train/loss', 'model/params'][{turn} - 1])",
    "another colour": "pick('Colour', ['val/stoi', 'distillation.split', ''][{turn} - 1])",
    "all trials in the table": "document.querySelector('#trials h2 button').click()",
    "sort the table": "document.querySelectorAll('#trials .sort')[{turn}].click()",
    "scroll the table": "document.querySelector('.rows').scrollTop = 9000 * {turn}",
    "find a trial": "find(['12', 'split: a', ''][{turn} - 1])",
    "hide the dominated": "document.querySelector('#legend .chip:nth-of-type(2)').click()",
}
HANDS = """
window.type = (name, text) => {
  const field = document.querySelector(`#within input[aria-label^="${name}"]`);
  field.value = text; field.dispatchEvent(new Event("change"));
};
window.pick = (name, value) => {
  const select = document.querySelector(`select[aria-label="${name}"]`);
  select.value = value; select.dispatchEvent(new Event("change"));
};
window.find = (text) => {
  const field = document.querySelector("#trials input[type=search]");
  field.value = text; field.dispatchEvent(new Event("input"));
};
window.shown = (act) => new Promise((resolve) => requestAnimationFrame(() => {
  act(); requestAnimationFrame(() => setTimeout(resolve));
}));
null
"""  # ends with what is no function: playwright would call one, and wait for ever


def browsing_rows(folder: Path) -> list[dict[str, Any]]:
    """Choosing among 10,000 trials with a front of 1,000: size, first drawing, every interaction, the tab's memory.

    In the tab the main thread's own time counts, so that other programs on the machine count as little as they can.
    """
    records, spec = wide_front(10_000, 1_000), made_up_spec(10_000)
    front = build_front(spec, "id", records)
    written_s = median_s(lambda: write_front(folder, front, records, spec))
    page = folder / "front" / "front.html"
    name = f"front of {len(front.points):,} among 10,000"
    rows = [
        row(f"{name}, written", written_s, "s", 8.0),
        row(f"{name}, size without sound", page.stat().st_size / MEGABYTE, "MB", 3.0),
    ]
    with tab_with(page) as tab:
        if tab is None:
            return rows
        session = tab.context.new_cdp_session(tab)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def worked_s() -> float:
            known = session.send("Performance.getMetrics")["metrics"]
            return next(float(metric["value"]) for metric in known if metric["name"] == "TaskDuration")

        before_s = worked_s()
        visit(tab, page)
        rows.append(row(f"{name}, everything drawn", worked_s() - before_s, "s", 2.0))
        tab.evaluate(HANDS)
        for what, act in INTERACTIONS.items():
            taken = []
            for turn in (1, 2, 3):
                before_s = worked_s()
                tab.evaluate(f"shown(() => {{ {act.replace('{turn}', str(turn))} }})")
                taken.append(worked_s() - before_s)
            rows.append(row(f"{name}, {what}", statistics.median(taken), "s", 0.2))
        rows.append(row(f"{name}, memory of the tab", tab_megabytes(tab), "MB", 200.0))
    return rows


def tab_megabytes(tab: Any) -> float:
    """What the tab's own process holds to itself (USS): the largest renderer below this process."""
    used = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                used.append(process.memory_full_info().uss / MEGABYTE)
    return max(used)


def run() -> list[dict[str, Any]]:
    rng, spec = np.random.default_rng(0), made_up_spec(10_000)
    records = [made_up_trial(number, rng) for number in range(10_000)]
    with tempfile.TemporaryDirectory() as folder:
        return [
            *front_rows(records, spec),
            *page_rows(Path(folder), 500, 3.0, 12.0),
            *page_rows(Path(folder), 10_000, 8.0, 15.0),
            *browsing_rows(Path(folder)),
        ]


if __name__ == "__main__":
    for figure in run():
        print(json.dumps(figure))
