"""A front with what its repeats have shown: means, intervals, probabilities, and what cannot be told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfkd_core.scoring.clip_table import ClipTable
from sweeps.definition.objectives import Objective
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Confirmation, Front, front_point, has_point
from sweeps.record.trial_folder import TrialFolder
from sweeps.record.trials import TrialRecord
from sweeps.trust.membership import alike, front_probability, smallest_differences
from sweeps.trust.repeated_scores import RepeatedScores
from sweeps.trust.repeats import SEEDS, Repeats

Array = NDArray[np.float64]

NUM_DRAWS = 2000
STARTS = ("training.start_from", "training.slice_by")


@dataclass
class RepeatedTrial:
    """One trial of the search with its complete repeats."""

    record: TrialRecord
    seeds: list[int] = field(default_factory=list)
    metrics: list[Mapping[str, float]] = field(default_factory=list)  # by seed
    clips: list[ClipTable | None] = field(default_factory=list)

    @property
    def start(self) -> str:
        """What decides the weights that a seed starts from: the searched values of the student and of its start."""
        student = {k: v for k, v in self.record.params.items() if k.startswith("student.") or k in STARTS}
        return json.dumps(student, sort_keys=True)

    def values(self, metric: str) -> list[float]:
        """The metric with each seed."""
        return [metrics[metric] for metrics in self.metrics]


def with_repeats(
    front: Front,
    folder: Path,
    spec: SweepSpec,
    records: Sequence[TrialRecord],
    run_ids: Mapping[int, str] | None = None,
) -> Front:
    """The front with all that repeats in `folder` have shown so far; as it is when there are none."""
    repeats = Repeats.find(folder, spec)
    if repeats is None or not repeats.pairs:
        return front
    trials = repeated_trials(repeats, records)
    scores = scores_of(trials, front.objectives)
    shown = _shown(trials, front.objectives, scores) if trials else {}
    points = [point.model_copy(update=shown.get(point.trial, {})) for point in front.points]
    listed = {point.trial for point in points}
    behind = [front_point(t.record, front.objectives, (run_ids or {}).get(t.record.number)) for t in trials]
    ended = [record for record in repeats.ledger.records() if record.state.is_finished]
    seeds = repeats.ledger.attrs().get(SEEDS, 1)
    smallest, smallest_of_clips = smallest_differences(scores)
    confirmation = Confirmation(
        seeds_per_point=seeds,
        repeats=len(repeats.pairs),
        uncertain_repeats=sum(max(0, count - seeds) for count in repeats.num_asked().values()),
        failed_repeats=sum(not has_point(record, spec.objectives) for record in ended),
        smallest_difference=smallest,
        smallest_difference_of_clips=smallest_of_clips,
        neighbours=tuple(p.model_copy(update=shown[p.trial]) for p in behind if p.trial not in listed),
    )
    done = repeats.is_finished and all(point.seeds for point in points)
    return front.model_copy(update={"points": tuple(points), "confirmation": confirmation, "confirmed": done})


def repeated_trials(repeats: Repeats, records: Sequence[TrialRecord]) -> list[RepeatedTrial]:
    """The trials of the search that have complete repeats, by number."""
    found: dict[int, RepeatedTrial] = {}
    searched = {record.number: record for record in records}
    for (trial, seed), record in zip(repeats.pairs, repeats.ledger.records(), strict=False):
        if has_point(record, repeats.spec.objectives) and trial in searched:
            group = found.setdefault(trial, RepeatedTrial(searched[trial]))
            group.seeds.append(seed)
            group.metrics.append(record.metrics)
            group.clips.append(ClipTable.read(TrialFolder(repeats.folder, record.number).path))
    return [found[trial] for trial in sorted(found)]


def scores_of(
    trials: Sequence[RepeatedTrial], objectives: Sequence[Objective], sides: Sequence[int] = ()
) -> RepeatedScores:
    """The trials' scores in those objectives that not every repeat reproduces exactly.

    `sides`: which sweep each trial is of, where there are several; no weights are shared across them.
    """
    noisy = [
        o.metric
        for o in objectives
        if any(value != trial.record.metrics[o.metric] for trial in trials for value in trial.values(o.metric))
    ]
    tables = [table for trial in trials for table in trial.clips if table is not None]
    all_kept = len(tables) == sum(len(trial.clips) for trial in trials)
    same = bool(tables) and all_kept and all(table.names == tables[0].names for table in tables)
    groups = [(side, trial.start) for side, trial in zip(sides or [0] * len(trials), trials, strict=True)]
    return RepeatedScores(
        {
            m: (_clip_scores(trials, m) if same else None) or [np.array(trial.values(m))[:, None] for trial in trials]
            for m in noisy
        },
        {m: [trial.record.metrics[m] for trial in trials] for m in noisy},
        [trial.seeds for trial in trials],
        tables[0].crossing if same else None,
        groups,
    )


def _clip_scores(trials: Sequence[RepeatedTrial], metric: str) -> list[Array] | None:
    """Scores (seed, clip) of each trial; None when the metric is no mean over clips."""
    tables = [[table.scores.get(metric) for table in trial.clips if table is not None] for trial in trials]
    if any(scores is None for rows in tables for scores in rows):
        return None
    found = [np.array(rows, dtype=np.float64) for rows in tables]
    return found if np.isfinite(np.vstack(found)).all(axis=0).any() else None


def _shown(
    trials: Sequence[RepeatedTrial], objectives: Sequence[Objective], scores: RepeatedScores
) -> dict[int, dict[str, Any]]:
    """What each trial's point gains, by trial."""
    means = {
        m: [float(np.mean(trial.values(m))) if m in scores.metrics else trial.record.metrics[m] for trial in trials]
        for m in (o.metric for o in objectives)
    }
    drawn = dict(zip(scores.metrics, np.moveaxis(scores.draws(NUM_DRAWS), 1, 0), strict=True))
    costs = [np.vectorize(o.cost)(drawn.get(o.metric, np.tile(means[o.metric], (NUM_DRAWS, 1)))) for o in objectives]
    probability = front_probability(np.stack(costs, axis=2))
    bounds = {metric: scores.of_points(metric).interval() for metric in scores.metrics}
    same = alike(scores)
    return {
        trial.record.number: {
            "seeds": tuple(trial.seeds),
            "mean": {metric: values[index] for metric, values in means.items()},
            "interval": {metric: (float(b[0, index]), float(b[1, index])) for metric, b in bounds.items()},
            "probability_on_front": round(float(probability[index]), 4),
            "indistinguishable_from": tuple(
                trials[other].record.number for other in np.flatnonzero(same[index]).tolist()
            ),
        }
        for index, trial in enumerate(trials)
    }
