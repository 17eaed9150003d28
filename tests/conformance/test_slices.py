"""What every architecture promises whose models can be sliced: a narrower one begins with a wider one's channels."""

import pytest
import torch
from dead_channels import kill_half, trained
from torch import nn

from dfkd_core.models import MODELS, build_model
from dfkd_core.training.slicing import scores_by_activation, scores_by_order, scores_by_weight, sliced

SLICED = [name for name in MODELS if build_model(name).channels() is not None]
# Small enough to be quick: the wide one and, by `width` alone, one of half as many channels in every group.
CASES = [
    ("dccrn", {"channels": (16, 32, 32), "num_layers": 4, "lstm_units": 32}, 0.5),
    ("dccrn", {"channels": (16, 16), "num_layers": 2, "lstm_units": 16, "lstm_layers": 1}, 0.5),
    ("conv_tasnet", {"bottleneck": 8, "hidden": 16, "skip": 12, "num_blocks": 2, "num_repeats": 2, "filters": 32}, 0.5),
    (
        "conv_tasnet",
        {"bottleneck": 8, "hidden": 16, "skip": 12, "num_blocks": 3, "num_repeats": 1, "causal": True},
        0.5,
    ),
    ("dptnet", {"features": 16, "feedforward": 12, "num_blocks": 2, "heads": 2, "chunk": 20}, 0.5),
]


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *(f"{k}={v}" for k, v in case[1].items())]))
def pair(request):
    """A wide model with weights and statistics as training might leave them, and a narrow one."""
    torch.manual_seed(0)
    name, fields, width = request.param
    return trained(build_model(name, **fields, width=1.0)), build_model(name, **fields, width=width).eval()


def test_every_architecture_that_says_its_channels_is_held_to_the_promise():
    assert {name for name, _, _ in CASES} == set(SLICED)


@pytest.mark.parametrize("name", SLICED)
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


@pytest.mark.parametrize("name", SLICED)
@pytest.mark.parametrize("width", [0.125, 0.25, 0.5])
def test_a_slice_of_every_width_has_the_student_s_shapes(name, width):
    wide, narrow = build_model(name, width=1.0), build_model(name, width=width)
    state = sliced(wide, narrow, scores_by_weight(wide))
    shapes = {weight: value.shape for weight, value in narrow.state_dict().items()}
    assert {weight: value.shape for weight, value in state.items()} == shapes


@pytest.mark.parametrize("rule", [scores_by_weight, scores_by_order])
def test_a_slice_as_wide_as_the_model_is_the_model(pair, rule):
    wide, _ = pair
    state = sliced(wide, wide, rule(wide))
    assert all(torch.equal(value, state[name]) for name, value in wide.state_dict().items())


def test_two_slices_are_the_same(pair):
    wide, narrow = pair
    first, second = (sliced(wide, narrow, scores_by_weight(wide)) for _ in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@torch.no_grad()
def test_a_slice_without_dead_channels_computes_the_same(pair):
    """Half of every group is dead: of the same signal as another member, so that no norm misses it, and never read."""
    wide, narrow = pair
    noisy = 0.1 * torch.randn(2, 4000)
    before = wide(noisy)
    kill_half(wide)
    expected = wide(noisy)
    assert (before - expected).abs().max() > 1e-3 * expected.abs().max()
    narrow.load_state_dict(sliced(wide, narrow, scores_by_weight(wide)))
    torch.testing.assert_close(narrow(noisy), expected, rtol=0, atol=1e-5 * max(1.0, expected.abs().max().item()))
