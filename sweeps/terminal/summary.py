"""What is left on the screen when a sweep has ended: the front, and where to look next."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from sweeps.fronts.front import load_front
from sweeps.record.sweep import Sweep
from sweeps.record.usage import Usage, usage_text
from sweeps.terminal.front_table import show_front
from sweeps.tracking.addresses import RunAddresses
from sweeps.tracking.delivery import rejected, set_aside, tracker_ids, trouble, undelivered


def show_summary(folder: Path) -> None:
    """Print the front, the page's path, the next commands and, last, how to look at it in MLflow."""
    show_front(load_front(folder), "table")
    uri, experiment_id, run_id = tracker_ids(folder)
    sweep = Sweep.open(folder)
    addresses = RunAddresses(uri, experiment_id)
    lines = [
        f"used    {usage_text(Usage.of(sweep.ledger).facts(sweep.spec.resources))}",
        f"page    {folder / 'front' / 'front.html'}",
        f"export  {in_venv('dfkd')} export {shlex.quote(str(folder))} --knee -o best.yaml",
    ]
    owed, sync = undelivered(folder), f"dfkd sweep sync {shlex.quote(str(folder))}"
    if owed:
        reason = trouble(folder) or "it does not answer"
        lines.append(f"{owed} records have not reached MLflow ({reason}); deliver them with: {sync}")
    refused = rejected(folder)
    if refused:
        lines.append(f"{refused} records were refused by MLflow for good: {folder / 'spool' / 'rejected.jsonl'}")
    files, why = set_aside(folder)
    if files:
        lines.append(f"{len(files)} files could not be stored ({why}); try them again with: {sync}")
    command = addresses.how_to_look()
    lines.append(f"look    {in_venv(command) if command else uri}")
    if (run := addresses.page(run_id)) is not None:
        lines.append(f"run     {run}")
    print("\n".join(lines))  # noqa: T201 - this is the display


def in_venv(command: str) -> str:
    """The command as it works here: with the path of its program, when that is not on PATH."""
    program, _, rest = command.partition(" ")
    beside = Path(sys.executable).with_name(program)
    if shutil.which(program) or not beside.exists():
        return command
    shown = beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside
    return f"{shlex.quote(str(shown))} {rest}".rstrip()
