"""Frames that start as cosines pass the signal; fewer than its bands pass the low ones."""

import pytest
import torch
from torch.nn import functional as F

from dfkd_core.models.dptnet import DPTNet, DPTNetConfig
from dfkd_core.models.learned_frames import PASSING_MASK, LearnedFrames, start_as_cosines


@torch.no_grad()
def passed(signal, filters, window, stride):
    """What a mask of PASSING_MASK everywhere makes of a signal (1, time)."""
    frames = LearnedFrames(filters, window, stride)
    start_as_cosines(frames)
    return frames.overlap_add(PASSING_MASK * frames(signal), signal.shape[-1])


@pytest.mark.parametrize(
    ("filters", "window", "stride"), [(16, 32, 16), (16, 32, 8), (32, 32, 16), (80, 32, 16), (64, 128, 64)]
)
def test_enough_filters_give_the_signal_back(filters, window, stride):
    noise = torch.randn(1, 2000)
    inside = slice(window, -2 * window)  # the first and last half window are covered once
    torch.testing.assert_close(passed(noise, filters, window, stride)[:, inside], noise[:, inside], atol=2e-4, rtol=0)


def test_of_too_few_filters_the_low_bands_are_there():
    time = torch.arange(4000) / 16000
    low, high = (torch.sin(2 * torch.pi * hz * time)[None] for hz in (1000, 6000))
    inside = slice(100, -100)
    torch.testing.assert_close(passed(low, 8, 32, 16)[:, inside], low[:, inside], atol=0.1, rtol=0)
    assert passed(high, 8, 32, 16)[:, inside].abs().max() < 0.1


def test_dptnet_starts_so_unless_its_config_says_random():
    bank = LearnedFrames(16, 32, 16)
    start_as_cosines(bank)
    cosine = DPTNet(DPTNetConfig(width=0.25))
    torch.testing.assert_close(cosine.frames.state_dict(), bank.state_dict(), atol=0, rtol=0)
    random = DPTNet(DPTNetConfig(width=0.25, initial_filters="random"))
    assert F.mse_loss(random.frames.analysis.weight, bank.analysis.weight) > 1e-3


def test_the_filters_are_learned_from_there():
    model = DPTNet(DPTNetConfig(width=0.0625, num_blocks=1, chunk=10))
    model(torch.randn(1, 500)).square().mean().backward()
    assert all(weight.grad.abs().max() > 0 for weight in model.frames.parameters())
