"""GRUs that take every step together are torch's, one by one."""

import pytest
import torch
from torch import nn

from dfkd_core.models.side_by_side_gru import recurrent_macs, side_by_side

CASES = [(layers, both) for layers in (1, 2, 3) for both in (False, True)]
STEPS, BATCH, INPUTS, UNITS = 5, 3, 4, 2


def one_by_one(layers, signal, state):
    """torch's own outputs, and states as `side_by_side` takes them."""
    starts = state.view(BATCH, len(layers), -1, UNITS).permute(1, 2, 0, 3).contiguous()
    parts = zip(layers, signal.chunk(len(layers), 2), starts, strict=True)
    return torch.cat([layer(part, start)[0] for layer, part, start in parts], 2)


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'both ways' if case[1] else 'forward'}")
def case(request):
    num_layers, both = request.param
    torch.manual_seed(0)
    layers = [nn.GRU(INPUTS, UNITS, bidirectional=both).double() for _ in range(num_layers)]
    signal = torch.randn(STEPS, BATCH, num_layers * INPUTS, dtype=torch.float64, requires_grad=True)
    state = torch.randn(BATCH, num_layers * UNITS * (1 + both), dtype=torch.float64, requires_grad=True)
    return layers, signal, state


def test_outputs_and_gradients_are_torchs(case):
    layers, signal, state = case
    leaves = [signal, state, *(weight for layer in layers for weight in layer.parameters())]
    found = []
    for form in (side_by_side, one_by_one):
        outputs = form(layers, signal, state)
        found.append([outputs, *torch.autograd.grad(outputs.sin().sum(), leaves)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_signal_that_needs_no_gradient_leaves_those_of_the_weights(case):
    layers, signal, state = case
    side_by_side(layers, signal.detach(), state.detach()).sum().backward()
    assert all(weight.grad.abs().sum() > 0 for layer in layers for weight in layer.parameters())


@torch.no_grad()
def test_under_autocast_torchs_own_run():
    layers = [nn.GRU(INPUTS, UNITS) for _ in range(2)]
    signal, state = torch.randn(STEPS, BATCH, 2 * INPUTS), torch.randn(BATCH, 2 * UNITS)
    with torch.autocast("cpu", torch.bfloat16):
        lower = side_by_side(layers, signal, state)
    torch.testing.assert_close(lower.float(), side_by_side(layers, signal, state), atol=0.03, rtol=0.03)


def test_multiply_adds_are_those_of_all_gates():
    layer = nn.GRU(INPUTS, UNITS, bidirectional=True)
    assert recurrent_macs([layer, layer], 10) == 10 * 2 * 2 * 3 * UNITS * (INPUTS + UNITS)
