"""How far a mean score could lie from what other speakers and noises would give."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

NUM_DRAWS = 2000
LEVEL = 0.95
FEWEST = 8

Array = NDArray[np.float64]


def bootstrap_interval(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, float]:
    """95 % interval of the mean over clips, by drawing whole clusters with replacement.

    Clips of one speaker in one family of noise resemble each other; drawn singly they promise too much. Under
    FEWEST clusters there is no other way: then the interval speaks of more clips of the same voices and noises.
    Undefined values (nan) are left out; without any value both bounds are nan.
    """
    kept = np.isfinite(values)
    if not kept.any():
        return float("nan"), float("nan")
    cluster = cluster_numbers(clusters)[kept]
    defined: Array = np.asarray(values, np.float64)[kept]
    present, cluster = np.unique(cluster, return_inverse=True)
    sums, counts = (np.bincount(cluster, weights) for weights in (defined, np.ones(len(defined))))
    drawn = draw_clusters(len(present), NUM_DRAWS, np.random.default_rng(0))
    low, high = interval(drawn @ sums / (drawn @ counts))
    return float(low), float(high)


def interval(draws: Array) -> Array:
    """Bounds (2, ...) of the middle 95 % of draws (draw, ...)."""
    return np.asarray(np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0))


def cluster_numbers(clusters: Sequence[Hashable]) -> NDArray[np.int64]:
    """The cluster (clip,) of each clip, counted from 0; every clip its own when there are fewer than FEWEST."""
    if len(set(clusters)) < FEWEST:
        clusters = range(len(clusters))
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    return np.array([numbers[cluster] for cluster in clusters], dtype=np.int64)


def draw_clusters(num_clusters: int, num_draws: int, rng: np.random.Generator) -> Array:
    """How often (draw, cluster) each cluster is taken when as many as there are get drawn with replacement."""
    drawn = rng.integers(num_clusters, size=(num_draws, num_clusters))
    flat = drawn + num_clusters * np.arange(num_draws)[:, None]
    counts = np.bincount(flat.ravel(), minlength=num_draws * num_clusters)
    return counts.reshape(num_draws, num_clusters).astype(np.float64)
