import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.signal.stft import DISTILLATION_FRAMING, Framing

FRAMINGS = [
    Framing(512, 400, 100),
    Framing(512, 512, 128),
    Framing(320, 319, 80),
    Framing(512, 512, 256, window_shape="root_hann", ends="mirrored"),
]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("length", [1, 2, 99, 100, 256, 257, 4001])
def test_round_trip_returns_the_signal_at_any_length(framing, length):
    signal = torch.randn(2, length, dtype=torch.float64)
    spectrum = framing.stft(signal)
    assert spectrum.shape == (2, framing.num_bins, framing.num_frames(length))
    torch.testing.assert_close(framing.istft(spectrum, length), signal)


def test_spectrum_is_the_plain_windowed_sum():
    """X[f, k] = sum_n w[n] x[k hop + n - n_fft/2] exp(-2 pi i f n / n_fft), the window in the frame's middle."""
    framing = Framing(n_fft=16, window_samples=12, hop_samples=4)
    signal = torch.randn(1, 40, dtype=torch.float64)
    window = torch.nn.functional.pad(framing.window(signal), (2, 2))
    padded = torch.nn.functional.pad(signal, (8, 8))
    n = torch.arange(16, dtype=torch.float64)
    basis = torch.exp(-2j * torch.pi * torch.outer(torch.arange(9, dtype=torch.float64), n) / 16)
    frames = torch.stack([padded[0, 4 * k : 4 * k + 16] for k in range(11)], dim=1)
    expected = basis @ (window[:, None] * frames).to(basis.dtype)
    torch.testing.assert_close(framing.stft(signal)[0], expected)


@pytest.mark.parametrize("framing", [*FRAMINGS[:2], FRAMINGS[3]])
def test_look_ahead_is_what_a_perturbation_shows(framing):
    torch.manual_seed(0)
    seen = 0
    for start in range(2000, 2000 + framing.hop_samples):
        signal = torch.zeros(1, 4000, dtype=torch.float64)
        signal[0, start:] = 1e3 * torch.randn(4000 - start, dtype=torch.float64)
        spectrum = framing.stft(signal)
        filtered = framing.istft(spectrum * torch.randn(framing.num_bins, 1, dtype=torch.float64), 4000)
        seen = max(seen, start - int((filtered[0].abs() > 1e-9).nonzero()[0]))
    assert seen == framing.look_ahead_samples


@pytest.mark.parametrize("length", [257, 4001])
def test_root_window_and_mirrored_ends_are_those_of_torchs_default(length):
    framing, signal = FRAMINGS[3], torch.randn(2, length, dtype=torch.float64)
    window = torch.hann_window(512, dtype=torch.float64).sqrt()
    torch.testing.assert_close(framing.stft(signal), torch.stft(signal, 512, 256, window=window, return_complex=True))


def test_distillation_framing_is_hann_512_hop_128_with_257_bins():
    assert (DISTILLATION_FRAMING.num_bins, DISTILLATION_FRAMING.num_frames(16000)) == (257, 126)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n_fft": 511}, "n_fft must be even"),
        ({"window_samples": 600}, "window_samples must be in 2..n_fft"),
        ({"hop_samples": 400}, "hop_samples must be in 1..window_samples/2"),
    ],
)
def test_framing_that_cannot_be_inverted_is_refused(fields, words):
    with pytest.raises(ConfigError, match=words):
        Framing(**fields)
