"""How far a mean score could lie from what other speakers and noises would give."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

NUM_DRAWS = 2000
LEVEL = 0.95
FEWEST = 8


def bootstrap_interval(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, float]:
    """95 % interval of the mean over clips, by drawing whole clusters with replacement.

    Clips of one speaker in one family of noise resemble each other; drawn singly they promise too much. Under
    FEWEST clusters there is no other way: then the interval speaks of more clips of the same voices and noises.
    Undefined values (nan) are left out; without any value both bounds are nan.
    """
    kept = np.isfinite(values)
    if not kept.any():
        return float("nan"), float("nan")
    if len(set(clusters)) < FEWEST:
        clusters = range(len(values))
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    cluster = np.array([numbers[c] for c in clusters])[kept]
    defined: NDArray[np.float64] = np.asarray(values, np.float64)[kept]
    sums, counts = (np.bincount(cluster, weights, len(numbers)) for weights in (defined, np.ones(len(defined))))
    present = np.flatnonzero(counts)
    drawn = present[np.random.default_rng(0).integers(len(present), size=(NUM_DRAWS, len(present)))]
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
