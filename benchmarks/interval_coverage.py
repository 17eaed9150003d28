"""How often what is printed is true: intervals that hold the truth, differences told, winners that are none.

Worlds are made up: crossed speakers and noise families, clips, seeds, with the spreads that PESQ-WB has on the
validation mixtures of a corpus of 22 speakers in 6 noises (variances of residuals after SNR: speakers 0.01, families
0.08, rest 0.06; of a difference between two models 0.004, 0.014, 0.025; seeds 0.02 to 0.03). Every interval is
computed by the code that prints it. Beside it stand the bootstrap over single cells of speaker x noise, which was used
before, and Owen's pigeonhole bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.confidence import Crossing, numbered
from sweeps.comparing.compared_fronts import ComparedFront
from sweeps.comparing.evidence import Evidence
from sweeps.comparing.front_pairs import compared_volumes
from sweeps.comparing.size_classes import contests
from sweeps.definition.objectives import costs
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front, build_front, front_point
from sweeps.pareto import hypervolume, non_dominated
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.trust.confirmed_front import RepeatedTrial
from sweeps.trust.membership import alike, smallest_differences
from sweeps.trust.near_neighbours import near_neighbours
from sweeps.trust.repeated_scores import RepeatedScores

Array = NDArray[np.float64]

QUALITY, SIZE = "val/pesq_wb", "model/params"
SNR_EFFECTS = np.array([-0.4, -0.15, 0.1, 0.45])
NUM_SEEDS = 3
HELD = (93.0, 97.0)  # per cent of intervals that hold the truth
POWER_HELD = (77.0, 83.0)  # per cent of cases in which the difference is told of which 80 % is said
MOST_FALSE = 7.0  # per cent of equal sweeps that are told apart


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the effects of speakers, noise families and the rest."""

    speaker: float
    family: float
    rest: float

    def effects(self, rng: np.random.Generator, crossing: Crossing) -> Array:
        """One draw, (clip,)."""
        found = self.rest * rng.normal(size=len(crossing))
        for size, names in ((self.speaker, crossing.speakers), (self.family, crossing.noise_families)):
            level = numbered(names)
            found = found + size * rng.normal(size=level.max() + 1)[level]
        return np.asarray(found)


