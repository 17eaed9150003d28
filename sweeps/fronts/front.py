"""The Pareto front of a sweep as types, as built from the record and as kept in front.json."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from dfkd_core.base.documents import read_json
from dfkd_core.base.schema import Config
from dfkd_core.errors import ConfigError, Unreadable
from sweeps import pareto
from sweeps.definition.objectives import Objective, costs
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.full_budget import FullBudget
from sweeps.fronts.reference_models import ReferenceModel
from sweeps.record.trials import FINAL_STATES, TrialRecord, TrialState

if TYPE_CHECKING:
    import pandas as pd

FRONT_FILE = Path("front") / "front.json"
TRUST = ("seeds", "mean", "interval", "probability_on_front", "indistinguishable_from")  # fields of repeated points
ADDITIONS = ("confirmation", "references", "full_budget")  # of front.json: absent while there is nothing to say


_log = logging.getLogger(__name__)


class FrontPoint(Config):
    """One trial that no other complete trial beats; values in their own units and sign."""

    trial: Annotated[int, Field(ge=0)]
    run_id: str | None = None  # None until the tracker has the run
    params: Annotated[dict[str, Any], Field(default_factory=dict)]  # searched values by key path
    values: dict[str, float]  # the objectives
    metrics: Annotated[dict[str, float], Field(default_factory=dict)]  # the last epoch's other metrics
    fidelity: float = 1.0
    config: Annotated[str, Field(pattern=r"^trials/\d{4,12}/config\.yaml$")]  # seen from the sweep folder
    # of a point that was trained again; `values` stay those of the search
    seeds: tuple[int, ...] = ()  # fresh ones whose trainings are complete
    mean: dict[str, float] = {}  # the objectives over these seeds
    interval: dict[str, tuple[float, float]] = {}  # 95 %, of the mean
    probability_on_front: Annotated[float, Field(ge=0, le=1)] | None = None
    indistinguishable_from: tuple[int, ...] = ()  # trials

    @model_serializer(mode="wrap")
    def _without_empty_trust(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        known: dict[str, Any] = dump(self)
        return known if self.seeds else {key: value for key, value in known.items() if key not in TRUST}

    def measured(self, metric: str) -> float | None:
        """The value of an objective or of any other metric of the last epoch; None when it was not measured."""
        return self.values.get(metric, self.metrics.get(metric))

    def at_mean(self) -> FrontPoint:
        """The point with the means over its fresh seeds as values; as it is without any."""
        return self.model_copy(update={"values": {**self.values, **self.mean}})

    def trust(self) -> dict[str, Any]:
        """What repeats have shown as a flat row: seeds, probability, means and bounds; empty without repeats."""
        if not self.seeds:
            return {}
        row: dict[str, Any] = {"seeds": len(self.seeds), "probability_on_front": self.probability_on_front}
        for metric, (low, high) in self.interval.items():
            row |= {f"{metric} mean": self.mean.get(metric), f"{metric} low": low, f"{metric} high": high}
        return row


class Confirmation(Config):
    """What was spent to train a front's points again, and what the differences between them are worth."""

    seeds_per_point: Annotated[int, Field(ge=1)]  # that every candidate is certain to get
    repeats: Annotated[int, Field(ge=0)]  # trainings asked for
    uncertain_repeats: Annotated[int, Field(ge=0)]  # of these, those of points whose place was uncertain
    failed_repeats: Annotated[int, Field(ge=0)]  # ended, but not complete: they enter no mean
    smallest_difference: dict[str, float]  # told from noise in 80 % of cases, by objective; exact ones are absent
    smallest_difference_of_clips: dict[str, float]  # the same with any number of seeds
    neighbours: tuple[FrontPoint, ...]  # trials close behind the front that were trained again as well


