import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.models.complexity import complexity
from dfkd_core.models.dccrn import DCCRN, DCCRNConfig


@pytest.mark.parametrize(
    ("width", "params", "giga_macs"),
    [(1, 3.671e6, 8.79), (0.5, 0.921e6, 2.28), (0.25, 0.232e6, 0.644), (0.125, 0.0586e6, 0.234)],
)
def test_sizes_are_the_published_ones_within_two_percent(width, params, giga_macs):
    sizes = complexity(DCCRN(DCCRNConfig(width=width)))
    assert sizes.params == pytest.approx(params, rel=0.02)
    assert sizes.macs_per_s / 1e9 == pytest.approx(giga_macs, rel=0.02)


def test_mask_is_that_of_mode_e():
    """|S| = tanh(|M|) |X|, angle(S) = angle(X) + angle(M), no DC."""
    model = DCCRN(DCCRNConfig(width=0.0625, n_fft=64, window_samples=50, hop_samples=25, num_layers=2)).eval()
    spectrum = torch.randn(2, 2, 5, 33)
    noisy = torch.complex(*spectrum[..., 1:].unbind(1))
    mask = torch.complex(*model.mask(spectrum[..., 1:]).unbind(1)) * 40
    model.mask = lambda _: torch.stack((mask.real, mask.imag), 1)
    estimate = torch.complex(*model.enhance(spectrum).unbind(1))
    expected = torch.polar(torch.tanh(mask.abs()) * noisy.abs(), noisy.angle() + mask.angle())
    assert estimate[..., 0].abs().max() == 0
    torch.testing.assert_close(estimate[..., 1:], expected, atol=1e-5, rtol=1e-5)


def test_estimate_never_exceeds_the_noisy_spectrum():
    model = DCCRN(DCCRNConfig(width=0.0625)).eval()
    spectrum = torch.randn(1, 2, 6, 257)
    assert (model.enhance(spectrum).norm(dim=1) <= spectrum.norm(dim=1) + 1e-6).all()


def test_depth_and_framing_are_fields():
    shallow = DCCRN(DCCRNConfig(width=0.125, num_layers=4, n_fft=256, window_samples=256, hop_samples=64))
    assert shallow(torch.randn(1, 777)).shape == (1, 777)
    assert shallow.look_ahead_samples == 4 * 64 + 254


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0.01}, "at least one complex channel .* got 0.01; the nearest widths that work are 0.03125"),
        ({"num_layers": 9}, "num_layers halves n_fft / 2 .* use at most 8"),
        ({"kernel_freq": 4}, "kernel_freq must be odd, but got 4; use 5"),
        ({"hop_samples": 300}, "hop_samples must be in 1..window_samples/2"),
    ],
)
def test_fields_that_leave_no_network_are_refused_with_a_remedy(fields, words):
    with pytest.raises(ConfigError, match=words):
        DCCRNConfig.parse({"model": "dccrn", **fields})


def test_fields_that_came_later_change_no_hash_at_their_defaults():
    older = {"model", "width", "num_layers", "channels", "kernel_freq", "kernel_time", "lstm_units", "lstm_layers"}
    framing = {"n_fft", "window_samples", "hop_samples"}
    assert set(DCCRNConfig().model_dump(mode="json")) == older | framing
    assert DCCRNConfig(causal=True, window="hann_sqrt").model_dump(mode="json")["window"] == "hann_sqrt"


def test_a_causal_one_has_the_parameters_of_the_other_and_waits_for_its_frame_alone():
    model, causal = DCCRN(DCCRNConfig(width=0.0625)), DCCRN(DCCRNConfig(width=0.0625, causal=True))
    assert model.state_dict().keys() == causal.state_dict().keys()
    assert (model.latency_samples, causal.latency_samples) == (400 + 6 * 100, 400)
    assert causal.state_bytes < model.state_bytes
