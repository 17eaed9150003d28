"""What is had before trials run: the folder's lock, a Ray that can hold a trial, the data that all trials share."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna

from cluster.demand import require_room
from cluster.resources import check_fits
from cluster.session import Session, connect
from cluster.storage import blind_nodes
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.outputs import output_folder
from dfkd_core.errors import ConfigError
from search_spaces.space import Space
from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.stopping import STOP_REQUEST
from sweeps.record.driver_lock import DriverLock
from sweeps.record.sweep_folder import SweepFolder
from sweeps.terminal.display import Display
from sweeps.workload import Workload, domain_of

NUM_SAMPLES = 50


def default_workload() -> type[Workload]:
    """Distillation, the workload that this project exists for."""
    from sweeps.distillation.workload import DistillationWorkload

    return DistillationWorkload


@contextmanager
def locked(folder: SweepFolder) -> Iterator[DriverLock]:
    """The folder's lock, held by this driver."""
    output_folder(folder.path)
    lock = DriverLock.acquire(folder.path)
    (folder.path / STOP_REQUEST).unlink(missing_ok=True)  # it was meant for a driver that has died
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def ray_for(
    spec: SweepSpec, folder: SweepFolder, address: str | None, command: str = "sweep resume"
) -> Iterator[Session]:
    """A Ray that can hold a trial; one of our own has room for `max_concurrent`, and no more than may be used here."""
    wanted, limit = spec.resources.cpus_per_trial, spec.resources.max_concurrent
    num_cpus = math.ceil(limit * wanted) if limit is not None and wanted else None
    remedy = f"go on with `dfkd {command} {shlex.quote(str(folder.path))}`"
    with connect(address, num_cpus=num_cpus, remedy=remedy) as session:
        (check_fits if session.is_own else require_room)(spec.resources.bundle, session.nodes())
        yield session


def sample(spec: SweepSpec, num_samples: int = NUM_SAMPLES) -> list[dict[str, Any]]:
    """Random points of the sweep's space, the same ones each time."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=spec.sampler.seed))
    space = Space.parse(spec.space)
    return [space.suggest(study.ask()) for _ in range(num_samples)]


def require_inputs(spec: SweepSpec, workload: type[Workload], display: Display) -> None:
    """The errors of what trials read or learn from, absent or unfit, whichever values of the space they draw."""
    for index, place in enumerate(spec.warm_start):
        try:
            SweepFolder(place).require()
        except ConfigError as error:
            raise error.at(key=f"warm_start[{index}]") from error
    require_read(spec, workload, display)


def require_read(spec: SweepSpec, workload: type[Workload], display: Display) -> None:
    """The same of what trials read alone, for a sweep that goes on: what it learned from stands in its ledger."""
    domain, epochs = domain_of(workload), spec.budget.epochs_per_trial
    configs = [domain.trial_config(with_overrides(spec.config, params), epochs) for params in sample(spec)]
    space = Space.parse(spec.space)
    space.check(spec.config, (), lambda changed: configs.append(domain.trial_config(changed, epochs)))
    try:
        with display.preparing() as progress:
            domain.require_inputs(configs, progress)
    except ConfigError as error:
        named = spec.file_of("space" if error.key in spec.space else "config")
        raise error.at(file=error.file or named) from error


def prepare(spec: SweepSpec, workload: type[Workload], display: Display) -> dict[str, str | None]:
    """Build what all trials share; returns the hashes that make their results comparable."""
    domain = domain_of(workload)
    config = domain.trial_config(spec.config, spec.budget.epochs_per_trial)
    with display.preparing() as progress:
        hashes = domain.prepare(config, progress)
    domain.require_reported(config, spec.metrics)
    return hashes


def tell_blind_nodes(folder: SweepFolder, display: Display) -> None:
    """Say which nodes do not see the sweep folder, and what becomes of their trials."""
    if blind := blind_nodes(folder.path):
        does, its = ("does", "its") if len(blind) == 1 else ("do", "their")
        how = f"{its} trials hand each checkpoint to this driver's side, which writes it"
        display.note(f"{', '.join(blind)} {does} not see {folder.path}: {how}")
