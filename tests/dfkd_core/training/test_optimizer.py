import copy
import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from torch import nn

from dfkd_core.config import OptimizerConfig
from dfkd_core.errors import CheckpointError
from dfkd_core.training.optimizer import AdamW, clip_gradient, learning_rate


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 4), nn.PReLU(), nn.Linear(4, 3))


def backward(model, seed):
    noise = torch.randn(8, 5, generator=torch.Generator().manual_seed(seed))
    model(noise).square().sum().backward()


def assert_same(left, right, **tolerance):
    for a, b in zip(left.parameters(), right.parameters(), strict=True):
        torch.testing.assert_close(a, b, **tolerance)


def test_steps_are_those_of_torch_s_adamw(model):
    other = copy.deepcopy(model)
    ours, theirs = AdamW(model, 0.1), torch.optim.AdamW(other.parameters(), lr=1e-2, weight_decay=0.1)
    for step in range(20):
        ours.zero_grad()
        theirs.zero_grad()
        backward(model, step)
        backward(other, step)
        ours.step(1e-2)
        theirs.step()
    assert_same(model, other, rtol=1e-6, atol=1e-7)


def test_a_restored_state_takes_the_same_next_step(model):
    optimizer = AdamW(model)
    backward(model, 0)
    optimizer.step(1e-2)
    other = copy.deepcopy(model)
    restored = AdamW(other)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, its in ((model, optimizer), (other, restored)):
        its.zero_grad()
        backward(one, 1)
        its.step(1e-2)
    assert_same(model, other, rtol=0, atol=0)


def test_a_state_of_another_model_is_refused(model):
    with pytest.raises(CheckpointError, match=r"differs at 0\.bias"):
        AdamW(model[2]).load_state_dict(AdamW(model).state_dict())


def test_frozen_parameters_stay(model):
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    optimizer = AdamW(model, 0.1)
    backward(model, 0)
    optimizer.step(1e-1)
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize("limit", [None, 1e-3, 1e9])
def test_the_gradient_is_held_to_its_limit_and_its_norm_told(model, limit):
    backward(model, 0)
    expected = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
    assert clip_gradient(model, limit) == pytest.approx(expected)
    clipped = torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item()
    assert clipped == pytest.approx(min(expected, limit or expected), rel=1e-4)


def test_cosine_falls_from_the_rate_to_near_zero_after_a_warm_up():
    config = OptimizerConfig(learning_rate=1.0, warmup_steps=4)
    rates = [learning_rate(config, step, 100) for step in range(100)]
    assert rates[0] == 0.25 and rates[50] == pytest.approx(0.5) and rates[99] < 1e-3
    assert all(a >= b for a, b in pairwise(rates[4:]))


def test_a_constant_rate_stays_and_steps_beyond_the_last_keep_its_rate():
    constant = OptimizerConfig(learning_rate=0.1, schedule="constant")
    assert {learning_rate(constant, step, 10) for step in range(12)} == {0.1}
    cosine = OptimizerConfig(learning_rate=0.1)
    assert learning_rate(cosine, 12, 10) == learning_rate(cosine, 9, 10)


def test_training_does_not_import_torch_s_compiler():
    script = (
        "import sys, torch; from dfkd_core.training.optimizer import AdamW; m = torch.nn.Linear(2, 2); o = AdamW(m); "
        "m(torch.ones(1, 2)).sum().backward(); o.step(0.1); sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
