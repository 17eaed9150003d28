"""The ledger of a front's repeats: a small sweep inside the sweep's folder whose trials are (trial, seed) pairs."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SchedulerConfig, SweepSpec
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import NOTE, SweepFolder
from sweeps.record.sweep_state import SweepState
from sweeps.tracking.run_key import RunKey
from sweeps.workload import Workload

CONFIRM = "confirm"  # the folder below the sweep's, and the kind of the runs
SEED = "seed"
PAIRS, SEEDS, SPENT = "pairs", "seeds_per_point", "spent_s"  # of the ledger itself
LARGEST_SEED = 2**31 - 1
MOST_ROUNDS = 3
CLEAR = 0.05


class Repeat(NamedTuple):
    """A trial to be trained again, with another seed."""

    trial: int
    seed: int


@dataclass
class Repeats:
    """Trial n of `ledger` is `pairs[n]`: the same searched values, and a seed of its own."""

    folder: Path
    spec: SweepSpec
    ledger: Ledger

    @classmethod
    def find(cls, sweep: Path, spec: SweepSpec) -> Self | None:
        """The repeats of a sweep; None when there are none yet.

        ConfigError: repeats lie there whose note is gone, with it the name of their ledger; to begin anew would drop
        them.
        """
        folder = SweepFolder(sweep / CONFIRM)
        if not (folder.path / NOTE).exists():
            if any((folder.path / "trials").glob("*")):
                rule = f"is missing, though repeats lie beside it; restore it from a backup, or move {folder.path} away"
                raise ConfigError(f"{rule} and confirm anew", file=folder.path / NOTE)
            return None
        return cls._with(folder.path, spec, Ledger.open(folder.path, _repeat_spec(spec, 1), folder.note()["sweep_id"]))

    @classmethod
    def begin(cls, sweep: Path, spec: SweepSpec, workload: type[Workload]) -> Self:
        """An empty ledger for the repeats of a sweep; only the sweep's driver may call this."""
        folder, study = SweepFolder(sweep / CONFIRM), uuid.uuid4().hex
        folder.create()
        ledger = Ledger.create(folder.path, _repeat_spec(spec, 1), study)
        folder.write_note(study, workload)
        return cls._with(folder.path, spec, ledger)

    @classmethod
    def _with(cls, folder: Path, spec: SweepSpec, ledger: Ledger) -> Self:
        repeats = cls(folder, spec, ledger)
        repeats._fit()
        return repeats

    @property
    def pairs(self) -> list[Repeat]:
        """Every repeat that was asked for, in the order of the ledger's trials."""
        return [Repeat(*pair) for pair in self.ledger.attrs().get(PAIRS, [])]

    def run_key(self, number: int) -> RunKey:
        """The tracker's run of trial `number` of this ledger."""
        trial, seed = self.pairs[number]
        return RunKey(CONFIRM, trial, seed)

    def num_asked(self) -> Counter[int]:
        """How many repeats each trial has been given."""
        return Counter(pair.trial for pair in self.pairs)

    def waiting(self) -> Counter[int]:
        """How many repeats of each trial have no final state yet."""
        ended = {record.number for record in self.ledger.records() if record.state.is_finished}
        return Counter(pair.trial for number, pair in enumerate(self.pairs) if number not in ended)

    @property
    def num_waiting(self) -> int:
        """Repeats that have no final state yet."""
        return len(self.pairs) - self.ledger.num_finished()

    @property
    def is_finished(self) -> bool:
        """True when the driver that worked on them has found nothing more to ask."""
        return self.ledger.state is SweepState.FINISHED

    def add(self, wanted: Mapping[int, int], params: Mapping[int, Mapping[str, Any]]) -> None:
        """Ask for so many more repeats of each trial, whose searched values are `params`."""
        asked, pairs = self.num_asked(), self.pairs
        for trial, count in wanted.items():
            own = own_seed(self.spec, params[trial])
            pairs += [Repeat(trial, own + 1 + asked[trial] + k) for k in range(count)]
        self.ledger.set_attr(PAIRS, pairs)
        self.enqueue(params)

    def enqueue(self, params: Mapping[int, Mapping[str, Any]]) -> None:
        """Give every pair its trial: a driver may have died in between."""
        for trial, seed in self.pairs[len(self.ledger.records()) :]:
            self.ledger.enqueue({**params[trial], SEED: seed})
        self._fit()

    def _fit(self) -> None:
        """The budget is what was asked for."""
        self.ledger.spec = _repeat_spec(self.spec, max(1, len(self.pairs)))


