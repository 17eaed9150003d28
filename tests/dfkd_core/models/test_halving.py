import pytest
import torch
from torch.nn import functional as F

from dfkd_core.models.halving import double, halve, up_in_phases

KERNELS = [(time, freq, pad) for time in (1, 2, 3) for freq in (1, 3, 5, 7) for pad in range(time)]


@pytest.mark.parametrize(("time", "freq", "pad"), KERNELS)
def test_two_phases_are_the_transposed_convolution(time, freq, pad):
    signal = torch.randn(2, 6, 9, 8, dtype=torch.float64)
    weight, bias = torch.randn(6, 4, time, freq, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    expected = F.conv_transpose2d(signal, weight, bias, (1, 2), (pad, freq // 2), output_padding=(0, 1))
    torch.testing.assert_close(up_in_phases(signal, weight, bias, pad), expected)


@pytest.mark.parametrize("frames", [1, 4])
def test_gradients_are_those_of_finite_differences(frames):
    signal, skip = torch.randn(2, 1, 2, frames, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 2, 3, 5, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(halve, (signal, weight, bias))
    for is_causal in (False, True):
        assert torch.autograd.gradcheck(
            lambda s, t, w, b, is_causal=is_causal: double((s, t), w, b, is_causal), (signal, skip, weight, bias[:2])
        )


def test_both_are_torchs_convolutions_between_silent_frames():
    signal, skip = torch.randn(2, 2, 3, 7, 8, dtype=torch.float64)
    down, up = torch.randn(4, 3, 2, 5, dtype=torch.float64), torch.randn(6, 40, 2, 5, dtype=torch.float64)
    bias = torch.randn(40, dtype=torch.float64)
    expected = F.conv2d(F.pad(signal, (2, 2, 1, 0)), down, bias[:4], stride=(1, 2))
    torch.testing.assert_close(halve(signal, down, bias[:4]), expected)
    joined = torch.cat((signal, skip), 1)
    for narrow in (40, 4):  # the ways of many and of few channels
        whole = F.conv_transpose2d(joined, up[:, :narrow], bias[:narrow], (1, 2), (0, 2), output_padding=(0, 1))
        torch.testing.assert_close(double((signal, skip), up[:, :narrow], bias[:narrow]), whole[:, :, 1:])
        causal = double((signal, skip), up[:, :narrow], bias[:narrow], is_causal=True)
        torch.testing.assert_close(causal, whole[:, :, :-1])
