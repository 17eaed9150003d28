"""Tables of docs/study.md, rebuilt from the rows: all seeds, means, paired differences with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from scipy import stats

from benchmarks.study.arms import Arm, at_the_end, longer, main, plan
from benchmarks.study.questions import Question, questions
from benchmarks.study.rows import Row
from benchmarks.study.settings import Cost, cost_table

BEGIN, END = "<!-- rows: made by python -m benchmarks.study tables -->", "<!-- end of rows -->"
JUDGES = {
    "val/pesq_wb": "home",
    "probe/abroad/pesq_wb": "abroad",
    "probe/bench/pesq_wb": "bench",
    "probe/demo/pesq_wb": "demo",
    "test/bench/pesq_wb": "bench, test split",
}


def scores(rows: Mapping[str, Row], arm: Arm, seeds: Sequence[int], judge: str) -> dict[int, float]:
    """The last epoch's score by seed, of the seeds that are there."""
    found = {seed: rows.get(arm.key(seed)) for seed in seeds}
    return {seed: row["epochs"][-1][judge] for seed, row in found.items() if row and judge in row["epochs"][-1]}


def tuned_weights(rows: Mapping[str, Row], arms: Sequence[Arm], seeds: Sequence[int]) -> dict[str, float]:
    """Each method's weight of the best mean over home and bench; only methods whose weights have all been run."""
    tried: dict[str, dict[float, float]] = defaultdict(dict)
    complete: dict[str, bool] = defaultdict(lambda: True)
    for arm in arms:
        both = [scores(rows, arm, seeds, judge) for judge in ("val/pesq_wb", "probe/bench/pesq_wb")]
        if all(len(one) == len(seeds) for one in both):
            tried[arm.method][float(arm.weight or 0.0)] = float(np.mean([list(one.values()) for one in both]))
        else:
            complete[arm.method] = False
    return {m: max(means, key=means.__getitem__) for m, means in tried.items() if complete[m]}


def paired(a: Mapping[int, float], b: Mapping[int, float]) -> tuple[float, float, float, float] | None:
    """(mean difference a - b over common seeds, low, high, p): Student's t on pairs; None under three pairs."""
    seeds = sorted(a.keys() & b.keys())
    if len(seeds) < 3:
        return None
    differences = np.array([a[s] - b[s] for s in seeds])
    error = differences.std(ddof=1) / np.sqrt(len(seeds))
    half = float(stats.t.ppf(0.975, len(seeds) - 1) * error)
    p = float(2 * stats.t.sf(abs(differences.mean() / error), len(seeds) - 1)) if error > 0 else 1.0
    return float(differences.mean()), float(differences.mean() - half), float(differences.mean() + half), p


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given."""
    order, adjusted, running = np.argsort(ps), [0.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = running
    return adjusted


def table(rows: Mapping[str, Row], entries: Sequence[tuple[Arm, int]]) -> list[str]:
    """One part: an arm a line, every seed's score by each of its judges."""
    arms = list(dict.fromkeys(arm.label for arm, _ in entries))
    by_label: dict[str, list[tuple[Arm, int]]] = defaultdict(list)
    for arm, seed in entries:
        by_label[arm.label].append((arm, seed))
    judges = [j for j in JUDGES if any(scores(rows, arm, [seed], j) for arm, seed in entries)]
    lines = [f"| arm | {' | '.join(f'{JUDGES[j]}: mean (seeds)' for j in judges)} |"]
    lines.append("|---" * (len(judges) + 1) + "|")
    for label in arms:
        cells = []
        for judge in judges:
            found = scores(rows, by_label[label][0][0], [seed for _, seed in by_label[label]], judge)
            seeds = " ".join(f"{value:.3f}" for value in found.values())
            cells.append(f"**{np.mean(list(found.values())):.3f}** ({seeds})" if found else "not run yet")
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return [*lines, ""]


def by_epoch(rows: Mapping[str, Row], arms: Sequence[Arm], seeds: Sequence[int]) -> list[str]:
    """Means after each scored epoch, over the seeds that are there, by every judge of the arms; [] without rows."""
    judges, lines = list(JUDGES)[:3], []
    for arm in arms:
        if found := [row["epochs"] for seed in seeds if (row := rows.get(arm.key(seed)))]:
            scored = [number for number, epoch in enumerate(found[0]) if judges[0] in epoch]
            means = [[np.mean([epochs[number][judge] for epochs in found]) for number in scored] for judge in judges]
            if not lines:
                numbers = " ".join(str(number + 1) for number in scored)
                lines = [f"| after epochs {numbers} | {' | '.join(JUDGES[j] for j in judges)} |", "|---" * 4 + "|"]
            cells = [" ".join(f"{mean:.3f}" for mean in one) for one in means]
            lines.append(f"| {arm.label} | {' | '.join(cells)} |")
    return lines and [*lines, ""]


def contrasts(rows: Mapping[str, Row], asked: Sequence[Question], seeds: Sequence[int]) -> list[str]:
    """Paired differences by each judge; Holm over all of them."""
    cells = [
        (name, judge, result)
        for name, a, b in asked
        for judge in JUDGES
        if (result := paired(scores(rows, a, seeds, judge), scores(rows, b, seeds, judge)))
    ]
    if not cells:
        return []
    lines = ["| difference of PESQ-WB | judge | mean | 95 % interval | p (Holm) |", "|---|---|---|---|---|"]
    adjusted = holm([result[3] for _, _, result in cells])
    for (name, judge, (mean, low, high, _)), p in zip(cells, adjusted, strict=True):
        lines.append(f"| {name} | {JUDGES[judge]} | {mean:+.3f} | {low:+.3f} to {high:+.3f} | {p:.2g} |")
    return [*lines, ""]


def with_tables(
    text: str,
    rows: Mapping[str, Row],
    test_rows: Mapping[str, Row],
    tuned: Mapping[str, float],
    seeds: Sequence[int],
    settings: Sequence[Cost],
) -> str:
    """The text of docs/study.md, with what stands between its marks made anew."""
    parts: dict[str, list[tuple[Arm, int]]] = defaultdict(list)
    for part, arm, seed in plan(tuned):
        parts[part].append((arm, seed))
    lines, asked = ["", f"{len(rows)} runs.", ""], questions(tuned)
    for part, entries in parts.items():
        if any(arm.key(seed) in rows for arm, seed in entries):
            its_seeds = sorted({seed for _, seed in entries})
            lines += [f"### {part}", "", *contrasts(rows, asked.get(part, []), its_seeds), *table(rows, entries)]
    for part, arms in (("main", main()), ("longer", longer())):
        if curves := by_epoch(rows, arms, seeds):
            lines += [f"### {part}, epoch by epoch", "", *curves]
    if test_rows:
        entries = list(product(at_the_end(tuned), seeds))
        lines += ["### test", "", *contrasts(test_rows, asked["test"], seeds), *table(test_rows, entries)]
    lines += ["### settings", "", *cost_table(settings)]
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return head + BEGIN + "\n" + "\n".join(lines) + END + tail
