"""The controls: output MSE, output SI-SDR, full-band cosine, none."""

import pytest
import torch

from dfkd_core.distillation import build_method


def speech(seed, samples=4000):
    return 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))


STUDENT, TEACHER, CLEAN = speech(0), speech(1), speech(2)


def loss(student=STUDENT, teacher=TEACHER, **fields):
    return build_method(**fields)(student, teacher, CLEAN)[0].item()


def test_waveform_mse_is_the_mean_squared_difference():
    expected = (STUDENT - TEACHER).square().mean().item()
    assert loss(method="output_mse") == pytest.approx(expected, rel=1e-6)


def test_stft_mse_is_blind_to_phase_and_waveform_mse_is_not():
    assert loss(-TEACHER, method="output_mse", domain="stft") == pytest.approx(0.0, abs=1e-9)
    assert loss(-TEACHER, method="output_mse") > 1e-3


def test_stft_mse_is_the_squared_difference_of_compressed_magnitudes():
    """A gain g on white noise: the mean of |T|^2c times (g^c - 1)^2."""
    plain, compressed = (loss(4.0 * TEACHER, method="output_mse", domain="stft", compression=c) for c in (1.0, 0.5))
    spectrum = torch.stft(TEACHER, 512, 128, window=torch.hann_window(512), pad_mode="constant", return_complex=True)
    assert plain == pytest.approx(9.0 * spectrum.abs().square().mean().item(), rel=1e-2)
    assert compressed == pytest.approx(1.0 * spectrum.abs().mean().item(), rel=1e-2)


def test_output_si_sdr_is_the_ratio_to_the_teacher_and_blind_to_gain():
    near = TEACHER + 0.1 * STUDENT
    assert loss(near, method="output_si_sdr") == pytest.approx(-20.0, abs=0.5)
    assert loss(0.3 * near, method="output_si_sdr") == pytest.approx(loss(near, method="output_si_sdr"), abs=2e-2)


def test_the_full_band_cosine_is_blind_to_gain_and_reaches_two_for_the_opposite():
    assert loss(5.0 * TEACHER, method="full_band_cosine") == pytest.approx(0.0, abs=1e-4)
    assert loss(-TEACHER, method="full_band_cosine") == pytest.approx(2.0, abs=1e-4)


def test_none_is_zero_without_gradient_and_tells_nothing():
    value, told = build_method(method="none")(STUDENT.clone().requires_grad_(), None, CLEAN)
    assert (value.item(), value.requires_grad, told) == (0.0, False, {})
