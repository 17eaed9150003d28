"""Layers of maps whose channels lie last are torch's layers of maps whose channels come first."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dfkd_core.models.band_layers import DoublingConv, HalvingConv, PastConv, from_neighbours, neighbours


def last(maps):
    """(batch, channel, frame, band) as (batch, frame, band, channel)."""
    return maps.permute(0, 2, 3, 1)


def random_maps(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def assert_same(ours, theirs, leaves):
    """Outputs, and gradients at what they came from."""
    torch.testing.assert_close(ours, theirs)
    gradients = [torch.autograd.grad(form.sin().sum(), leaves) for form in (ours, theirs)]
    for mine, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, expected)


def unfolded(maps):
    """Each channel's three bands together, by torch."""
    batch, channels, frames, bands = maps.shape
    return F.unfold(maps, (1, 3), padding=(0, 1)).view(batch, 3 * channels, frames, bands)


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_neighbours_are_unfolds_in_another_order(bands):
    maps, weight = random_maps(2, 4, 3, bands), random_maps(6, 12)
    ours = F.linear(neighbours(last(maps)), from_neighbours(weight))
    assert_same(ours, last(F.conv2d(unfolded(maps), weight[:, :, None, None])), [maps, weight])


@pytest.mark.parametrize("bands", [1, 2, 7, 8])
@pytest.mark.parametrize("groups", [1, 2])
def test_halving_is_torchs_strided_convolution(bands, groups):
    layer, maps = HalvingConv(4, 6, groups).double(), random_maps(2, 4, 3, bands)
    theirs = F.conv2d(maps, layer.weight, layer.bias, (1, 2), (0, 2), groups=groups)
    assert_same(layer(last(maps)), last(theirs), [maps, *layer.parameters()])


def test_halving_of_neighbours_is_halving_of_the_unfolded():
    layer, maps = HalvingConv(2, 6, of_neighbours=True).double(), random_maps(2, 2, 3, 9)
    theirs = F.conv2d(unfolded(maps), layer.weight, layer.bias, (1, 2), (0, 2))
    assert_same(layer(last(maps)), last(theirs), [maps, *layer.parameters()])


@pytest.mark.parametrize("bands", [1, 2, 7])
@pytest.mark.parametrize("groups", [1, 2])
def test_doubling_is_torchs_transposed_convolution(bands, groups):
    layer, maps = DoublingConv(4, 6, groups).double(), random_maps(2, 4, 3, bands)
    theirs = F.conv_transpose2d(maps, layer.weight, layer.bias, (1, 2), (0, 2), groups=groups)
    assert_same(layer(last(maps)), last(theirs), [maps, *layer.parameters()])


@pytest.mark.parametrize("frames", [1, 4, 11])
@pytest.mark.parametrize("dilation", [1, 2, 5])
def test_past_convolution_is_torchs_dilated_one_and_its_transposed(frames, dilation):
    maps, past = random_maps(2, 3, frames, 4), 2 * dilation
    padded = F.pad(maps, (0, 0, past, 0))
    plain, flipped = (PastConv(3, dilation, is_flipped).double() for is_flipped in (False, True))
    theirs = F.conv2d(padded, plain.weight, plain.bias, 1, (0, 1), (dilation, 1), 3)
    assert_same(plain(last(padded)), last(theirs), [maps, *plain.parameters()])
    options = {"padding": (past, 1), "dilation": (dilation, 1), "groups": 3}
    theirs = F.conv_transpose2d(padded, flipped.weight, flipped.bias, **options)
    assert_same(flipped(last(padded)), last(theirs), [maps, *flipped.parameters()])


def test_weights_are_shaped_as_torchs():
    pairs = [
        (HalvingConv(4, 6, 2), nn.Conv2d(4, 6, (1, 5), groups=2)),
        (HalvingConv(2, 6, of_neighbours=True), nn.Conv2d(6, 6, (1, 5))),
        (DoublingConv(4, 6, 2), nn.ConvTranspose2d(4, 6, (1, 5), groups=2)),
        (PastConv(4, 2, is_flipped=True), nn.ConvTranspose2d(4, 4, 3, groups=4)),
    ]
    for ours, theirs in pairs:
        assert {name: w.shape for name, w in ours.named_parameters()} == {
            name: w.shape for name, w in theirs.named_parameters()
        }
