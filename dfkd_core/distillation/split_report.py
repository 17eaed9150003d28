"""What is logged about the split, and when it deserves a warning."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from dfkd_core.distillation.frequency_adapter import BIN_HZ, FrequencyAdapter

KEYS = ("split_hz_p10", "split_hz_p50", "split_hz_p90", "split_at_bound_share", "split_under_125_hz_share")
LARGEST_SHARE_AT_BOUND = 0.5


@torch.no_grad()
def split_statistics(split: Tensor, active: Tensor, adapter: FrequencyAdapter) -> Tensor:
    """Values of KEYS (5,) over the active frames: percentiles in Hz, shares at either bound and at or under 125 Hz.

    `split` and `active` are (batch, frame). A fixed split has no bound to stick to: its share is zero.
    """
    hz = torch.where(active, split * BIN_HZ, torch.nan)
    percentiles = torch.nanquantile(hz, torch.tensor([0.1, 0.5, 0.9], device=hz.device))
    at_bound = (split == adapter.low_bin) | (split == adapter.high_bin)
    searched = float(adapter.fixed_bin is None)
    shares = torch.stack((searched * (at_bound & active).sum(), (hz <= 125.0).sum())) / active.sum()
    return torch.cat((percentiles, shares))


def split_warning(diagnostics: Mapping[str, float]) -> str | None:
    """One line when over half of the frames split at a bound of the search, else None."""
    share = diagnostics.get("split_at_bound_share", 0.0)
    if share <= LARGEST_SHARE_AT_BOUND:
        return None
    return (
        f"{share:.0%} of the frames split at a bound of the search, so the split hardly follows the signal; "
        "widen distillation.min_cutoff_hz and max_cutoff_hz, or set distillation.slope: fall"
    )
