"""The supervised terms: what each measures, and that none breaks on silence."""

import pytest
import torch

from dfkd_core.losses import TERMS
from dfkd_core.losses.si_sdr import si_sdr_db
from dfkd_core.losses.supervised import LossConfig


def noise(seed, batch=2, samples=4000):
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(seed))


CLEAN, NOISE = noise(0), noise(1)
SILENCE = torch.zeros_like(CLEAN)


@pytest.fixture(params=TERMS)
def term(request):
    return TERMS[request.param]


def test_the_table_and_the_config_name_the_same_terms():
    assert set(TERMS) == set(LossConfig.model_fields)


def test_a_term_is_a_finite_scalar_that_falls_as_the_estimate_comes_nearer(term):
    far, near = (term(CLEAN + share * NOISE, CLEAN) for share in (1.0, 0.1))
    assert far.shape == ()
    assert near < far


@pytest.mark.parametrize("estimate", [SILENCE, NOISE])
@pytest.mark.parametrize("clean", [SILENCE, CLEAN])
def test_value_and_gradient_are_finite_on_silence(term, estimate, clean):
    estimate = estimate.clone().requires_grad_()
    value = term(estimate, clean)
    value.backward()
    assert value.isfinite()
    assert estimate.grad.isfinite().all()


def test_clean_speech_itself_has_a_finite_gradient(term):
    estimate = CLEAN.clone().requires_grad_()
    term(estimate, CLEAN).backward()
    assert estimate.grad.isfinite().all()


@pytest.mark.parametrize("samples", [1, 100])
def test_clips_shorter_than_a_window_are_allowed(term, samples):
    assert term(NOISE[:, :samples], CLEAN[:, :samples]).isfinite()


def test_bfloat16_estimates_are_widened(term):
    estimate = (CLEAN + NOISE).bfloat16()
    assert torch.equal(term(estimate, CLEAN), term(estimate.float(), CLEAN))


@pytest.mark.parametrize("gain_db", [-6.0, -20.0])
def test_snr_holds_the_estimate_to_the_right_gain_and_si_sdr_does_not(gain_db):
    """A pure gain g leaves an SNR of -20 log10 |1 - g| and an SI-SDR without bound."""
    gain = 10.0 ** (gain_db / 20.0)
    expected_db = -20.0 * torch.log10(torch.tensor(1.0 - gain)).item()
    assert TERMS["snr"](gain * CLEAN, CLEAN).item() == pytest.approx(-expected_db, abs=1e-2)
    assert TERMS["si_sdr"](gain * CLEAN, CLEAN).item() < -35.0


def test_snr_of_an_added_error_is_the_ratio_of_energies():
    error = 0.1 * CLEAN.flip(-1)
    assert TERMS["snr"](CLEAN + error, CLEAN).item() == pytest.approx(-20.0, abs=1e-2)


def test_si_sdr_is_the_ratio_of_projection_and_rest():
    """s = y + r with r at right angles to y: SI-SDR is 10 log10(|y|^2 / |r|^2) at every gain."""
    rest = NOISE - (NOISE * CLEAN).sum(-1, keepdim=True) / CLEAN.square().sum(-1, keepdim=True) * CLEAN
    expected = 10.0 * torch.log10(CLEAN.square().sum(-1) / rest.square().sum(-1))
    for gain in (0.5, 1.0, 3.0):
        torch.testing.assert_close(si_sdr_db(gain * (CLEAN + rest), CLEAN), expected, atol=1e-2, rtol=0)


def test_compressed_spectrum_is_its_formula():
    spectra = [
        torch.stft(x, 512, 128, window=torch.hann_window(512), pad_mode="constant", return_complex=True)
        for x in (NOISE, CLEAN)
    ]
    student, target = (x.abs() ** 0.3 * torch.exp(1j * x.angle()) for x in spectra)
    expected = 0.7 * (student.abs() - target.abs()).square().mean() + 0.3 * (student - target).abs().square().mean()
    torch.testing.assert_close(TERMS["compressed_spectrum"](NOISE, CLEAN), expected, rtol=1e-3, atol=1e-5)


def test_multi_resolution_stft_is_the_mean_over_its_resolutions():
    expected = []
    for n in (512, 1024, 2048):
        student, target = (
            torch.stft(x, n, n // 4, window=torch.hann_window(n), pad_mode="constant", return_complex=True).abs()
            for x in (NOISE, CLEAN)
        )
        convergence = (target - student).norm(dim=(1, 2)) / target.norm(dim=(1, 2))
        expected.append(convergence.mean() + (target.log() - student.log()).abs().mean())
    value = TERMS["multi_resolution_stft"](NOISE, CLEAN)
    torch.testing.assert_close(value, torch.stack(expected).mean(), rtol=1e-3, atol=1e-4)


def test_spectral_terms_vanish_at_clean_speech():
    for name in ("multi_resolution_stft", "compressed_spectrum"):
        assert TERMS[name](CLEAN, CLEAN).item() == pytest.approx(0.0, abs=1e-6)
