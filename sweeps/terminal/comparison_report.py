"""A comparison as a page for people, and on the terminal as tables or JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dfkd_core.base.atomic_files import write_atomic
from sweeps.comparing.comparison import Comparison
from sweeps.fronts.front import FRONT_FILE
from sweeps.page.comparison import comparison_page
from sweeps.terminal.comparison_table import show_comparison


def report(comparison: Comparison, page: Path | None, *, as_json: bool = False) -> None:
    """Write the page (default: beside the first front), print the comparison and where the page lies."""
    target = page or default_page(comparison)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, comparison_page(comparison).encode())
    if as_json:
        print(json.dumps({**comparison.to_json(), "page": str(target)}, indent=1))  # noqa: T201 - for pipes
        return
    show_comparison(comparison)
    print(f"page    {target}")  # noqa: T201 - this is the display


def default_page(comparison: Comparison) -> Path:
    """`front/compare-B.html` in the first folder, named after the others."""
    others = "-".join(re.sub(r"[^A-Za-z0-9-]+", "-", label).strip("-") for label in comparison.labels[1:])
    return comparison.fronts[0].folder / FRONT_FILE.parent / f"compare-{others}.html"
