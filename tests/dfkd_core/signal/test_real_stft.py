import pytest
import torch

from dfkd_core.signal.real_stft import real_stft
from dfkd_core.signal.stft import Framing

FRAMINGS = [Framing(512, 512, 128), Framing(512, 400, 100), Framing(64, 50, 7)]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("samples", [1, 63, 500, 1000, 1023])
def test_values_and_gradients_are_those_of_the_complex_transform(framing, samples):
    signal = torch.randn(2, samples, dtype=torch.float64, requires_grad=True)
    real, imag = real_stft(signal, framing)
    spectrum = framing.stft(signal).transpose(1, 2)
    torch.testing.assert_close(torch.complex(real, imag), spectrum)
    slopes = torch.randn_like(real), torch.randn_like(imag)
    (ours,) = torch.autograd.grad((real, imag), signal, slopes)
    (theirs,) = torch.autograd.grad((spectrum.real, spectrum.imag), signal, slopes)
    torch.testing.assert_close(ours, theirs)


def test_the_bins_of_a_frame_lie_beside_each_other():
    real, imag = real_stft(torch.randn(2, 1000), FRAMINGS[0])
    assert real.shape == (2, 8, 257)
    assert real.is_contiguous()
    assert imag.is_contiguous()


def test_signals_without_gradient_pass_too():
    assert not real_stft(torch.randn(1, 600), FRAMINGS[0])[0].requires_grad