class Front(Config):
    """Every point that was trained to the end, is feasible and is beaten by none; equal vectors are all kept."""

    schema_version: Literal[1] = 1
    name: str  # of the sweep: it enters file names and commands
    sweep_id: str
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)]
    reference_point: dict[str, float]
    hypervolume: float  # on the objectives' scales, up to the reference point
    confirmed: bool = False
    trials: dict[str, int]  # number of trials by state
    points: tuple[FrontPoint, ...]
    confirmation: Confirmation | None = None  # None before the first repeat
    full_budget: FullBudget | None = None  # None before the first full training
    references: tuple[ReferenceModel, ...] = ()  # models from elsewhere on the same mixtures; never part of the front
    _trials: Sequence[TrialRecord] | Path | None = PrivateAttr(None)  # of its sweep, or the folder that knows them

    @field_validator("name")
    @classmethod
    def _without_power(cls, name: str) -> str:
        """A name that no sweep can have comes from somewhere else; it shall neither leave a folder nor run."""
        if re.fullmatch(r"[a-z0-9-]{1,200}", name):
            return name
        harmless = "foreign-" + re.sub(r"[^a-z0-9-]", "-", name.lower())[:100].strip("-")
        _log.warning("a front's name must be of a-z, 0-9 and -, but is %r; it is read as %r", name[:100], harmless)
        return harmless

    @model_validator(mode="after")
    def _with_every_objective(self) -> Front:
        for point in self.points:
            for objective in self.objectives:
                if objective.metric not in point.values:
                    raise ValueError(f"points: trial {point.trial} must have a value of {objective.metric!r}")
        return self

    def __eq__(self, other: object) -> bool:
        """Two fronts are equal when they say the same, wherever they come from."""
        return isinstance(other, Front) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]  # it holds mappings

    def of(self, trials: Sequence[TrialRecord] | Path) -> Front:
        """The same front, knowing all trials of its sweep or the folder where they are read when they are needed."""
        front = self.model_copy()
        front._trials = trials
        return front

    def records(self) -> Sequence[TrialRecord]:
        """Every trial of the sweep; ConfigError or DFKDError when the front was read without it."""
        if self._trials is None:
            raise ConfigError("must know its sweep to look beyond the front; read it with load_front(FOLDER)")
        return read_trials(self._trials) if isinstance(self._trials, Path) else self._trials

    def complete(self) -> list[FrontPoint]:
        """Every complete trial of the sweep as a point; what repeats have shown of it stays with it."""
        known = {point.trial: point for point in (*self.repeated, *self.points)}
        return [
            known.get(record.number) or front_point(record, self.objectives, None)
            for record in self.records()
            if has_point(record, self.objectives)
        ]

    @model_serializer(mode="wrap")
    def _without_empty_additions(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        known: dict[str, Any] = dump(self)
        return {key: value for key, value in known.items() if value or key not in ADDITIONS}

    @property
    def repeated(self) -> list[FrontPoint]:
        """Points and near neighbours that have been trained again."""
        neighbours = self.confirmation.neighbours if self.confirmation else ()
        return [point for point in (*self.points, *neighbours) if point.seeds]

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from sweeps.fronts.front_html import front_html

        return front_html(self)

    def to_json(self) -> str:
        """The text of front.json."""
        return self.model_dump_json(indent=1) + "\n"

    def to_frame(self) -> pd.DataFrame:
        """One row per point: trial, run_id, searched values, objectives, other metrics, fidelity, config."""
        import pandas as pd

        rows = [
            {"trial": p.trial, "run_id": p.run_id, **p.params, **p.values, **p.metrics}
            | {"fidelity": p.fidelity, "config": p.config}
            | p.trust()
            for p in self.points
        ]
        return pd.DataFrame(rows)

    def at_means(self) -> Front:
        """A confirmed front with the means over fresh seeds as values; any other as it is.

        What the search saw once was chosen for being high.
        """
        return self.model_copy(update={"points": tuple(p.at_mean() for p in self.points)}) if self.confirmed else self

    def costs(self) -> list[tuple[float, ...]]:
        """One row per point: the objectives' values in minimised form, on their scales."""
        return [costs(self.objectives, point.values) for point in self.points]

    def point(self, trial: int) -> FrontPoint:
        """The point of a trial; ConfigError when that trial is not on the front."""
        for point in self.points:
            if point.trial == trial:
                return point
        known = ", ".join(str(p.trial) for p in self.points) or "none"
        raise ConfigError(f"must be a trial on the front, but got {trial}; on the front: {known}")

    def knee(self) -> FrontPoint:
        """The point that `dfkd export --knee` takes (`sweeps.fronts.choose.choose_knee`).

        Where no point lies beyond the line between the extremes, the smallest of the good ones.
        """
        from sweeps.fronts.choose import choose_knee

        return choose_knee(self).point

    def best(
        self, metric: str, max: Mapping[str, float] | None = None, min: Mapping[str, float] | None = None
    ) -> FrontPoint:
        """The point with the best `metric` among those within the bounds (`sweeps.fronts.choose.choose_best`).

        With a bound on what is no objective all complete trials are looked at. ConfigError when none is within.
        """
        from sweeps.fronts.choose import choose_best

        return choose_best(self, metric, at_most=max or {}, at_least=min or {}).point


def has_point(record: TrialRecord, objectives: Sequence[Objective]) -> bool:
    """True for trials that may be on a front: complete, with every objective measured and finite."""
    found = [record.metrics.get(objective.metric) for objective in objectives]
    return record.state is TrialState.COMPLETE and all(value is not None and np.isfinite(value) for value in found)


def trial_ranks(records: Iterable[TrialRecord], objectives: Sequence[Objective]) -> dict[int, int]:
    """Rank by trial number for the trials that have one; rank 0 is the front."""
    ranked = [record for record in records if has_point(record, objectives)]
    found = pareto.ranks(_cost_array(ranked, objectives))
    return {record.number: int(rank) for record, rank in zip(ranked, found, strict=True)}


def count_states(records: Iterable[TrialRecord]) -> dict[str, int]:
    """Number of trials by state: the final states always, the passing ones while there are any."""
    counted = Counter(str(record.state) for record in records)
    return {str(state): 0 for state in FINAL_STATES} | counted


def build_front(
    spec: SweepSpec,
    sweep_id: str,
    records: Sequence[TrialRecord],
    run_ids: Mapping[int, str] | None = None,
    *,
    confirmed: bool = False,
) -> Front:
    """The front of a sweep's record, sorted by its first minimised objective."""
    ranked = [record for record in records if has_point(record, spec.objectives)]
    cost = _cost_array(ranked, spec.objectives)
    on_front = [record for record, kept in zip(ranked, pareto.non_dominated(cost), strict=True) if kept]
    front = Front(
        name=spec.name,
        sweep_id=sweep_id,
        objectives=spec.objectives,
        reference_point=dict(spec.reference_point),
        hypervolume=pareto.hypervolume(cost, costs(spec.objectives, spec.reference_point)),
        confirmed=confirmed,
        trials=count_states(records),
        points=tuple(
            front_point(r, spec.objectives, (run_ids or {}).get(r.number))
            for r in in_front_order(on_front, spec.objectives)
        ),
    )
    return front.of(records)


def config_path(trial: int) -> str:
    """Where a trial's resolved config lies, seen from the sweep folder."""
    return f"trials/{trial:04d}/config.yaml"


def load_front(folder: str | Path) -> Front:
    """Read the front of a sweep folder back."""
    file = Path(folder) / FRONT_FILE
    try:
        return Front.parse(read_json(file), file).of(Path(folder))
    except FileNotFoundError as error:
        raise ConfigError(f"must be readable, but {error.strerror}; name a sweep folder", file=file) from error
    except Unreadable as error:
        raise ConfigError(f"{error.rule}; run `dfkd sweep sync` to write it anew", file=file) from error


def read_trials(folder: Path) -> list[TrialRecord]:
    """Every trial of a sweep folder's ledger; ConfigError or DFKDError when it holds none that can be read."""
    from sweeps.record.sweep import Sweep

    return Sweep.open(folder).ledger.records()


def _cost_array(records: Sequence[TrialRecord], objectives: Sequence[Objective]) -> pareto.Costs:
    rows = [costs(objectives, record.metrics) for record in records]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(objectives))


def in_front_order(records: Iterable[TrialRecord], objectives: Sequence[Objective]) -> list[TrialRecord]:
    """Sorted by the first minimised objective, then by the others, then by number."""
    return sorted(records, key=lambda record: place_in_front(record, objectives))


def place_in_front(record: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """What a front is sorted by; the last is the trial's number."""
    lead = next((o for o in objectives if o.goal == "minimize"), objectives[0])
    return (lead.cost(record.metrics[lead.metric]), *costs(objectives, record.metrics), record.number)


def front_point(record: TrialRecord, objectives: Sequence[Objective], run_id: str | None) -> FrontPoint:
    """The record of a complete trial as a point."""
    named = {objective.metric for objective in objectives}
    return FrontPoint(
        trial=record.number,
        run_id=run_id,
        params=dict(record.params),
        values={o.metric: record.metrics[o.metric] for o in objectives},
        metrics={k: v for k, v in record.metrics.items() if k not in named and np.isfinite(v)},
        fidelity=record.fidelity,
        config=config_path(record.number),
    )
