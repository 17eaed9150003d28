"""Slices of GTCRN: choices of channels that all layers can share, and what they keep."""

import pytest
import torch
from torch import nn

from dfkd_core.models import build_model
from dfkd_core.models.gtcrn_slices import MOST, consistent_choices, cut


def randomised(channels):
    """A model in evaluation mode with weights and statistics as training might leave them."""
    model = build_model("gtcrn", channels=channels).eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return model


def test_twelve_choices_of_eight_of_sixteen_in_two_families():
    evens = [(a, b) for a in (0, 2, 4) for b in (2, 4, 6) if a < b]
    first = {frozenset((a, 1, b, 3, 8, 9, 12, 15)) for a, b in evens}
    second = {frozenset((a, 5, b, 3, 10, 9, 12, 15)) for a, b in evens}
    assert {frozenset(choice) for choice in consistent_choices(16, 8)} == first | second
    assert len(consistent_choices(16, 8)) == 12


def test_twelve_of_sixteen_leave_out_one_even_channel_of_four_and_three_that_pass():
    left = {frozenset(range(16)) - frozenset(choice) for choice in consistent_choices(16, 12)}
    assert left == {frozenset((even, 3, 9, 12)) for even in (0, 2, 4, 6)}


def test_as_many_channels_are_all_in_their_order():
    assert consistent_choices(16, 16) == [tuple(range(16))]


@pytest.mark.parametrize(("wide", "narrow"), [(16, 4), (16, 8), (16, 12), (24, 8), (32, 12), (32, 16), (32, 24)])
def test_every_choice_satisfies_what_shuffles_and_halves_ask(wide, narrow):
    half, k = wide // 2, narrow // 2
    choices = consistent_choices(wide, narrow)
    assert choices and len({frozenset(choice) for choice in choices}) == len(choices)
    for s in choices:
        assert all(s[2 * i + 1] == 2 * (s[k + i] - half) + 1 and s[2 * i] % 2 == 0 for i in range(k))
        assert all((s[j] < half) == (j < k) for j in range(narrow)) and len(set(s)) == narrow


def test_of_very_many_choices_some_are_found_at_once():
    found = {narrow: len(consistent_choices(64, narrow)) for narrow in range(4, 68, 4)}
    assert min(found.values()) >= 1 and 1000 < max(found.values()) <= MOST**2


def test_some_widths_share_no_choice():
    assert consistent_choices(12, 8) == consistent_choices(24, 16) == []


def test_a_slice_of_all_channels_is_the_model():
    state = randomised(16).state_dict()
    same = cut(state, consistent_choices(16, 16)[0])
    assert state.keys() == same.keys() and all(torch.equal(value, same[name]) for name, value in state.items())


@pytest.mark.parametrize("narrow", [8, 12])
@torch.no_grad()
def test_a_slice_without_dead_channels_computes_the_same(narrow):
    """The wide model's other weights are nought; its norms see as many copies of each of the mixed channels."""
    torch.manual_seed(narrow)
    for choice in consistent_choices(16, narrow):
        small, large = randomised(narrow), randomised(16)
        for name, value in small.named_parameters():
            if name.endswith(("intra_fc.weight", "inter_fc.weight", "intra_fc.bias", "inter_fc.bias")):
                value.copy_(value[:1].expand_as(value))
        scatter(large, small.state_dict(), choice)
        sliced = build_model("gtcrn", channels=narrow).eval()
        sliced.load_state_dict(cut(large.state_dict(), choice))
        noisy = 0.1 * torch.randn(2, 4000)
        expected = large(noisy)
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(sliced(noisy), expected, atol=1e-5, rtol=1e-4)


def scatter(large, state, choice):
    """Write a slice's numbers where `cut` takes them from, nought elsewhere."""
    held = large.state_dict()
    shaped = {name: torch.arange(value.numel(), dtype=torch.float64).view(value.shape) for name, value in held.items()}
    for name, places in cut(shaped, choice).items():
        filled = torch.zeros_like(held[name]) if name.count("running_var") == 0 else torch.ones_like(held[name])
        if filled.dim():
            filled.view(-1)[places.long().flatten()] = state[name].flatten()
        else:
            filled = state[name]
        held[name].copy_(filled)
    for name, value in large.named_parameters():
        if name.endswith(("intra_fc.weight", "inter_fc.weight", "intra_fc.bias", "inter_fc.bias")):
            value.copy_(value[choice[0]].expand_as(value))
