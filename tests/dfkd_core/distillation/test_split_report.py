import math

import torch

from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.frequency_adapter import FrequencyAdapter
from dfkd_core.distillation.split_report import KEYS, split_statistics, split_warning


def statistics(bins, active=None, **fields):
    split = torch.tensor([bins])
    active = torch.ones_like(split, dtype=torch.bool) if active is None else torch.tensor([active])
    adapter = FrequencyAdapter(DistillationConfig(**fields))
    return dict(zip(KEYS, split_statistics(split, active, adapter).tolist(), strict=True))


def test_percentiles_are_in_hz():
    told = statistics(list(range(11)), split="literal")
    assert (told["split_hz_p10"], told["split_hz_p50"], told["split_hz_p90"]) == (31.25, 156.25, 281.25)


def test_frames_at_either_bound_and_at_or_under_125_hz_are_counted():
    assert statistics([8, 8, 128, 50], split="dynamic")["split_at_bound_share"] == 0.75
    assert statistics([0, 4, 5, 50], split="literal")["split_under_125_hz_share"] == 0.5


def test_a_fixed_split_sticks_to_no_bound():
    assert statistics([8, 8], split="fixed")["split_at_bound_share"] == 0.0


def test_inactive_frames_are_left_out():
    told = statistics([20, 20, 8, 8], active=[True, True, False, False], split="dynamic")
    assert told["split_hz_p50"] == 625.0
    assert told["split_at_bound_share"] == 0.0


def test_over_half_at_a_bound_is_a_warning_with_a_remedy():
    assert split_warning({"split_at_bound_share": 0.5}) is None
    assert split_warning({}) is None
    warning = split_warning({"split_at_bound_share": 0.9})
    assert warning is not None
    assert "90%" in warning
    assert "slope: fall" in warning
    assert "\n" not in warning


def test_no_active_frame_gives_nan_rather_than_an_error():
    assert math.isnan(statistics([8], active=[False], split="dynamic")["split_hz_p50"])
