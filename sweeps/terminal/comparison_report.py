"""A comparison of fronts as a person sees it: its page, and its tables on a terminal; unfolded, or JSON, for pipes."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.outputs import write_output
from sweeps.comparing.comparison import Comparison
from sweeps.comparing.comparison_words import cautions, caveat, classes_won, headline, trust, verdict
from sweeps.comparing.evidence import Estimate
from sweeps.comparing.size_classes import size_and_judge
from sweeps.fronts.front import FRONT_FILE
from sweeps.page.comparison import comparison_page
from sweeps.terminal.front_plot import short_number
from sweeps.terminal.front_table import UNBOUNDED

LONGEST_NAME = 100  # characters of the other fronts' names in that of a page

_log = logging.getLogger(__name__)


def report(comparison: Comparison, page: Path | None, *, as_json: bool = False) -> None:
    """Write the page (default: beside the first front), print the comparison and where the page lies."""
    written, content = page, comparison_page(comparison).encode()
    if page is not None:
        write_output(page, content, "--out")
    else:
        usual = default_page(comparison)
        try:
            write_atomic(usual, content)  # not through a link: the folder may be somebody else's
            written = usual
        except OSError as error:
            _log.warning("no page: %s (%s); name a place for it by --out", usual, error.strerror)
    if as_json:
        print(json.dumps({**comparison.to_json(), "page": written and str(written)}, indent=1))  # noqa: T201 - for pipes
        return
    show_comparison(comparison)
    if written is not None:
        print(f"page    {written}")  # noqa: T201 - this is the display


def default_page(comparison: Comparison) -> Path:
    """`front/compare-B.html` in the first folder, named after the others."""
    first, *more = (re.sub(r"[^A-Za-z0-9-]+", "-", label).strip("-") for label in comparison.labels[1:])
    others = "-".join([first, *more])
    if len(others) > LONGEST_NAME:
        others = f"{first[:LONGEST_NAME]}-and-{len(more)}-more"
    return comparison.fronts[0].folder / FRONT_FILE.parent / f"compare-{others}.html"


def show_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the tables; a pipe has no width, so nothing is folded there."""
    target = console or Console()
    printer = target if target.is_terminal else Console(file=target.file, width=UNBOUNDED)
    printer.print(comparison_display(comparison))


def comparison_display(comparison: Comparison) -> RenderableType:
    """Sentences, fronts, pairs and classes of size, and how sure that is."""
    sentences = " ".join(filter(None, [caveat(comparison), headline(comparison), classes_won(comparison)]))
    parts: list[RenderableType] = [Text(sentences), Text()]
    parts += [_fronts(comparison), Text(), _pairs(comparison), Text()]
    if comparison.contests:
        parts += [_contests(comparison), Text()]
    return Group(*parts, Text(" ".join([trust(comparison), *cautions(comparison)]), style="dim"))


def _fronts(comparison: Comparison) -> Table:
    table = _table(["front"], ["points", "hypervolume", "95 %"], ["budget", "trials"])
    for compared, volume in zip(comparison.fronts, comparison.hypervolumes, strict=True):
        front = compared.front
        counted = ", ".join(f"{count} {state.lower()}" for state, count in front.trials.items() if count)
        spent = str(compared.spec.budget).replace(" trials x", " x")
        table.add_row(
            compared.label, str(len(front.points)), f"{volume.value:.5g}", _interval(volume, ".5g"), spent, counted
        )
    return table


def _pairs(comparison: Comparison) -> Table:
    table = _table(["against"], ["hypervolume", "95 %", "additive epsilon", "covers"])
    labels = comparison.labels
    for pair in comparison.pairs:
        volume = (format(pair.hypervolume.value, "+.4g"), _interval(pair.hypervolume, "+.4g"))
        named = f"{labels[pair.first]} over {labels[pair.other]}"
        table.add_row(named, *volume, format(pair.epsilon, ".3g"), format(pair.coverage, ".0%"))
    return table


def _contests(comparison: Comparison) -> Table:
    size, judge = size_and_judge(comparison.fronts[0].front) or (None, None)
    table = _table([size.metric if size else ""], comparison.labels, [f"best {judge.metric if judge else ''}"])
    for contest in comparison.contests:
        offers = ["-" if best is None else f"{best:.4g}" for best in contest.best]
        span = f"{short_number(contest.size.low)} to {short_number(contest.size.high)}"
        table.add_row(span, *offers, verdict(contest, comparison.labels))
    return table


def _table(before: list[str], numbers: list[str], after: list[str] | None = None) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in before:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right")
    for name in after or []:
        table.add_column(name)
    return table


def _interval(estimate: Estimate, form: str) -> str:
    return "-" if estimate.interval is None else " to ".join(format(bound, form) for bound in estimate.interval)
