"""The PESQ term follows the package `pesq`, and shares its invariances."""

import os

import numpy as np
import pesq as reference
import pytest
import torch

from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.mixtures import validation_list
from dfkd_core.losses.bark import BANK, FRAMING, THRESHOLD, WIDTH, bark_powers, loudness
from dfkd_core.losses.pesq import pesq
from dfkd_core.scoring.evaluation import evaluate_noisy

SNRS_DB = (0, 5, 10, 15, 20)


@pytest.fixture(scope="module")
def voice():
    """Three seconds of something like speech: harmonics under a moving envelope, with pauses."""
    rng = np.random.default_rng(0)
    time = np.arange(48000) / 16000
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    envelopes = np.abs(np.sin(2 * np.pi * (1.5 + rng.random((30, 1))) * time + 6.3 * rng.random((30, 1))))
    voiced = sum(e * np.sin(k * phase) / k for k, e in enumerate(envelopes, 1))
    loud = 0.1 * voiced * (np.sin(2 * np.pi * 0.8 * time) > -0.4)
    return torch.tensor(loud, dtype=torch.float32)[None]


def mixed(voice, snr_db, seed=1):
    noise = torch.randn(voice.shape, generator=torch.Generator().manual_seed(seed))
    return voice + noise * (voice.square().mean() / noise.square().mean() / 10 ** (snr_db / 10)).sqrt()


def as_mos(lost):
    """P.862.2's mapping of a raw score, 4.5 less what was lost, to MOS-LQO."""
    return 0.999 + 4.0 / (1.0 + np.exp(-1.3669 * (4.5 - lost) + 3.8224))


def test_points_lost_are_those_of_the_package(voice):
    for snr_db in SNRS_DB:
        noisy = mixed(voice, snr_db)
        expected = reference.pesq(16000, voice[0].numpy(), noisy[0].numpy(), "wb")
        assert as_mos(pesq(noisy, voice).item()) == pytest.approx(expected, abs=0.15)


@pytest.mark.skipif("DFKD_BENCH" not in os.environ, reason="DFKD_BENCH does not name the bench corpus")
def test_on_noisy_speech_it_goes_with_pesq():
    mixtures = validation_list(AudioStore.open(open_corpus(os.environ["DFKD_BENCH"])), DataConfig())
    expected = [clip.scores["pesq_wb"] for clip in evaluate_noisy(mixtures).clips]
    pairs = (map(torch.from_numpy, mixtures.batch([index])) for index in range(len(mixtures)))
    found = [as_mos(pesq(noisy, clean).item()) for noisy, clean in pairs]
    assert np.corrcoef(expected, found)[0, 1] > 0.97
    assert np.abs(np.subtract(expected, found)).mean() < 0.1


def test_more_noise_loses_more(voice):
    lost = [pesq(mixed(voice, snr_db), voice).item() for snr_db in SNRS_DB]
    assert lost == sorted(lost, reverse=True) and lost[-1] > 0.1


def test_speech_itself_and_its_gain_lose_nothing(voice):
    for gain in (1.0, 0.1, 3.0):
        assert pesq(gain * voice, voice).item() == pytest.approx(0.0, abs=1e-3)


def test_a_clip_counts_alike_alone_and_in_a_batch(voice):
    alone = [pesq(mixed(voice, snr_db), voice).item() for snr_db in (0, 20)]
    together = pesq(torch.cat([mixed(voice, snr_db) for snr_db in (0, 20)]), voice.expand(2, -1))
    assert together.item() == pytest.approx(np.mean(alone), rel=1e-4)


def test_its_gradient_leads_to_less_disturbance(voice):
    noisy = mixed(voice, 5).requires_grad_()
    before = pesq(noisy, voice)
    before.backward()
    step = 0.02 * noisy.detach().norm() * noisy.grad / noisy.grad.norm()
    assert pesq(noisy.detach() - step, voice) < before


def test_bands_share_out_the_bins_and_widen_upwards():
    assert BANK.shape == (FRAMING.num_bins, 49)
    assert ((BANK > 0).sum(1) <= 1).all()  # no bin in two bands
    assert int((BANK[1:256] > 0).sum()) == 255 and not BANK[0].any()
    assert (WIDTH[1:].diff() > 0).all() and float(WIDTH.sum()) == pytest.approx(21.34, abs=0.01)


def test_loudness_is_zero_at_the_threshold_of_hearing_and_rises():
    times = torch.tensor([0.1, 1.0, 10.0, 1e4])[:, None]
    heard = loudness(times * THRESHOLD)
    assert not heard[:2].any() and (heard[2:].diff(dim=0) > 0).all() and (heard[2] > 0).all()


def test_powers_are_levelled_for_every_clip():
    noise = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    spectra = torch.stft(noise, 512, 256, window=torch.hann_window(512), pad_mode="constant", return_complex=True)
    power = spectra.abs().square().transpose(1, 2)
    quiet = bark_powers(power * torch.tensor([1.0, 1e-4])[:, None, None])
    torch.testing.assert_close(quiet, bark_powers(power), rtol=1e-3, atol=0)
