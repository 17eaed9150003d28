"""`dfkd front ...` and `dfkd export`: look at a front, choose from it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from dfkd_core.base.outputs import require_output
from dfkd_core.base.printable import printable
from dfkd_core.errors import ConfigError
from sweeps.commands.options import Address, AsJson, Limits, SweepDir, Yes, bounds, display
from sweeps.commands.trusting import ask_once

app = typer.Typer(no_args_is_help=True, help="Look at fronts.")


@app.command()
def show(
    folder: SweepDir, format_: Annotated[Literal["table", "json", "csv"], typer.Option("--format")] = "table"
) -> None:
    """Show a sweep's front: drawn beside its table, or as JSON or CSV."""
    from sweeps.fronts.front import load_front
    from sweeps.terminal.front_table import show_front

    show_front(load_front(folder), format_)


@app.command()
def confirm(
    folder: SweepDir,
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="fresh seeds for each point; uncertain ones get more (default: 3)")
    ] = None,
    full_budget: Annotated[
        bool, typer.Option("--full-budget", help="instead: train each point as long as its exported config says")
    ] = False,
    address: Address = None,
    yes: Yes = False,
) -> None:
    """Train the front and its near neighbours again with fresh seeds, or its points at full length."""
    from sweeps.engine.driving.confirm import confirm_front
    from sweeps.engine.driving.full_budget import confirm_at_full_budget
    from sweeps.terminal.summary import show_summary

    if full_budget and seeds is not None:
        raise ConfigError("goes with the config's own seed; leave --seeds out, or confirm twice", key="--full-budget")
    ask_once(folder, yes)
    if full_budget:
        confirm_at_full_budget(folder, address=address, display=display())
    else:
        confirm_front(folder, 3 if seeds is None else seeds, address=address, display=display())
    show_summary(folder)


@app.command()
def compare(
    folders: Annotated[list[Path], typer.Argument(help="two sweep folders or more, on the same data")],
    as_json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the page (default: compare-....html beside the first front)")
    ] = None,
) -> None:
    """Compare fronts: hypervolume, epsilon, coverage, who wins which size; as tables, as a page, or as JSON."""
    from sweeps.comparing.compared_fronts import read_fronts
    from sweeps.comparing.comparison import compare as compared
    from sweeps.record.sweep_folder import require_not_own
    from sweeps.terminal.comparison_report import report

    require_output(out, "--out")
    if out is not None:
        require_not_own(out, "--out")
    report(compared(read_fronts(folders)), out, as_json=as_json)


@app.command()
def references(
    folder: SweepDir,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|DIR|FILE]...", help="as `evaluate --teacher` takes them (default: all public models)"
        ),
    ] = None,
    yes: Yes = False,
) -> None:
    """Measure models from elsewhere on what the sweep's trials are scored on; they are drawn apart from its front."""
    from dfkd_core.teachers import PRETRAINED
    from sweeps.engine.driving.run import sync_sweep
    from sweeps.record.driver_lock import live_holder
    from sweeps.record.sweep_folder import SweepFolder
    from sweeps.workload import domain_of

    ask_once(folder, yes)
    sweep = SweepFolder(folder)
    spec, domain = sweep.spec(), domain_of(sweep.workload())
    config = domain.trial_config(spec.config, spec.budget.epochs_per_trial)
    for line in domain.measure_references(sweep.path, names or list(PRETRAINED), config):
        typer.echo(printable(str(line)))
    if live_holder(sweep.path) is None:
        sync_sweep(folder)
    else:
        typer.echo("the running sweep takes them into its front")


def export(
    folder: SweepDir,
    output: Annotated[
        str, typer.Option("-o", "--out", "--output", help="CONFIG.yaml, or FOLDER/, as with --per-decade")
    ],
    trial: Annotated[int | None, typer.Option(help="this complete trial's config")] = None,
    knee: Annotated[
        bool,
        typer.Option(
            "--knee",
            help="the point furthest beyond the line between the extremes; without one, a small and good point",
        ),
    ] = False,
    best: Annotated[
        str | None, typer.Option(metavar="METRIC", help="the best of a metric, within --max and --min")
    ] = None,
    per_decade: Annotated[bool, typer.Option("--per-decade", help="the best of each decade of size")] = False,
    max_: Annotated[Limits, typer.Option("--max", metavar="METRIC=VALUE")] = None,
    min_: Annotated[Limits, typer.Option("--min", metavar="METRIC=VALUE")] = None,
) -> None:
    """Write the config of a front's point, or of any complete trial, ready for `dfkd train`.

    --max and --min repeat and take k, M and G: --max model/params=60k --max model/macs_per_s=0.3G.
    """
    from sweeps.fronts.choose import Rules, choose
    from sweeps.fronts.export import export_choices
    from sweeps.fronts.front import load_front
    from sweeps.terminal.status import sweep_facts

    front = load_front(folder)
    rules = Rules(trial, knee, best, per_decade, bounds(max_, "--max"), bounds(min_, "--min"))
    choices = choose(front, rules)
    several = per_decade or output.endswith("/")
    paths = export_choices(folder, front, choices, Path(output), sweep_facts(folder), several=several)
    for path, choice in zip(paths, choices, strict=True):
        command = shlex.join(["dfkd", "train", str(path), "--out", f"models/{path.stem}"])
        typer.echo(printable(f"{path}: {choice.why}\ntrain it with: {command}", keep="\n"))
