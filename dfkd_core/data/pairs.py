"""Pair noisy recordings with the clean ones of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from dfkd_core.data.corpora import SPLITS, Clip
from dfkd_core.errors import DataError


def check_pairs(clips: Sequence[Clip]) -> None:
    """DataError names files that are only clean or only noisy, in a split that has both."""
    for split in SPLITS:
        clean = {clip.stem for clip in clips if clip.split == split and clip.kind == "clean"}
        noisy = {clip.stem for clip in clips if clip.split == split and clip.kind == "noisy"}
        if clean and noisy and clean != noisy:
            raise DataError(
                f"{split}: clean and noisy files must have the same names, but {_told(clean - noisy, 'noisy')}"
                f"{' and ' if clean - noisy and noisy - clean else ''}{_told(noisy - clean, 'clean')}"
            )


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


def _told(names: Iterable[str], missing: str) -> str:
    first = sorted(names)[:3]
    more = len(set(names)) - len(first)
    return f"no {missing} file for {', '.join(first)}{f' and {more} more' if more > 0 else ''}" if first else ""
