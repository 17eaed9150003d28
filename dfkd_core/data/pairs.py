"""Pair noisy recordings with the clean ones of the same name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.corpora import SPLITS, Clip, Kind, Split
from dfkd_core.errors import DataError

_PAIRED: tuple[Kind, Kind] = ("clean", "noisy")


def check_pairs(clips: Sequence[Clip]) -> None:
    """DataError names files that are only clean or only noisy, or share a name, in a split that has both."""
    for split in SPLITS:
        names = {kind: [c.stem for c in clips if c.split == split and c.kind == kind] for kind in _PAIRED}
        clean, noisy = set(names["clean"]), set(names["noisy"])
        if clean and noisy:
            for kind in _PAIRED:
                _require_unique(names[kind], f"{split}: {kind}")
        if clean and noisy and clean != noisy:
            raise DataError(
                f"{split}: clean and noisy files must have the same names, but {_told(clean - noisy, 'noisy')}"
                f"{' and ' if clean - noisy and noisy - clean else ''}{_told(noisy - clean, 'clean')}"
            )


def without_partners(clips: Sequence[Clip], lost: Collection[tuple[Split, str]]) -> list[Clip]:
    """The clips without those whose partner, a damaged file of that split and name, is lost."""
    paired = {kind for kind in _PAIRED if any(clip.kind == kind for clip in clips)} == set(_PAIRED)
    if not paired:
        return list(clips)
    return [clip for clip in clips if clip.kind not in _PAIRED or (clip.split, clip.stem) not in lost]


def noisy_partners(clips: Sequence[Clip], num_samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each clip the index of the noisy clip of its name, else -1.

    DataError: a pair whose lengths differ, which cannot be aligned.
    """
    noisy = {clip.stem: i for i, clip in enumerate(clips) if clip.kind == "noisy"}
    partners = [noisy.get(clip.stem, -1) if clip.kind == "clean" else -1 for clip in clips]
    for i, partner in enumerate(partners):
        if partner >= 0 and num_samples[i] != num_samples[partner]:
            raise DataError(
                f"{clips[i].path} and {clips[partner].path}: a pair must have one length, "
                f"but they have {num_samples[i]} and {num_samples[partner]} samples at 16 kHz"
            )
    return np.array(partners, np.int64)


def _require_unique(names: Sequence[str], what: str) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        more = f" and {len(repeated) - 1} others" if len(repeated) > 1 else ""
        raise DataError(
            f"{what} files are paired by name, but {repeated[0]}{more} is there more than once; rename them"
        )


def _told(names: Iterable[str], missing: str) -> str:
    first = sorted(names)[:3]
    more = len(set(names)) - len(first)
    return f"no {missing} file for {', '.join(first)}{f' and {more} more' if more > 0 else ''}" if first else ""
