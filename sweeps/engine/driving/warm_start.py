"""Earlier sweeps teach a new one: their complete trials are told to its sampler, and are no trials of its own."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from dfkd_core.errors import ConfigError
from search_spaces.space import Space
from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import Told
from sweeps.record.sweep import Sweep
from sweeps.record.trials import TrialState

HASHES = ("data_hash", "teacher_hash")


def lessons(spec: SweepSpec, hashes: Mapping[str, str | None]) -> list[Told]:
    """What the sweeps of `warm_start` can teach: trials inside this space, with this sweep's objectives.

    Raises ConfigError for a sweep on other data or with another teacher: its values would not compare.
    """
    space = Space.parse(spec.space)
    needed = {objective.metric for objective in spec.objectives}
    found: list[Told] = []
    for index, place in enumerate(spec.warm_start):
        earlier = Sweep.open(place)
        recorded = earlier.ledger.attrs()
        for name in HASHES:
            if recorded.get(name) != hashes.get(name):
                rule = f"must have this sweep's {name} {hashes.get(name)}, but {earlier.path} has {recorded.get(name)}"
                raise ConfigError(f"{rule}; leave it out", key=f"warm_start[{index}]")
        for record in earlier.ledger.records():
            if record.state is TrialState.COMPLETE and needed <= set(record.metrics):
                # a point that lies outside the space, or leaves one of its keys open, teaches nothing
                with suppress(ConfigError):
                    if space.covers(record.params):
                        found.append((space.encode(record.params), dict(record.metrics)))
    return found
