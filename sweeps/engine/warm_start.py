"""Earlier sweeps teach a new one: their complete trials are told to its sampler, and are no trials of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dfkd_core.errors import ConfigError
from search_spaces.space import Space
from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import Ledger, Lesson
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState

HASHES = ("data_hash", "teacher_hash")


def lessons(spec: SweepSpec, hashes: Mapping[str, str | None]) -> list[Lesson]:
    """What the sweeps of `warm_start` can teach: trials inside this space, with this sweep's objectives.

    Raises ConfigError for a sweep on other data or with another teacher: its values would not compare.
    """
    space = Space.parse(spec.space)
    found: list[Lesson] = []
    for index, place in enumerate(spec.warm_start):
        found += _of_sweep(spec, space, hashes, SweepFolder(place), f"warm_start[{index}]")
    return found


def _of_sweep(
    spec: SweepSpec, space: Space, hashes: Mapping[str, str | None], folder: SweepFolder, key: str
) -> list[Lesson]:
    ledger = Ledger.open(folder.path, folder.spec(), folder.note()["sweep_id"])
    recorded = ledger.attrs()
    for name in HASHES:
        if recorded.get(name) != hashes.get(name):
            rule = f"must have this sweep's {name} {hashes.get(name)}, but {folder.path} has {recorded.get(name)}"
            raise ConfigError(f"{rule}; leave it out", key=key)
    complete = [record for record in ledger.records() if record.state is TrialState.COMPLETE]
    needed = {objective.metric for objective in spec.objectives}
    fitting = [(_encoded(space, r.params), dict(r.metrics)) for r in complete if needed <= set(r.metrics)]
    return [(params, metrics) for params, metrics in fitting if params is not None]


def _encoded(space: Space, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """The study's parameters for a point; None when it lies outside the space or leaves one of its keys open."""
    try:
        return space.encode(params) if space.covers(params) else None
    except ConfigError:
        return None
