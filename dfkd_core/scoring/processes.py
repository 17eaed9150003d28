"""Scores by several processes: the same as by one, sooner."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import torch

from dfkd_core.base.allowance import allowed_cpus
from dfkd_core.base.progress import Progress
from dfkd_core.scoring.evaluation import ClipScores, Enhance, Evaluation, Metrics, Scored, evaluate, evaluate_once
from dfkd_core.teachers.base import Listed, Waveforms

PIECE = 4  # mixtures that a process scores at a time
WORTH = 24  # mixtures from which a further process, which takes some seconds to begin, is worth it


class Subject(NamedTuple):
    """What is scored, on what, by which metrics."""

    enhance: Enhance
    mixtures: Scored
    metrics: Metrics


Open = Callable[[], Subject]  # can be pickled: every process opens for itself


@dataclass(frozen=True)
class Scorer:
    """Scores what `open` opens by `jobs` processes of one thread each; None: as many as are worth it here."""

    open: Open
    jobs: int | None
    progress: Progress

    def evaluate(self, subject: Subject) -> Evaluation:
        """As `evaluate` does."""
        return self._evaluated(self.open, subject)

    def evaluate_noisy(self, subject: Subject) -> Evaluation:
        """As `evaluate_noisy` does."""
        _, mixtures, metrics = subject
        noisy = Subject(_unchanged, mixtures, metrics)
        by = lambda: self._evaluated(_Unprocessed(self.open), noisy)  # noqa: E731
        return evaluate_once("noisy", _unchanged, mixtures, metrics, self.progress, by)

    def _evaluated(self, open_: Open, subject: Subject) -> Evaluation:
        enhance, mixtures, metrics = subject
        jobs = min(allowed_cpus(), len(mixtures) // WORTH) if self.jobs is None else self.jobs
        if jobs < 2:
            return evaluate(enhance, mixtures, metrics, self.progress)
        pieces = [range(first, min(first + PIECE, len(mixtures))) for first in range(0, len(mixtures), PIECE)]
        clips: list[ClipScores] = []
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(jobs, len(pieces)), context, _begin, (open_,)) as pool:
            for scored in pool.map(_score, pieces):
                clips += scored
                self.progress("score", len(clips), len(mixtures))
        return Evaluation(tuple(clips), mixtures.reference)


@dataclass(frozen=True)
class _Unprocessed:
    """The same mixtures, and nothing done to them."""

    of: Open

    def __call__(self) -> Subject:
        _, mixtures, metrics = self.of()
        return Subject(_unchanged, mixtures, metrics)


def _unchanged(noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
    return noisy


_opened: list[Subject] = []  # of a process of the pool, for as long as it lives


def _begin(open_: Open) -> None:
    torch.set_num_threads(1)
    _opened.append(open_())


def _score(piece: Sequence[int]) -> Sequence[ClipScores]:
    return evaluate(*_opened[0], only=piece).clips
