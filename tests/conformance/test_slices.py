"""What every architecture promises whose models can be sliced: a narrower one begins with a wider one's channels."""

import pytest
import torch
from dead_channels import kill_half, trained
from torch import nn

from dfkd_core.models import MODELS, build_model
from dfkd_core.models.base import Student
from dfkd_core.models.gtcrn_slices import consistent_choices, cut
from dfkd_core.training.slicing import scores_by_activation, scores_by_order, scores_by_weight, sliced

TOLD = [name for name in MODELS if build_model(name).channels() is not None]
CHOSEN = [name for name, model in MODELS.items() if model.slices is not Student.slices]  # from several slices
# Small enough to be quick: the wide one and, by one field alone, one of half as many channels in every group.
WHOLE, HALF = {"width": 1.0}, {"width": 0.5}
CASES = [
    ("dccrn", {"channels": (16, 32, 32), "num_layers": 4, "lstm_units": 32} | WHOLE, HALF),
    ("dccrn", {"channels": (16, 16), "num_layers": 2, "lstm_units": 16, "lstm_layers": 1} | WHOLE, HALF),
    (
        "conv_tasnet",
        {"bottleneck": 8, "hidden": 16, "skip": 12, "num_blocks": 2, "num_repeats": 2, "filters": 32} | WHOLE,
        HALF,
    ),
    (
        "conv_tasnet",
        {"bottleneck": 8, "hidden": 16, "skip": 12, "num_blocks": 3, "num_repeats": 1, "causal": True} | WHOLE,
        HALF,
    ),
    ("dptnet", {"features": 16, "feedforward": 12, "num_blocks": 2, "heads": 2, "chunk": 20} | WHOLE, HALF),
    ("gtcrn", {"channels": 16}, {"channels": 8}),
    ("gtcrn", {"channels": 16}, {"channels": 12}),
]
DECLARED = [case for case in CASES if case[0] in TOLD]


@pytest.fixture
def pair(request, built):
    """A wide model with weights and statistics as training might leave them, and a narrow one."""
    torch.manual_seed(0)
    name, wide, narrower = request.param
    return trained(built(name, **wide)), built(name, **wide | narrower).eval()


declared_pair = pair  # of a class with `channels()`


def slices(wide, narrow, rule=scores_by_weight):
    """The states that the narrow one may begin with: one by a rule or, where there are several, all."""
    ways = narrow.slices(wide)
    return [sliced(wide, narrow, rule(wide))] if ways is None else [way() for way in ways]


def test_every_architecture_that_can_be_sliced_is_held_to_the_promise():
    assert {name for name, _, _ in CASES} == {*TOLD, *CHOSEN}


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("width", [0.125, 0.25, 0.5, 1.0])
def test_what_a_model_says_of_its_weights_fits_them_at_every_width(name, width):
    model, widest = build_model(name, width=width), build_model(name, width=1.0)
    told, state = model.channels(), model.state_dict()
    for weight, uses in told.uses.items():
        for dim, (_, axis) in enumerate(uses):
            assert not axis.stretches or sum(s.length for s in axis.stretches) == state[weight].shape[dim], weight
    with torch.no_grad():
        scores = scores_by_activation(model, [0.1 * torch.randn(1, 2000)])  # every signal has the shape that is said
    assert all((score > 0).any() for score in scores.values())
    wide_state, uses = widest.state_dict(), told.uses
    for weight, value in state.items():
        for dim, (size, widest_size) in enumerate(zip(value.shape, wide_state[weight].shape, strict=True)):
            assert size == widest_size or uses[weight][dim][1].stretches, f"{weight} says nothing of its axis {dim}"


DEPTHS = [
    ("conv_tasnet", {"num_blocks": 3, "num_repeats": 3}, {"num_blocks": 2, "num_repeats": 2}, [0, 1, 6, 7]),
    ("conv_tasnet", {"num_blocks": 2, "num_repeats": 4}, {"num_blocks": 2, "num_repeats": 1}, [0, 1]),
    ("dptnet", {"num_blocks": 6}, {"num_blocks": 3}, [0, 2, 5]),
    ("dptnet", {"num_blocks": 3}, {"num_blocks": 1}, [0]),
]


