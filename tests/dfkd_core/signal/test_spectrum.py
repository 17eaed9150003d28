import pytest
import torch

from dfkd_core.signal.spectrum import EPS, Spectrum, shared_spectra
from dfkd_core.signal.stft import DISTILLATION_FRAMING, Framing


def noise(samples=2000):
    return torch.randn(2, samples, generator=torch.Generator().manual_seed(0))


def test_a_spectrum_is_the_distillation_stft_frame_by_frame():
    spectrum = Spectrum.of(noise())
    torch.testing.assert_close(
        torch.complex(spectrum.real, spectrum.imag), DISTILLATION_FRAMING.stft(noise()).transpose(1, 2)
    )


def test_dot_is_the_real_part_of_the_conjugate_product():
    one, two = Spectrum.of(noise()), Spectrum.of(noise().flip(-1))
    x, y = torch.complex(one.real, one.imag), torch.complex(two.real, two.imag)
    torch.testing.assert_close(one.dot(two), (x * y.conj()).real)
    torch.testing.assert_close(one.minus(two).power, (x - y).abs().square())


@pytest.mark.parametrize("exponent", [0.3, 0.7, 1.0])
def test_compression_raises_the_magnitude_to_a_power_and_keeps_the_phase(exponent):
    plain, compressed = Spectrum.of(noise()), Spectrum.of(noise()).compressed(exponent)
    x, c = (torch.complex(s.real, s.imag) for s in (plain, compressed))
    torch.testing.assert_close(c.abs(), x.abs() ** exponent, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close((x * c.conj()).imag, torch.zeros_like(x.real), rtol=0, atol=1e-3)
    torch.testing.assert_close(plain.compressed_magnitude(exponent), x.abs() ** exponent, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("read", ["magnitude", "log_power", "power"])
def test_gradients_are_finite_on_silence(read):
    silence = torch.zeros(1, 1000, requires_grad=True)
    getattr(Spectrum.of(silence), read).sum().backward()
    assert silence.grad.isfinite().all()


def test_the_gradient_of_compression_is_finite_on_silence():
    silence = torch.zeros(1, 1000, requires_grad=True)
    compressed = Spectrum.of(silence).compressed(0.3)
    (compressed.real + compressed.imag).sum().backward()
    assert silence.grad.isfinite().all()
    assert EPS >= 1e-6


def test_half_precision_is_widened():
    assert Spectrum.of(noise().bfloat16()).real.dtype == torch.float32


def test_inside_shared_spectra_a_signal_is_transformed_once_per_framing_and_outside_each_time():
    signal, other = noise(), noise()
    with shared_spectra():
        first = Spectrum.of(signal)
        assert Spectrum.of(signal) is first
        assert Spectrum.of(other) is not first
        assert Spectrum.of(signal, Framing(256, 256, 64)) is not first
    assert Spectrum.of(signal) is not first
    with shared_spectra():
        assert Spectrum.of(signal) is not first
