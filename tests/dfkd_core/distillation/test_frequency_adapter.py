import pytest
import torch

from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.frequency_adapter import FrequencyAdapter, split_bins

EPS = 1e-6


def spectrum(*steps, bins=257):
    """One frame (1, bins, 1) that is 1 from DC on and takes each (bin, magnitude) step upwards from that bin."""
    magnitude = torch.ones(bins)
    for start, value in steps:
        magnitude[start:] = value
    return magnitude[None, :, None]


def by_definition(frame, slope, low, high):
    """The docstring's equations, bin by bin, on one frame (freq,)."""
    best, best_slope = low, 0.0
    for f in range(low, min(high, len(frame) - 2) + 1):
        if slope == "fall":
            here, after = frame[f:].max(), frame[f + 1 :].max()
            value = (here - after) / (after + EPS)
        else:
            here, after = frame[low : f + 1].max(), frame[low : f + 2].max()
            value = (after - here) / (here + EPS) if slope == "relative" else after - here
        if value > best_slope:
            best, best_slope = f, value
    return best


@pytest.mark.parametrize("slope", ["relative", "absolute", "fall"])
@pytest.mark.parametrize(("low", "high"), [(0, None), (8, 128), (30, 31), (255, 255), (8, 400)])
def test_every_slope_is_its_equation(slope, low, high):
    torch.manual_seed(0)
    magnitude = torch.rand(2, 257, 20) ** 4
    found = split_bins(magnitude, slope, low, high)
    last = 255 if high is None else high
    expected = [[by_definition(magnitude[b, :, n], slope, low, last) for n in range(20)] for b in range(2)]
    assert found.dtype == torch.int64
    assert found.tolist() == expected


def test_the_literal_rule_splits_below_the_steepest_relative_rise():
    assert split_bins(spectrum((3, 5.0), (60, 20.0))).item() == 2


def test_the_literal_rule_is_caught_by_a_weak_dc_bin():
    magnitude = spectrum((60, 20.0))
    magnitude[0, 0] = 1e-3
    assert split_bins(magnitude).item() == 0
    assert split_bins(magnitude, low_bin=8, high_bin=128).item() == 59


@pytest.mark.parametrize(("rise", "expected"), [(5, 8), (8, 8), (40, 39), (128, 127), (129, 128), (130, 8), (200, 8)])
def test_only_rises_inside_the_cutoffs_are_found(rise, expected):
    assert split_bins(spectrum((rise, 5.0)), "relative", 8, 128).item() == expected


def test_a_loud_bin_under_the_lower_bound_hides_no_rise_above_it():
    magnitude = spectrum((40, 5.0))
    magnitude[0, 2] = 1e3
    assert split_bins(magnitude, "relative", 8, 128).item() == 39


def test_a_fall_counts_against_everything_above_it():
    """Energy above the upper bound (a fricative) leaves no fall below it, so the frame splits at the lower bound."""
    magnitude = 6.0 - spectrum((40, 5.0))
    assert split_bins(magnitude, "fall", 8, 128).item() == 39
    magnitude[0, 200] = 1e3
    assert split_bins(magnitude, "fall", 8, 128).item() == 8


@pytest.mark.parametrize("slope", ["relative", "absolute", "fall"])
def test_a_flat_or_silent_frame_splits_at_the_lower_bound(slope):
    for magnitude in (torch.ones(1, 257, 3), torch.zeros(1, 257, 3)):
        assert split_bins(magnitude, slope, 8, 128).tolist() == [[8, 8, 8]]


def test_the_relative_slope_prefers_a_doubling_and_the_absolute_one_a_large_step():
    magnitude = spectrum((20, 3.0), (60, 8.0))
    assert split_bins(magnitude, "relative").item() == 19
    assert split_bins(magnitude, "absolute").item() == 59


@pytest.mark.parametrize("slope", ["relative", "absolute", "fall"])
def test_the_level_moves_no_split(slope):
    magnitude = 0.5 + torch.rand(1, 257, 50)
    assert torch.equal(split_bins(magnitude, slope, 8, 128), split_bins(16.0 * magnitude, slope, 8, 128))


def test_the_split_carries_no_gradient():
    magnitude = torch.rand(1, 257, 4, requires_grad=True)
    assert not split_bins(magnitude).requires_grad


@pytest.mark.parametrize(("low", "high"), [(-1, None), (10, 9), (256, None)])
def test_bounds_out_of_order_or_range_are_refused(low, high):
    with pytest.raises(ValueError, match=f"low_bin <= high_bin.*got {low} and {high}"):
        split_bins(torch.ones(1, 257, 1), low_bin=low, high_bin=high)


def test_cutoffs_in_hz_become_the_bins_inside_them():
    """A bin is 31.25 Hz wide: 250 Hz is bin 8 and 4000 Hz bin 128; 260 and 3990 Hz lie just inside 9 and 127."""
    adapter = FrequencyAdapter(DistillationConfig(split="dynamic"))
    assert (adapter.low_bin, adapter.high_bin) == (8, 128)
    inner = FrequencyAdapter(DistillationConfig(split="dynamic", min_cutoff_hz=260, max_cutoff_hz=3990))
    assert (inner.low_bin, inner.high_bin) == (9, 127)


def test_cutoffs_closer_than_a_bin_leave_one_bin():
    adapter = FrequencyAdapter(DistillationConfig(split="dynamic", min_cutoff_hz=1001, max_cutoff_hz=1010))
    assert adapter.low_bin == adapter.high_bin == 33
    assert adapter(torch.rand(1, 257, 3)).tolist() == [[33, 33, 33]]


@pytest.mark.parametrize(("cutoff_hz", "expected"), [(2000, 64), (1, 0), (8000, 255)])
def test_a_fixed_split_is_the_same_bin_in_every_frame(cutoff_hz, expected):
    adapter = FrequencyAdapter(DistillationConfig(split="fixed", cutoff_hz=cutoff_hz))
    assert adapter(torch.rand(2, 257, 3)).tolist() == [[expected] * 3] * 2


def test_the_literal_split_ignores_the_cutoffs():
    adapter = FrequencyAdapter(DistillationConfig(split="literal", min_cutoff_hz=500, max_cutoff_hz=1000))
    magnitude = torch.rand(1, 257, 10)
    assert torch.equal(adapter(magnitude), split_bins(magnitude))
