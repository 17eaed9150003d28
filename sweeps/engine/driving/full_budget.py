"""Train the points of a front as long as their configs say, side by side on Ray, to know whether their order holds."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import ray
from ray.exceptions import RayError

from cluster.resources import num_slots
from cluster.storage import require_seen
from dfkd_core.base.printable import printable
from dfkd_core.errors import ConfigError, DFKDError, Interrupted
from dfkd_core.trained.model_record import METRICS
from sweeps.engine.driving.checking import check_begun, check_unchanged
from sweeps.engine.driving.confirm import require_finished
from sweeps.engine.driving.preparing import locked, prepare, ray_for
from sweeps.engine.driving.recovery import deliver_owed
from sweeps.fronts.choose import Choice
from sweeps.fronts.export import export_config
from sweeps.fronts.front import Front, build_front
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.terminal.display import Display
from sweeps.terminal.status import sweep_facts
from sweeps.tracking.delivery import deliver_all
from sweeps.tracking.model_runs import PATIENCE_S
from sweeps.tracking.spool import SPOOL
from sweeps.trust.full_budget import full_folder
from sweeps.workload import Workload, domain_of

COMMAND = "front confirm --full-budget"
IN_PYTHON = "confirm_at_full_budget({path!r}, workload={name})"


def confirm_at_full_budget(
    path: str | Path,
    workload: type[Workload] | None = None,
    address: str | None = None,
    display: Display | None = None,
) -> Front:
    """Train every point of the front with the epochs of its exported config; the front then tells Kendall's tau.

    Goes on where an earlier call was interrupted. Raises ConfigError for a sweep that cannot be confirmed, DFKDError
    when a training fails (after the others have ended), Interrupted.
    """
    folder, display = SweepFolder(path), display or Display()
    folder.require()
    with locked(folder):
        sweep = Sweep.open(path)
        check_begun(sweep)
        workload = workload or folder.workload(IN_PYTHON)
        records = sweep.ledger.records()
        require_finished(sweep, records)
        front, facts = build_front(sweep.spec, sweep.ledger.sweep_id, records), sweep_facts(path)
        configs = {
            point.trial: export_config(folder.path, front, Choice(point, "on the front"), facts)
            for point in front.points
        }
        left = {n: config for n, config in configs.items() if not (full_folder(folder.path, n) / METRICS).exists()}
        if not left:
            return _delivered(sweep, configs)
        longer = {n: int((config.get("training") or {}).get("epochs") or 0) for n, config in left.items()}
        if not all(longer.values()):
            raise ConfigError(
                "must tell how long a full training is; set training.epochs", key="config.training.epochs"
            )
        with ray_for(sweep.spec, folder, address, COMMAND) as session:
            wanted = sweep.spec.resources.bundle
            abreast = max(1, min(len(left), num_slots(wanted, session.nodes())))
            display.note(cost(sweep, longer, abreast))
            check_unchanged(sweep, prepare(sweep.spec, workload, display))
            require_seen(folder.path)
            failed = train_side_by_side(folder.path, left, wanted, workload, display)
        front = _delivered(sweep, configs)
    if failed:
        number, error = next(iter(failed.items()))
        rule = f"{len(failed)} of {len(configs)} full trainings failed, such as trial {number}'s: {error}"
        raise DFKDError(f"{path}: {rule}; mend that, and `dfkd {COMMAND} {shlex.quote(str(path))}` goes on")
    return front


def _delivered(sweep: Sweep, trials: Iterable[int]) -> Front:
    """The front with what is known by now; MLflow gets what trainings have left owing."""
    for place in (full_folder(sweep.path, trial) for trial in trials):
        if (place / SPOOL).is_dir():
            deliver_all(place, PATIENCE_S)
    return deliver_owed(sweep)


def cost(sweep: Sweep, epochs: Mapping[int, int], abreast: int) -> str:
    """What full trainings with so many epochs, by trial, will take, as fast as the sweep's own epochs went."""
    spent: list[float | None] = []
    for trial, number in epochs.items():
        noted = sweep.ledger.epoch_times(trial)
        times = [noted[epoch] for epoch in sorted(noted)]
        gaps = [b - a for a, b in pairwise(times)]
        spent.append(number * median(gaps) if gaps else None)
    known = [seconds for seconds in spent if seconds is not None]
    clock = f", about {max(sum(known) / abreast, *known) / 60:.0f} min" if len(known) == len(spent) else ""
    points = f"{len(epochs)} point" + ("" if len(epochs) == 1 else "s")
    return f"{points} of the front, {sum(epochs.values())} epochs in all, {abreast} at once{clock}."


def train_side_by_side(
    folder: Path,
    configs: Mapping[int, dict[str, Any]],
    wanted: Mapping[str, float],
    workload: type[Workload],
    display: Display,
) -> dict[int, str]:
    """Train the trials' configs into their folders; returns what failed, by trial."""
    others = {name: amount for name, amount in wanted.items() if name not in ("CPU", "GPU")}
    options = {"num_cpus": wanted.get("CPU", 0), "num_gpus": wanted.get("GPU", 0), "resources": others}
    train = ray.remote(max_calls=1, max_retries=3)(_train_one).options(**options)
    waiting = {train.remote(workload, config, str(full_folder(folder, n))): n for n, config in configs.items()}
    failed: dict[int, str] = {}
    try:
        while waiting:
            done, _ = ray.wait(list(waiting), num_returns=1)
            number = waiting.pop(done[0])
            try:
                line = ray.get(done[0])
            except (RayError, DFKDError) as error:
                cause = getattr(error, "cause", None) or error
                failed[number] = line = " ".join(str(cause).split())[:300]
            display.note(printable(f"[{len(configs) - len(waiting)}/{len(configs)}] trial {number}: {line}"))
    except KeyboardInterrupt as interrupt:
        command = f"dfkd {COMMAND} {shlex.quote(str(folder))}"
        raise Interrupted(f"{folder}: interrupted; go on with `{command}`") from interrupt
    return failed


def _train_one(workload: type[Workload], config: dict[str, Any], folder: str) -> str:
    """On the node that has room: one point, to the end."""
    domain = domain_of(workload)
    return domain.train_fully(config, Path(folder))
