import pytest
import torch

from dfkd_core.distillation.bands import BandMasks
from dfkd_core.distillation.patches import Patches, keep_patches


def test_patches_sum_neighbouring_bins_of_one_frame_and_the_last_may_be_short():
    patches = Patches(torch.ones(1, 2, 5), num_bins=2)
    values = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 1.0, 0.0, 9.0]]])
    assert patches.sum(values).tolist() == [[[3.0, 7.0, 5.0], [0.0, 1.0, 9.0]]]
    assert patches.mean(values).tolist() == [[[1.5, 3.5, 5.0], [0.0, 0.5, 9.0]]]


def test_a_patch_cut_by_the_bands_edge_holds_the_bins_inside_only():
    patches = Patches(torch.tensor([[[0.0, 1.0, 1.0, 1.0]]]), num_bins=2)
    assert patches.sizes.tolist() == [[[1.0, 2.0]]]
    assert patches.mean(torch.tensor([[[100.0, 2.0, 4.0, 6.0]]])).tolist() == [[[2.0, 5.0]]]


def test_patches_larger_than_the_spectrum_hold_all_of_it():
    assert Patches(torch.ones(1, 1, 5), num_bins=257).sum(torch.ones(1, 1, 5)).tolist() == [[[5.0]]]


@pytest.mark.parametrize(("keep", "expected"), [(0.25, [4.0]), (0.5, [3.0, 4.0]), (1.0, [1.0, 2.0, 3.0, 4.0])])
def test_a_number_keeps_that_share_of_the_candidates_by_gap(keep, expected):
    gap = torch.tensor([[[4.0, 1.0, 3.0, 2.0, 99.0]]])
    candidates = torch.tensor([[[True, True, True, True, False]]])
    assert sorted(gap[keep_patches(gap, candidates, keep)].tolist()) == expected


def test_at_least_one_patch_of_each_clip_is_kept():
    gap = torch.rand(3, 4, 5)
    assert keep_patches(gap, torch.ones(3, 4, 5, dtype=torch.bool), 1e-3).sum(dim=(1, 2)).tolist() == [1, 1, 1]


def test_positive_keeps_the_patches_where_the_teacher_is_ahead_and_none_if_it_never_is():
    candidates = torch.ones(1, 1, 3, dtype=torch.bool)
    assert keep_patches(torch.tensor([[[0.1, 0.0, -0.1]]]), candidates, "positive").tolist() == [[[True, False, False]]]
    assert not keep_patches(torch.full((1, 1, 3), -1.0), candidates, "positive").any()


def test_a_clip_without_candidates_keeps_nothing():
    assert not keep_patches(torch.ones(1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool), 0.8).any()


@pytest.mark.parametrize("num_bins", [1, 10, 40, 256, 257])
def test_every_bin_of_every_frame_is_in_one_patch_of_each_band_that_has_it(num_bins):
    """Also where the split cuts a patch, and at the last bins, which fill none: 257 is no multiple of 10 or 40."""
    split = torch.tensor([[0, 1, 9, 10, 39, 128, 255]])
    masks = BandMasks.at(split, torch.ones(1, 7, 257))
    for mask in (masks.low, masks.high):
        patches = Patches(mask, num_bins)
        assert patches.sizes.shape[-1] == -(-257 // num_bins)
        for number in range(257):
            seen = patches.sum(torch.nn.functional.one_hot(torch.tensor(number), 257).float().expand(1, 7, 257))
            assert torch.equal((seen > 0).sum(-1), mask[..., number].long())
    assert torch.equal(Patches(masks.low, num_bins).sizes.sum(-1), split + 1.0)
    assert torch.equal(Patches(masks.high, num_bins).sizes.sum(-1), 257.0 - split)


def test_the_patch_of_the_dc_bin_alone_is_known():
    low = torch.tensor([[[1.0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]])
    assert Patches(low, 3).dc.tolist() == [[[True, False], [False, False], [False, False]]]
    assert not Patches(1.0 - low, 3).dc.any()
    assert Patches(torch.ones(1, 1, 5), 1).dc.tolist() == [[[True, False, False, False, False]]]
