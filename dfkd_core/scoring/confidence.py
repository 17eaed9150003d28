"""How far a mean score could lie from what other speakers and other noises would give."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
FEWEST = 5  # levels of a factor from which its variance can be told
LEAST_SHARE = 0.8  # of the clips' own variance, which the sum of the factors' may miss by luck
CLIPS_PER_SNR = 4  # from which the SNRs of a list are taken for dealt, and not for drawn

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Crossing:
    """Who speaks in which noise at which SNR in every clip of a list: what could have been drawn otherwise.

    Speakers and noises are crossed: each speaker is heard in several noises and each noise behind several speakers,
    so a clip's score is mu + speaker + noise + rest. The variance of the mean is

        V = V_speaker + V_noise - V_clip,

    V_f the variance that whole clusters of factor f show (Cameron, Gelbach, Miller, "Robust inference with multiway
    clustering", 2011), at least 0.8 V_clip. Its degrees of freedom are Satterthwaite's, to which a factor adds its own
    as far as V_f exceeds V_clip (wholly from half above it on). Owen's pigeonhole bootstrap (2007), which draws
    speakers and noises separately, has the same aim; it counts the rest three times, and its quantiles know nothing of
    few levels (`python -m benchmarks interval_coverage`).

    A factor with fewer than FEWEST levels is held: the mean of these very voices or noises is meant, and nothing is
    said beyond them. SNRs that were dealt to the clips in equal numbers are held, too. What held factors explain
    (least squares) does not count as chance.
    """

    speakers: tuple[str, ...]
    noise_families: tuple[str, ...]
    snr_db: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.speakers)

    def interval(self, scores: Sequence[float]) -> tuple[float, float]:
        """95 % interval of the mean of scores (clip,); nan where fewer than two clips have one."""
        values = np.asarray(scores, np.float64)[:, None]
        variance, freedom = self.variance(values)
        mean, reach = np.nanmean(values) if np.isfinite(values).any() else np.nan, half_width(variance, freedom)[0]
        return float(mean - reach), float(mean + reach)

    def variance(self, scores: Array) -> tuple[Array, Array]:
        """Variance of the mean and its degrees of freedom, each (column,), of scores (clip, column).

        Clips without a score (nan) in some column are left out; nan where fewer than two are left.
        """
        parts = self._parts(scores)
        if parts is None:
            return np.full(scores.shape[1], np.nan), np.ones(scores.shape[1])
        *drawn, clip = parts
        single = clip.variances
        floor = LEAST_SHARE * single if drawn else single
        total = np.maximum(np.sum([part.variances - single for part in drawn], axis=0) + single, floor)
        unit = np.where(single > 0, single, 1.0)
        counted = [np.sqrt(np.clip((part.variances - single) / (0.5 * unit), 0.0, 1.0)) for part in drawn]
        shares = [(part.variances * share, part.freedom) for part, share in zip(drawn, counted, strict=True)]
        return total, satterthwaite(total, [*shares, (single, clip.freedom)])

    def covariance(self, scores: Array) -> Array:
        """Covariance (column, column) of the means of scores (clip, column), for draws; positive semidefinite."""
        parts = self._parts(scores)
        if parts is None:
            return np.zeros((scores.shape[1],) * 2)
        *drawn, clip = (part.sums.T @ part.sums for part in parts)
        found = sum(drawn) - clip * (len(drawn) - 1) if drawn else clip
        return nearest_covariance(np.asarray(found))

    def drawn_alike(self, scores: Array, num_draws: int, rng: np.random.Generator, less: float = 0.0) -> Array:
        """Gaussian scores (clip, draw) around 0 of other speakers, noises and clips, as the columns of `scores` vary.

        Variances of speaker, noise and rest are those under which V_speaker, V_noise and V_clip, averaged over columns
        and each `less` so much, are expected (least squares, none below 0). nan on clips that are left out.
        """
        parts, kept = self._parts(scores), np.asarray(np.isfinite(scores).all(axis=1))
        if parts is None:
            return np.zeros((len(scores), num_draws))
        found = np.array([max(0.0, part.variances.mean() - less) for part in parts])
        factors, columns = [*self._factors(kept)[0], np.arange(kept.sum())], []
        for factor in factors:
            alone = np.full((len(scores), factor.max() + 1), np.nan)
            alone[kept] = np.equal.outer(factor, np.arange(factor.max() + 1))
            columns.append([part.variances.sum() for part in self._parts(alone) or ()])
        from scipy.optimize import nnls  # late, as above

        drawn = np.full((len(scores), num_draws), np.nan)
        drawn[kept] = 0.0
        for variance, factor in zip(nnls(np.array(columns).T, found)[0], factors, strict=True):
            drawn[kept] += np.sqrt(variance) * rng.normal(size=(factor.max() + 1, num_draws))[factor]
        return drawn

    def words(self) -> str:
        """What was drawn, and what nothing is said beyond: the end of a sentence that begins with "drawn were"."""
        held = [_counted(n, name) for n, name in self._levels if n < FEWEST]
        those = [f"{'this' if words.startswith('1 ') else 'these'} {words}" for words in held]
        beyond = f"; they bound nothing beyond {' and '.join(those)}" if held else ""
        drawn = [_counted(n, name) for n, name in self._levels if n >= FEWEST]
        return f"{' and '.join(drawn)}{beyond}" if drawn else f"{_counted(len(self), 'clip')} alone{beyond}"

    @cached_property
    def _levels(self) -> tuple[tuple[int, str], ...]:
        return (len(set(self.speakers)), "speaker"), (len(set(self.noise_families)), "noise family")

    def _parts(self, scores: Array) -> list[_Part] | None:
        """The sums of residuals over the clusters of each drawn factor, and those of single clips, which come last."""
        kept = np.asarray(np.isfinite(scores).all(axis=1))
        drawn, held = self._factors(kept)
        explained = _basis(held, int(kept.sum()))
        rest, values = int(kept.sum()) - explained.shape[1], scores[kept]
        if rest < 1:
            return None
        residuals = values - explained @ (explained.T @ values)
        return [*(_Part.of(f, residuals, rest) for f in drawn), _Part.of(np.arange(len(residuals)), residuals, rest)]

    def _factors(self, kept: NDArray[np.bool_]) -> tuple[list[Numbers], list[Numbers]]:
        """Levels (kept clip,) of each factor that is drawn, and of each that is held."""
        factors = [numbered(np.array(names)[kept].tolist()) for names in (self.speakers, self.noise_families)]
        drawn = [f for f in factors if f.size and f.max() + 1 >= FEWEST]
        return drawn, [f for f in factors if f.size and f.max() + 1 < FEWEST] + self._dealt(kept)

    def _dealt(self, kept: NDArray[np.bool_]) -> list[Numbers]:
        snr_db = np.array(self.snr_db)[kept] if self.snr_db else np.empty(0)
        known = snr_db.size > 0 and np.isfinite(snr_db).all()
        return [numbered(snr_db.tolist())] if known and len(np.unique(snr_db)) * CLIPS_PER_SNR <= len(snr_db) else []


@dataclass(frozen=True)
class _Part:
    """Sums of residuals over clusters (cluster, column), scaled so that their squares add up to the variance."""

    sums: Array
    freedom: int

    @classmethod
    def of(cls, cluster: Numbers, residuals: Array, rest: int) -> _Part:
        """`rest`: degrees of freedom that are left to single clips."""
        size, count = len(residuals), int(cluster.max()) + 1
        sums = np.zeros((count, residuals.shape[1]))
        np.add.at(sums, cluster, residuals)
        is_single = count == size
        scale = size / rest if is_single else count / (count - 1) * (size - 1) / rest
        return cls(sums * np.sqrt(scale) / size, rest if is_single else count - 1)

    @property
    def variances(self) -> Array:
        return np.asarray(np.square(self.sums).sum(axis=0))


def half_width(variance: Array, freedom: Array) -> Array:
    """Half the width of the interval of a mean with such a variance and so many degrees of freedom."""
    from scipy.special import stdtrit  # late: workers score clips and tell no interval

    return np.asarray(np.sqrt(variance) * stdtrit(freedom, (1 + LEVEL) / 2))


def satterthwaite(total: Array, parts: Sequence[tuple[Array, float | Array]]) -> Array:
    """Degrees of freedom of a variance that is made of parts (variance, freedom); the most of any where it is 0.

    Source: Satterthwaite, "An approximate distribution of estimates of variance components", 1946.
    """
    spent = np.sum([np.square(variance) / freedom for variance, freedom in parts], axis=0)
    most = np.max([np.broadcast_to(freedom, total.shape) for _, freedom in parts], axis=0)
    return np.asarray(np.where(spent > 0, np.square(total) / np.where(spent > 0, spent, 1.0), most))


def nearest_covariance(matrix: Array) -> Array:
    """The symmetric matrix without its negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.clip(values, 0.0, None)) @ vectors.T)


def numbered(names: Sequence[Hashable]) -> Numbers:
    """The number (clip,) of each clip's name, counted from 0 in the order of first occurrence."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _basis(factors: Sequence[Numbers], size: int) -> Array:
    """Orthonormal columns (clip, column) that span the mean and the levels of all factors."""
    columns = [np.ones((size, 1)), *(np.equal.outer(f, np.arange(f.max() + 1)).astype(np.float64) for f in factors)]
    left, values, _ = np.linalg.svd(np.hstack(columns), full_matrices=False)
    return np.asarray(left[:, values > 1e-9 * values.max(initial=0.0)])


def _counted(number: int, name: str) -> str:
    plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
    return f"{number} {name if number == 1 else plural}"
