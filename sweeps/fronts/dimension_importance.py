"""How much of an objective's variation each searched dimension explains by itself, against a dummy dimension.

The share is the first-order one of a variance decomposition, estimated by grouping: with the objective's ranks y and
the groups g of a dimension (its values, or equally filled bins),

    share = 1 - (n - 1) / (n - k) * sum_g sum_{i in g} (y_i - mean_g)^2 / sum_i (y_i - mean)^2,

the correlation ratio corrected for its bias (Kelley, "An unbiased correlation ratio measure", 1935). What a dimension
does only together with another is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.definition.objectives import Objective
from sweeps.fronts.front import has_point
from sweeps.record.trials import TrialRecord

MAX_GROUPS = 8
MIN_TRIALS = 10
NUM_DUMMIES = 200
FLOOR_QUANTILE = 0.95

Groups = NDArray[np.int64]  # (trial,)


def importance(
    records: Iterable[TrialRecord], objective: Objective, dimensions: Sequence[str]
) -> dict[str, Any] | None:
    """Share by dimension and the noise floor: the 95 % quantile of random dummies. None under ten complete trials."""
    used = [record for record in records if has_point(record, [objective])]
    if len(used) < MIN_TRIALS:
        return None
    from scipy.stats import rankdata  # late: it takes a second, and small sweeps do without

    ordered = rankdata([objective.cost(record.metrics[objective.metric]) for record in used])
    shares = {name: explained_share(groups([r.params.get(name) for r in used]), ordered) for name in dimensions}
    return {
        "metric": objective.metric,
        "trials": len(used),
        "floor": round(noise_floor(ordered), 4),
        "shares": {name: round(share, 4) for name, share in sorted(shares.items(), key=lambda item: -item[1])},
    }


def explained_share(group: Groups, ordered: NDArray[np.float64]) -> float:
    """Bias-corrected correlation ratio of `ordered` (trial,) over `group` (trial,); 0 where nothing is explained."""
    sizes = np.bincount(group)
    num_groups, num_trials = int((sizes > 0).sum()), len(group)
    total = float(((ordered - ordered.mean()) ** 2).sum())
    if num_groups < 2 or num_groups >= num_trials or total == 0:
        return 0.0
    means = np.bincount(group, ordered) / np.maximum(sizes, 1)
    within = float(((ordered - means[group]) ** 2).sum())
    return max(0.0, 1 - (num_trials - 1) / (num_trials - num_groups) * within / total)


def groups(values: Sequence[Any]) -> Groups:
    """Group by value where there are few, by equally filled bins of numbers else; absent values are a group."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    num_groups = _num_groups(len(values))
    if len(set(numbers)) <= num_groups or len(numbers) < len([v for v in values if v is not None]):
        names = {name: code for code, name in enumerate(dict.fromkeys(map(repr, values)))}
        return np.array([names[repr(value)] for value in values], dtype=np.int64)
    edges = np.quantile(numbers, np.linspace(0, 1, num_groups + 1)[1:-1])
    codes = [num_groups if v is None else int(np.searchsorted(edges, v, side="right")) for v in values]
    return np.array(codes, dtype=np.int64)


def noise_floor(ordered: NDArray[np.float64]) -> float:
    """What a dimension without any effect reaches in one case of twenty; the same every time it is asked."""
    random, num_groups = np.random.default_rng(0), _num_groups(len(ordered))
    dummy = np.arange(len(ordered), dtype=np.int64) * num_groups // len(ordered)
    shares = [explained_share(random.permutation(dummy), ordered) for _ in range(NUM_DUMMIES)]
    return float(np.quantile(shares, FLOOR_QUANTILE))


def _num_groups(num_trials: int) -> int:
    return int(np.clip(np.sqrt(num_trials), 2, MAX_GROUPS))
