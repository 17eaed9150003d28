"""Compare searches: `python -m benchmarks.search [--problems A,B] [--searches C,D] [--seeds N] [--workers N,N]`.

Rows go to OUT/rows.jsonl, and a later call simulates what is not there; OUT/summary.json, regret.png and regret.html
are written anew from all that was asked for. Without --problems: the table's grids, where it is there, and families.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.search.compare import at_equal_quality, problems, run, summary, tasks
from benchmarks.search.families import FAMILIES
from benchmarks.search.pictures import write_page, write_png
from benchmarks.search.searches import COMPARED, SEARCHES, missing
from dfkd_core.errors import DFKDError


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit status 2 with one line for a table of another version and for a name that is none."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    try:
        known = problems()
    except DFKDError as error:
        parser.exit(2, f"{error}\n")
    parser.add_argument("--problems", default=",".join(known))
    parser.add_argument("--searches", default=",".join(COMPARED))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--slow-seeds", type=int, default=1, help="seeds of searches that take minutes for one run")
    parser.add_argument("--workers", default="4")
    parser.add_argument("--trials", type=int, default=60, help="a family's time is that of so many full random trials")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--out", type=Path, default=Path("bench-results/search"))
    chosen = parser.parse_args(arguments)
    for option, names, there in (
        ("problems", chosen.problems, {*FAMILIES, *known}),
        ("searches", chosen.searches, SEARCHES),
    ):
        wrong = [name for name in names.split(",") if name not in there]
        if wrong:
            parser.error(f"--{option} must be among {', '.join(sorted(there))}, but got {wrong[0]!r}")
    searches = []
    for search in chosen.searches.split(","):
        why = missing(search)
        if why is None:
            searches.append(search)
        else:
            print(why, flush=True)
    workers = [int(number) for number in chosen.workers.split(",")]
    names, seeds = chosen.problems.split(","), (chosen.seeds, chosen.slow_seeds)
    wanted = list(tasks(names, searches, workers, *seeds, chosen.trials))
    rows = run(wanted, chosen.out / "rows.jsonl", chosen.processes)
    blocks = summary(rows)
    told = [without_infinity(block) for block in blocks]
    equal = {w: without_infinity(at_equal_quality([r for r in rows if r["workers"] == w])) for w in workers}
    report = {"blocks": told, "slices_against_random_starts": equal}
    (chosen.out / "summary.json").write_text(json.dumps(report, indent=1) + "\n")
    write_png(told, chosen.out / "regret.png")
    write_page(told, chosen.out / "regret.html")
    for block in blocks:
        print(f"\n{block['problem']}, {block['workers']} workers: minutes to 95 and 99 %, regret at the end")
        for name, search in block["searches"].items():
            times = "".join(f"{search['time_to'][share]['median'] / 60:>9.1f}" for share in ("0.95", "0.99"))
            print(f"  {name:16}{times}{search['regret']['median'][-1]:>9.4f}  ({search['seeds']} seeds)")
        best = block["oracle"]["time_to"]
        print(f"  {'best achievable':16}{best['0.95'] / 60:>9.1f}{best['0.99'] / 60:>9.1f}")
    print(f"\nwritten to {chosen.out}: summary.json, regret.png, regret.html")


def without_infinity(value: Any) -> Any:
    """JSON knows none: what was never reached is null."""
    if isinstance(value, dict):
        return {str(key): without_infinity(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_infinity(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