@pytest.mark.parametrize(("name", "many", "few", "kept"), DEPTHS)
@torch.no_grad()
def test_a_shallower_one_takes_whole_blocks_spread_over_the_deeper_one_s(name, many, few, kept):
    wide, narrow = build_model(name, width=0.25, **many), build_model(name, width=0.125, **few)
    narrow.load_state_dict(sliced(wide, narrow, scores_by_order(wide)))
    for own, theirs in enumerate(kept):
        states = [m.blocks[i].state_dict() for m, i in ((narrow, own), (wide, theirs))]
        for weight, value in states[0].items():
            assert set(value.flatten().tolist()) <= set(states[1][weight].flatten().tolist()) or "project" in weight


@torch.no_grad()
def test_a_slice_without_blocks_that_do_nothing_computes_the_same():
    fields = {"width": 0.25, "filters": 32, "num_blocks": 2}
    deep, shallow = (build_model("conv_tasnet", num_repeats=repeats, **fields).eval() for repeats in (3, 2))
    for block in deep.blocks[2:4]:
        nn.init.zeros_(block.narrow.weight)
        nn.init.zeros_(block.narrow.bias)
    shallow.load_state_dict(sliced(deep, shallow, scores_by_weight(deep)))
    noisy = 0.1 * torch.randn(2, 3000)
    torch.testing.assert_close(shallow(noisy), deep(noisy), rtol=0, atol=1e-6)


WIDTHS = [(name, WHOLE, {"width": width}) for name in TOLD for width in (0.125, 0.25, 0.5)]
WIDTHS += [("gtcrn", {"channels": 16}, {"channels": channels}) for channels in (4, 8, 12)]


@pytest.mark.parametrize(("name", "wide", "narrow"), WIDTHS)
def test_a_slice_of_every_width_has_the_student_s_shapes(name, wide, narrow):
    large, small = build_model(name, **wide), build_model(name, **narrow)
    shapes = {weight: value.shape for weight, value in small.state_dict().items()}
    for state in slices(large, small):
        assert {weight: value.shape for weight, value in state.items()} == shapes


@pytest.mark.parametrize("rule", [scores_by_weight, scores_by_order])
def test_a_slice_as_wide_as_the_model_is_the_model(pair, rule):
    wide, _ = pair
    (state,) = slices(wide, wide, rule)
    assert state.keys() == wide.state_dict().keys()
    assert all(torch.equal(value, state[name]) for name, value in wide.state_dict().items())


def test_two_slices_are_the_same(pair):
    first, second = (slices(*pair) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())


@torch.no_grad()
def test_a_slice_without_dead_channels_computes_the_same(declared_pair):
    """Half of every group is dead: of the same signal as another member, so that no norm misses it, and never read."""
    wide, narrow = declared_pair
    noisy = 0.1 * torch.randn(2, 4000)
    before = wide(noisy)
    kill_half(wide)
    expected = wide(noisy)
    assert (before - expected).abs().max() > 1e-3 * expected.abs().max()
    narrow.load_state_dict(sliced(wide, narrow, scores_by_weight(wide)))
    torch.testing.assert_close(narrow(noisy), expected, rtol=0, atol=1e-5 * max(1.0, expected.abs().max().item()))


MIXED = tuple(f"{way}_fc.{kind}" for way in ("intra", "inter") for kind in ("weight", "bias"))  # all channels at once


@pytest.mark.parametrize("channels", [8, 12])
@torch.no_grad()
def test_a_slice_of_gtcrn_without_dead_channels_computes_the_same(channels):
    """The wide model's other weights are nought; its norms see as many copies of each of the mixed channels."""
    torch.manual_seed(channels)
    for choice in consistent_choices(16, channels):
        small, large = (trained(build_model("gtcrn", channels=count)) for count in (channels, 16))
        for name, value in small.named_parameters():
            if name.endswith(MIXED):
                value.copy_(value[:1].expand_as(value))
        scatter(large, small.state_dict(), choice)
        narrow = build_model("gtcrn", channels=channels).eval()
        narrow.load_state_dict(cut(large.state_dict(), choice))
        noisy = 0.1 * torch.randn(2, 4000)
        expected = large(noisy)
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(narrow(noisy), expected, atol=1e-5, rtol=1e-4)


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
        if name.endswith(MIXED):
            value.copy_(value[choice[0]].expand_as(value))
