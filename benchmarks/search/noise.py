"""What a difference in the table is worth: seeds against settings, `python -m benchmarks.search.noise`.

Rows that differ by their seed alone tell the noise of a score; rows of one width, start and seed that differ in their
settings tell what a search can gain there. Where the second spread is no larger than the first, the best setting of a
width is the luckiest one, and no search could have known it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import f as f_distribution
from scipy.stats import kendalltau

from benchmarks.search.table import SCORE, START, key_of, read_table


@dataclass(frozen=True)
class Noise:
    """One kind of start: standard deviations of the last score, pooled over widths, and their degrees of freedom."""

    seeds_sd: float
    seeds_df: int
    settings_sd: float
    settings_df: int
    taus: tuple[float, ...]  # after each epoch but the last, its ranks within a width against the last one's

    @property
    def p(self) -> float:
        """That settings differ by no more than seeds do (F test)."""
        return float(f_distribution.sf((self.settings_sd / self.seeds_sd) ** 2, self.settings_df, self.seeds_df))

    @property
    def told_share(self) -> float:
        """Of the variance between settings, the part that another seed would repeat."""
        return max(0.0, 1 - (self.seeds_sd / self.settings_sd) ** 2)


def noise_of(rows: Sequence[Mapping[str, Any]], is_sliced: bool) -> Noise:
    """Of the rows of one kind of start; NaN where no row has a second seed."""
    own = [row for row in rows if (row["values"][START] is not None) == is_sliced]
    seeds: dict[str, list[Any]] = defaultdict(list)
    widths: dict[float, list[Any]] = defaultdict(list)
    for row in own:
        seeds[key_of({**row["values"], "seed": 0})].append(row["scores"][SCORE])
        if row["values"]["seed"] == 0:
            widths[row["values"]["student.width"]].append(row["scores"][SCORE])
    curves = [np.array(rows) for rows in widths.values()]
    taus = [
        float(np.nanmean([kendalltau(c[:, epoch], c[:, -1]).statistic for c in curves]))
        for epoch in range(curves[0].shape[1] - 1)
    ]
    return Noise(*_pooled(seeds.values()), *_pooled(widths.values()), tuple(taus))


def _pooled(groups: Any) -> tuple[float, int]:
    """Standard deviation of last scores within groups, and its degrees of freedom."""
    last = [np.array(group)[:, -1] for group in groups if len(group) > 1]
    freedom = sum(len(values) - 1 for values in last)
    square = sum(float(((values - values.mean()) ** 2).sum()) for values in last)
    return (math.sqrt(square / freedom) if freedom else math.nan), freedom


def main() -> None:
    rows = read_table()
    for is_sliced in (True, False):
        found = noise_of(rows, is_sliced)
        print(f"{'slices' if is_sliced else 'random starts'}: {SCORE} at the end")
        print(f"  between seeds of one configuration    sd {found.seeds_sd:.4f} ({found.seeds_df} degrees of freedom)")
        print(f"  between settings of one width         sd {found.settings_sd:.4f} ({found.settings_df})")
        print(f"  F test p {found.p:.3g}; of the settings' variance {found.told_share:.0%} is more than seeds'")
        print(f"  Kendall's tau with the end, by epoch  {'  '.join(f'{tau:.2f}' for tau in found.taus)}")


if __name__ == "__main__":
    main()
