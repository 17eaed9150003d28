"""What a wrong setting of DFKD costs: the searches' table, in pairs of rows that differ by one setting alone.

Seed and width make a training's luck, which all settings of a width share in part; so each width counts once, with the
mean over its pairs, and the interval is Student's t over widths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.search.table import START, key_of

JUDGES = {"val/pesq_wb": "home", "probe/abroad/pesq_wb": "abroad"}
CHANGES = (  # setting, its default, another level of it
    ("distillation.weight", 1, 10),
    ("distillation.temperature", 1, 0.5),
    ("distillation.temperature", 1, 4),
    ("distillation.min_cutoff_hz", 250, 100),
    ("distillation.max_cutoff_hz", 4000, 1000),
)


@dataclass(frozen=True)
class Cost:
    """Mean difference of PESQ-WB when one setting leaves its default, and its interval of 95 %."""

    name: str
    start: str
    judge: str
    mean: float
    low: float
    high: float
    num_pairs: int


def costs(rows: Sequence[Mapping[str, Any]]) -> list[Cost]:
    """Of every change that the rows hold at two widths or more, by kind of start and judge."""
    by_values = {key_of(row["values"]): row["scores"] for row in rows if row["values"]["seed"] == 0}
    found = []
    for setting, default, other in CHANGES:
        for is_sliced, start in ((True, "slices"), (False, "random starts")):
            for judge, name in JUDGES.items():
                widths: dict[float, list[float]] = defaultdict(list)
                for row in rows:
                    values = row["values"]
                    changed = by_values.get(key_of({**values, setting: other}))
                    is_one = (
                        values["seed"] == 0 and values[setting] == default and (values[START] is not None) is is_sliced
                    )
                    if is_one and changed:
                        widths[values["student.width"]].append(changed[judge][-1] - row["scores"][judge][-1])
                if len(widths) > 1:
                    means = np.array([np.mean(differences) for differences in widths.values()])
                    half = float(stats.t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / np.sqrt(len(means)))
                    mean, pairs = float(means.mean()), sum(map(len, widths.values()))
                    label = f"{setting.rpartition('.')[2]} {default} to {other}"
                    found.append(Cost(label, start, name, mean, mean - half, mean + half, pairs))
    return found


def cost_table(found: Sequence[Cost]) -> list[str]:
    """A line for each change and start."""
    by = {(cost.name, cost.start, cost.judge): cost for cost in found}
    judges = list(JUDGES.values())
    lines = [f"| changed | begun as | pairs | {' | '.join(judges)} |", "|---" * (3 + len(judges)) + "|"]
    for name, start in dict.fromkeys((cost.name, cost.start) for cost in found):
        cells = [by[name, start, judge] for judge in judges]
        told = " | ".join(f"{c.mean:+.3f} ({c.low:+.3f} to {c.high:+.3f})" for c in cells)
        lines.append(f"| {name} | {start} | {cells[0].num_pairs} | {told} |")
    return [*lines, ""]


def write_picture(found: Sequence[Cost], path: Path) -> None:
    """A panel for each judge: differences and intervals, slices over random starts."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(dict.fromkeys(cost.name for cost in found))
    figure, panels = pyplot.subplots(1, len(JUDGES), figsize=(10, 3.4), sharey=True, sharex=True)
    for panel, judge in zip(panels, JUDGES.values(), strict=True):
        for start, colour, shift in (("slices", "#0072b2", -0.12), ("random starts", "#d55e00", 0.12)):
            own = [cost for cost in found if (cost.start, cost.judge) == (start, judge)]
            places = [names.index(cost.name) + shift for cost in own]
            reach = [[c.mean - c.low for c in own], [c.high - c.mean for c in own]]
            panel.errorbar([c.mean for c in own], places, xerr=reach, fmt="o", color=colour, capsize=3, label=start)
        panel.axvline(0, color="black", linewidth=0.8)
        panel.set(title=judge, xlabel="difference of PESQ-WB")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    panels[1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
