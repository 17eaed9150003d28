"""Regret over simulated time: one PNG, and one page that needs nothing but itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Any

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000", "#7b4173", "#8c6d31")
LEAST = 1e-3  # regret below this is drawn there
PAGE = Path(__file__).with_name("regret.html")

Block = Mapping[str, Any]


def colours_of(blocks: Sequence[Block]) -> dict[str, str]:
    """One for each search, the same in all blocks."""
    names = dict.fromkeys(name for block in blocks for name in block["searches"])
    return dict(zip(names, cycle(COLOURS), strict=False))


def write_png(blocks: Sequence[Block], path: Path) -> None:
    """A panel for each problem: medians and interquartile bands."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    colours, columns = colours_of(blocks), min(3, len(blocks))
    rows = math.ceil(len(blocks) / columns)
    figure, panels = pyplot.subplots(rows, columns, figsize=(5 * columns, 4 * rows), squeeze=False)
    for panel, block in zip(panels.flat, blocks, strict=False):
        times = [t / block["until_s"] for t in block["grid_s"]]
        for name, search in block["searches"].items():
            regret, colour = search["regret"], colours[name]
            panel.plot(times, [max(v, LEAST) for v in regret["median"]], color=colour, label=name)
            low, high = ([max(v, LEAST) for v in regret[end]] for end in ("low", "high"))
            panel.fill_between(times, low, high, color=colour, alpha=0.15, linewidth=0)
        oracle = [max(v, LEAST) for v in block["oracle"]["regret"]]
        panel.plot(times, oracle, color="black", linestyle=":", label="best achievable")
        panel.set(xscale="log", yscale="log", title=f"{block['problem']}, {block['workers']} workers")
        panel.set(xlabel="share of the time", ylabel="hypervolume regret")
    for panel in panels.flat[len(blocks) :]:
        panel.set_axis_off()
    drawn = {name: line for p in panels.flat for line, name in zip(*p.get_legend_handles_labels(), strict=True)}
    panels.flat[0].legend(drawn.values(), drawn, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write_page(blocks: Sequence[Block], path: Path) -> None:
    """The same with searches to choose from and figures to read; what it draws is inside it."""
    data = json.dumps({"blocks": list(blocks), "colours": colours_of(blocks), "least": LEAST}).replace("</", "<\\/")
    options = "".join(
        f'<option value="{index}">{escape(block["problem"])}, {block["workers"]} workers</option>'
        for index, block in enumerate(blocks)
    )
    path.write_text(PAGE.read_text().replace("OPTIONS", options).replace("DATA", data))
