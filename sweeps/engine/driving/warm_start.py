"""Earlier sweeps teach a new one: their complete trials are told to its sampler, and are no trials of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from dfkd_core.errors import ConfigError
from search_spaces.space import Space
from sweeps.definition.constraints import broken
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import has_point
from sweeps.record.ledger import Told
from sweeps.record.sweep import Sweep

log = logging.getLogger(__name__)
HASHES = ("data_hash", "teacher_hash")


def lessons(spec: SweepSpec, hashes: Mapping[str, str | None]) -> list[Told]:
    """What the sweeps of `warm_start` can teach: trials inside this space and these constraints, with these objectives.

    Raises ConfigError for a sweep on other data or with another teacher: its values would not compare. Where trials lie
    outside this space it is said how many, and which keys the two spaces share.
    """
    space = Space.parse(spec.space)
    found: list[Told] = []
    for index, place in enumerate(spec.warm_start):
        earlier = Sweep.open(place)
        recorded = earlier.ledger.attrs()
        for name in HASHES:
            if recorded.get(name) != hashes.get(name):
                rule = f"must have this sweep's {name} {hashes.get(name)}, but {earlier.path} has {recorded.get(name)}"
                raise ConfigError(f"{rule}; leave it out", key=f"warm_start[{index}]")
        if (epochs := earlier.spec.budget.epochs_per_trial) != spec.budget.epochs_per_trial:
            lengths = f"had {epochs} epochs, and here have {spec.budget.epochs_per_trial}"
            log.warning("warm_start[%d]: trials of %s %s", index, earlier.path, lengths)
        complete = [record for record in earlier.ledger.records() if has_point(record, spec.objectives)]
        known = [[c for c in spec.constraints if c.metric in record.metrics] for record in complete]
        records = [r for r, constraints in zip(complete, known, strict=True) if not broken(constraints, r.metrics)]
        if len(records) < len(complete):
            part = f"{len(complete) - len(records)} of {len(complete)} complete trials of {earlier.path}"
            log.warning("warm_start[%d]: %s break this sweep's constraints and are left out", index, part)
        inside = []
        for record in records:
            # a point that lies outside the space, or leaves one of its keys open, teaches nothing
            with suppress(ConfigError):
                if space.covers(record.params):
                    inside.append((space.encode(record.params), dict(record.metrics)))
        if len(inside) < len(records):
            keys = compared(set(space.keys), set(Space.parse(earlier.spec.space).keys))
            part = f"{len(inside)} of {len(records)} complete trials of {earlier.path} lie in this space and teach it"
            log.warning("warm_start[%d]: %s; %s", index, part, keys)
        found += inside
    return found


def compared(here: set[str], there: set[str]) -> str:
    """Which keys two spaces share, in words."""
    parts = (("both search", here & there), ("only there", there - here), ("only here", here - there))
    return "; ".join(f"{what}: {', '.join(sorted(keys))}" for what, keys in parts if keys)