def own_seed(spec: SweepSpec, params: Mapping[str, Any]) -> int:
    """The seed that a trial of the search was trained with; ConfigError when its config has none to change."""
    seed = with_overrides(spec.config, params).get(SEED)
    if isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed <= LARGEST_SEED // 2:
        return seed
    found = "is missing" if seed is None else f"is {seed!r}"
    rule = f"must be a whole number that the workload trains with, but {found}: nothing would differ between repeats"
    raise ConfigError(f"{rule}; begin a sweep whose config has `seed: 0`", key=f"config.{SEED}")


def wanted_repeats(
    candidates: Sequence[int], asked: Mapping[int, int], probability: Mapping[int, float | None], seeds: int
) -> dict[int, int]:
    """How many more repeats each candidate gets in the next round; empty when there is nothing to ask.

    The first round brings every candidate to `seeds`. Further ones, until it has MOST_ROUNDS times as many, give
    `seeds` more to a candidate whose probability to be on the front lies between CLEAR and 1 - CLEAR.
    """
    first = {t: seeds - asked.get(t, 0) for t in candidates if asked.get(t, 0) < seeds}
    if first:
        return first
    most = MOST_ROUNDS * seeds
    uncertain = [t for t in candidates if (p := probability.get(t)) is not None and CLEAR < p < 1 - CLEAR]
    return {t: min(seeds, most - asked[t]) for t in uncertain if asked[t] < most}


@dataclass(frozen=True)
class Cost:
    """What confirming a front takes: trainings that are certain, and the most that uncertain points may add up to."""

    num_points: int
    certain: int  # trainings
    most: int
    epochs: int  # of each training
    certain_s: float | None  # by the clock, as fast as the sweep went; None where the ledger has no times
    most_s: float | None

    def text(self) -> str:
        """The cost in a sentence."""
        points = f"{self.num_points} point" + ("" if self.num_points == 1 else "s")
        sure = f"{_trainings(self.certain)} of {self.epochs} epochs for {points}{_minutes(self.certain_s)}"
        if self.most == self.certain:
            return f"{sure}."
        more = f"{_trainings(self.most)}, {self.most * self.epochs} epochs{_minutes(self.most_s)}"
        return f"{sure}; with repeats of points whose place stays uncertain at most {more}."


def cost(
    ledger: Ledger, candidates: Sequence[int], asked: Mapping[int, int], waiting: Mapping[int, int], seeds: int
) -> Cost:
    """What is still to be trained: `asked` repeats by trial, of which `waiting` have not ended.

    Times are those that the sweep's own epochs took, the median of each trial, side by side as its trials were.
    """
    certain = {t: max(0, seeds - asked.get(t, 0)) + waiting.get(t, 0) for t in candidates}
    most = {t: max(0, MOST_ROUNDS * seeds - asked.get(t, 0)) + waiting.get(t, 0) for t in candidates}
    records = ledger.records()
    busy_s = sum(r.finished - r.started for r in records if r.finished is not None and r.started is not None)
    abreast = max(1.0, busy_s / max(ledger.attrs().get(SPENT, 0.0), 1e-9)) if SPENT in ledger.attrs() else 1.0
    epochs = ledger.spec.budget.epochs_per_trial
    epoch_s = {t: ledger.epoch_s(t) for t in candidates}

    def clock(trainings: Mapping[int, int]) -> float | None:
        known = [epoch_s[t] for t, number in trainings.items() if number]
        if any(seconds is None for seconds in known):
            return None
        return sum(n * epochs * (epoch_s[t] or 0.0) for t, n in trainings.items()) / abreast

    sums = (sum(certain.values()), sum(most.values()))
    return Cost(len(candidates), *sums, epochs, clock(certain), clock(most))


def _trainings(number: int) -> str:
    return f"{number} training" + ("" if number == 1 else "s")


def _minutes(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", about {seconds / 60:.0f} min" if seconds >= 60 else ", less than a minute"


def _repeat_spec(spec: SweepSpec, num_repeats: int) -> SweepSpec:
    """The sweep's spec with the seed as one more dimension, whose points are all given."""
    budget = spec.budget.model_copy(update={"trials": num_repeats, "hours": None})
    space = {**spec.space, SEED: {"min": 0, "max": LARGEST_SEED, "int": True}}
    given = {"evaluate_first": (), "warm_start": (), "scheduler": SchedulerConfig()}
    return spec.model_copy(update={"budget": budget, "space": space, **given})
