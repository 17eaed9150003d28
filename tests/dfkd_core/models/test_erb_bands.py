"""Bands that lie equally far apart on the ERB scale."""

import torch

from dfkd_core.models.erb_bands import ERBBands

BANDS = ERBBands(257, 65, 64, 16_000)


def test_low_bins_pass_both_ways():
    bins, bands = torch.randn(2, 3, 257), torch.randn(2, 3, 129)
    assert torch.equal(BANDS.merge(bins)[..., :65], bins[..., :65])
    assert torch.equal(BANDS.split(bands)[..., :65], bands[..., :65])


def test_every_high_bin_is_shared_out_wholly_among_two_bands_at_most():
    assert torch.allclose(BANDS.matrix.sum(0), torch.ones(192))
    assert (BANDS.matrix > 0).sum(0).max() == 2


def test_bands_are_triangles_that_widen_and_end_at_the_ends():
    assert BANDS.matrix[0, 0] == 1 and BANDS.matrix[-1, -1] == 1
    tips = BANDS.matrix.argmax(1)
    assert (tips.diff() > 0).all() and tips.diff()[-8:].float().mean() > 2 * tips.diff()[:8].float().mean()
    assert torch.equal(BANDS.matrix.max(1).values, torch.ones(64))


def test_there_and_back_keeps_what_all_bins_of_a_band_share():
    assert torch.allclose(BANDS.split(torch.ones(129)), torch.ones(257))


def test_the_matrix_is_not_stored():
    assert not BANDS.state_dict()