@dataclass(frozen=True)
class Layout:
    """How many speakers, noise families and clips a list has."""

    speakers: int
    families: int
    clips: int

    def dealt(self, rng: np.random.Generator) -> Crossing:
        """Speakers in turn, families and SNRs in equal numbers, as `evaluation_list` does."""
        turns = np.concatenate([rng.permutation(self.speakers) for _ in range(-(-self.clips // self.speakers))])
        families = rng.permutation(np.resize(np.arange(self.families), self.clips))
        snr_db = rng.permutation(np.resize([0.0, 5.0, 10.0, 15.0], self.clips))
        return Crossing(
            tuple(f"s{n}" for n in turns[: self.clips]), tuple(f"n{n}" for n in families), tuple(snr_db.tolist())
        )


BENCH_VALID, WIDE, ONE_VOICE = Layout(22, 6, 40), Layout(24, 10, 160), Layout(1, 1, 40)
SCORE, DIFFERENCE = Spread(0.10, 0.28, 0.25), Spread(0.06, 0.12, 0.16)
OWN = {  # of models, beside what all find hard
    Spread(0.03, 0.04, 0.12): "models differ by speaker and noise",
    Spread(0.0, 0.0, 0.15): "models differ by clip only",
    DIFFERENCE: "models differ much by speaker and noise",
}


def run() -> Iterator[dict[str, Any]]:
    """Rows of everything that is printed."""
    for layout, title in ((BENCH_VALID, "22 speakers x 6 noises, 40 clips"), (WIDE, "24 x 10, 160 clips")):
        yield from of_means(layout, SCORE, f"mean score, {title}")
        yield from of_means(layout, DIFFERENCE, f"improvement, {title}")
        yield from of_means(layout, Spread(0.0, 0.0, 0.25), f"clips differ only, {title}")
    yield from of_means(ONE_VOICE, Spread(0.0, 0.0, 0.25), "one voice in one noise, 40 clips", others=False)
    yield from of_held_noises()
    for own, title in OWN.items():
        yield from of_repeats(own, title)
    yield from of_hypervolumes()
    yield from of_equal_points()
    yield from of_equal_sweeps()


def row(name: str, value: float, target: str, holds: bool | None, unit: str = "%") -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


def held_row(name: str, held: Sequence[float] | NDArray[Any]) -> dict[str, Any]:
    share = 100 * float(np.mean(held))
    return row(name, share, f"{HELD[0]:g} to {HELD[1]:g}", HELD[0] <= share <= HELD[1])


def of_means(
    layout: Layout, spread: Spread, title: str, worlds: int = 2000, *, others: bool = True
) -> Iterator[dict[str, Any]]:
    """The mean of one score a clip."""
    rng, held = np.random.default_rng(1), np.zeros(worlds)
    cells, pigeonhole = np.zeros(worlds // 4), np.zeros(worlds // 4)
    for world in range(worlds):
        crossing = layout.dealt(rng)
        scores = spread.effects(rng, crossing) + SNR_EFFECTS[(np.array(crossing.snr_db) / 5).astype(int)]
        low, high = crossing.interval(scores.tolist())
        held[world] = low <= 0 <= high
        if others and world < len(cells):
            names = list(zip(crossing.speakers, crossing.noise_families, strict=True))
            cells[world] = holds(scores, drawn(rng, numbered(names)))
            pigeonhole[world] = holds(
                scores, drawn(rng, numbered(crossing.speakers)) * drawn(rng, numbered(crossing.noise_families))
            )
    yield held_row(title, held)
    if others:
        yield row("  cells of speaker x noise drawn", 100 * float(cells.mean()), "", None)
        yield row("  Owen's pigeonhole bootstrap", 100 * float(pigeonhole.mean()), "", None)


def drawn(rng: np.random.Generator, level: NDArray[np.int64], num_draws: int = 500) -> Array:
    """How often each clip's level is drawn with replacement, (draw, clip)."""
    count = int(level.max()) + 1
    return rng.multinomial(count, np.full(count, 1 / count), size=num_draws)[:, level].astype(np.float64)


def holds(scores: Array, weights: Array) -> bool:
    """Whether the middle 95 % of weighted means hold 0."""
    weights = weights[weights.sum(axis=1) > 0]
    low, high = np.quantile(weights @ scores / weights.sum(axis=1), [0.025, 0.975])
    return bool(low <= 0 <= high)


def of_held_noises(worlds: int = 2000) -> Iterator[dict[str, Any]]:
    """The mean over other speakers in four noises, which are too few to be drawn."""
    rng, held, effects = np.random.default_rng(2), np.zeros(worlds), np.array([-0.4, -0.1, 0.1, 0.4])
    for world in range(worlds):
        crossing = Layout(26, 4, 160).dealt(rng)
        noises = effects[[int(name[1:]) for name in crossing.noise_families]]
        low, high = crossing.interval((Spread(0.1, 0.0, 0.25).effects(rng, crossing) + noises).tolist())
        held[world] = low <= 0 <= high
    yield held_row("mean score in these noises, 26 speakers x 4, 160 clips", held)


@dataclass(frozen=True)
class Shaken:
    """What training with a seed does to a model's scores: on all clips, and on single ones."""

    seed: float = 0.025
    single: float = 0.10

    def repeats(self, rng: np.random.Generator, own: Array, num_seeds: int) -> Array:
        """Scores (seed, clip) of a model whose own are (clip,)."""
        return np.asarray(
            own + self.seed * rng.normal(size=(num_seeds, 1)) + self.single * rng.normal(size=(num_seeds, len(own)))
        )


def repeated(
    rng: np.random.Generator, crossing: Crossing, truth: Sequence[float], own: Spread, num_seeds: int = NUM_SEEDS
) -> list[Array]:
    """Scores (seed, clip) of models that find the same clips hard, and each some for itself."""
    shared = SCORE.effects(rng, crossing)
    return [Shaken().repeats(rng, value + shared + own.effects(rng, crossing), num_seeds) for value in truth]


def scores_of(scores: Sequence[Array], crossing: Crossing) -> RepeatedScores:
    seeds = [range(len(rows)) for rows in scores]
    return RepeatedScores({QUALITY: scores}, {QUALITY: [rows.mean() for rows in scores]}, seeds, crossing)


def of_repeats(own: Spread, title: str, worlds: int = 600) -> Iterator[dict[str, Any]]:
    """Six points of a confirmed front, three seeds each: their means, their differences, and the smallest one told."""
    rng, truth = np.random.default_rng(3), np.linspace(0.0, 0.2, 6)
    means, pairs = [], []
    first, second = np.triu_indices(len(truth), k=1)
    for _ in range(worlds):
        crossing = BENCH_VALID.dealt(rng)
        scores = scores_of(repeated(rng, crossing, truth, own), crossing)
        for found, wanted, into in (
            (scores.of_points(QUALITY), truth, means),
            (scores.of_pairs(QUALITY), truth[first] - truth[second], pairs),
        ):
            low, high = found.interval()
            into.append(np.mean((low <= wanted) & (wanted <= high)))
    yield held_row(f"mean of a repeated point, {title}", means)
    yield held_row(f"difference of repeated points, {title}", pairs)
    for num_points in (2, 6, 10):
        yield difference_row(own, title, num_points)


def difference_row(own: Spread, title: str, num_points: int = 6, worlds: int = 2000) -> dict[str, Any]:
    """How often two points are told apart that lie apart by what the sentence says; the others lie far off.

    The sentence's figure is the median of those of half as many worlds.
    """
    rng = np.random.default_rng(4)

    def world(apart: float) -> RepeatedScores:
        crossing = BENCH_VALID.dealt(rng)
        truth = np.array([0.0, apart, *(3.0 * np.arange(1, num_points - 1))])
        return scores_of(repeated(rng, crossing, truth, own), crossing)

    apart = float(np.median([smallest_differences(world(0.1))[0][QUALITY] for _ in range(worlds // 2)]))
    share = 100 * float(np.mean([not alike(world(apart))[0, 1] for _ in range(worlds)]))
    name = f"the smallest difference is told, {num_points} points, {title}"
    return row(name, share, f"{POWER_HELD[0]:g} to {POWER_HELD[1]:g}", POWER_HELD[0] <= share <= POWER_HELD[1])


def of_equal_points(worlds: int = 400) -> Iterator[dict[str, Any]]:
    """Fronts of equal points, three seeds each: any two of them told apart."""
    for num_points in (4, 6, 10):
        rng, apart = np.random.default_rng(5), []
        for _ in range(worlds):
            crossing = BENCH_VALID.dealt(rng)
            scores = scores_of(repeated(rng, crossing, np.zeros(num_points), Spread(0.03, 0.04, 0.12)), crossing)
            apart.append(alike(scores).sum() < num_points * (num_points - 1))
        share = 100 * float(np.mean(apart))
        yield row(f"{num_points} equal points: some told apart", share, "<= 7", share <= MOST_FALSE)


SWEEP = SweepSpec.model_validate(
    {
        "name": "equal",
        "config": {"seed": 0, "student": {"model": "dccrn"}},
        "space": {"student.width": {"min": 0.05, "max": 1}},
        "objectives": [
            {"metric": QUALITY, "goal": "maximize"},
            {"metric": SIZE, "goal": "minimize", "scale": "log"},
        ],
        "reference_point": {QUALITY: 1.0, SIZE: 5e6},
        "budget": {"trials": 24, "epochs_per_trial": 6},
    }
)


@dataclass(frozen=True)
class Trials:
    """What a sweep has tried: sizes, true qualities, and what each model finds hard for itself (trial, clip)."""

    sizes: Array
    truth: Array
    own: Array


def tried(rng: np.random.Generator, crossing: Crossing, count: int = 24) -> Trials:
    """Quality grows with size and with a setting that has a best value."""
    width, setting = rng.uniform(0.06, 1.0, count), rng.normal(size=count)
    truth = 1.2 + 0.9 * width**0.4 - 0.03 * setting**2
    own = np.stack([Spread(0.03, 0.04, 0.12).effects(rng, crossing) for _ in range(count)])
    return Trials(np.round(4e6 * width**2), truth, own)


def confirmed(rng: np.random.Generator, trials: Trials, shared: Array, crossing: Crossing, label: str) -> ComparedFront:
    """A sweep over these trials with seeds of its own, its front and near neighbours repeated with fresh ones."""
    rows = [Shaken().repeats(rng, t + shared + o, 1 + NUM_SEEDS) for t, o in zip(trials.truth, trials.own, strict=True)]
    records = [record(n, scores[0], size) for n, (scores, size) in enumerate(zip(rows, trials.sizes, strict=True))]
    front = build_front(SWEEP, label, records)
    table = [costs(SWEEP.objectives, r.metrics) for r in records]
    chosen = sorted({*(p.trial for p in front.points), *near_neighbours(table, [True, False])})
    names = tuple(map(str, range(len(crossing))))
    again = [
        RepeatedTrial(
            records[n],
            list(range(1, NUM_SEEDS + 1)),
            [record(n, scores, trials.sizes[n]).metrics for scores in rows[n][1:]],
            [ClipTable(names, crossing, {QUALITY: tuple(scores.tolist())}) for scores in rows[n][1:]],
        )
        for n in chosen
    ]
    means = [record(t.record.number, np.array(t.values(QUALITY)), trials.sizes[t.record.number]) for t in again]
    return ComparedFront(label, Path(label), front_at(front, means), SWEEP, repeated=again)


def record(number: int, scores: Array, size: float) -> TrialRecord:
    values: Mapping[str, float] = {QUALITY: float(scores.mean()), SIZE: float(size)}
    return TrialRecord(number, TrialState.COMPLETE, {"student.width": number}, dict(values), epochs=6, fidelity=1.0)


def front_at(front: Front, means: Sequence[TrialRecord]) -> Front:
    """The front of the means of fresh seeds."""
    kept = non_dominated([costs(SWEEP.objectives, r.metrics) for r in means])
    points = [front_point(r, SWEEP.objectives, None) for r, on in zip(means, kept, strict=True) if on]
    return front.model_copy(update={"points": tuple(points), "confirmed": True})


def of_hypervolumes(pairs: int = 400) -> Iterator[dict[str, Any]]:
    """Two sweeps that tried other settings, each confirmed: the difference for other seeds and clips."""
    rng, held = np.random.default_rng(7), []
    corner = costs(SWEEP.objectives, SWEEP.reference_point)
    for _ in range(pairs):
        crossing = BENCH_VALID.dealt(rng)
        shared, sweeps = SCORE.effects(rng, crossing), [tried(rng, crossing) for _ in range(2)]
        fronts = [confirmed(rng, trials, shared, crossing, label) for label, trials in zip("ab", sweeps, strict=True)]
        truth = [hypervolume(true_costs(f, t), corner) for f, t in zip(fronts, sweeps, strict=True)]
        bounds = compared_volumes([f.front for f in fronts], Evidence(fronts))[1][0].hypervolume.interval
        held.append(bounds is not None and bounds[0] <= truth[0] - truth[1] <= bounds[1])
    yield held_row("difference of hypervolumes, sweeps over other settings", held)


def true_costs(compared: ComparedFront, trials: Trials) -> list[tuple[float, ...]]:
    numbers = [trial.record.number for trial in compared.repeated]
    return [costs(SWEEP.objectives, {QUALITY: trials.truth[n], SIZE: trials.sizes[n]}) for n in numbers]


def of_equal_sweeps(pairs: int = 400) -> Iterator[dict[str, Any]]:
    """Two sweeps that differ by their seeds alone, each confirmed with three."""
    for layout, title in ((BENCH_VALID, "40 clips"), (WIDE, "160 clips"), (Layout(1, 1, 24), "24 clips of one voice")):
        rng, apart, won = np.random.default_rng(6), [], []
        for _ in range(pairs):
            crossing = layout.dealt(rng)
            shared, trials = SCORE.effects(rng, crossing), tried(rng, crossing)
            fronts = [confirmed(rng, trials, shared, crossing, label) for label in "ab"]
            evidence = Evidence(fronts)
            volumes = compared_volumes([f.front for f in fronts], evidence)[1][0].hypervolume
            apart.append(volumes.interval is not None and volumes.interval[0] * volumes.interval[1] > 0)
            won.append(any(c.winner is not None for c in contests([f.front for f in fronts], evidence)))
        for name, cases in (("hypervolumes told apart", apart), ("a class of size won", won)):
            share = 100 * float(np.mean(cases))
            yield row(f"equal sweeps, {title}: {name}", share, "<= 7", share <= MOST_FALSE)
