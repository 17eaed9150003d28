"""DTLN, the dual-signal transformation LSTM network, on whole batches of utterances."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.signal.overlap_add import overlap_add

BLOCK_SAMPLES = 512
SHIFT_SAMPLES = 128
NUM_BINS = BLOCK_SAMPLES // 2 + 1
_LEAD_SAMPLES = BLOCK_SAMPLES - SHIFT_SAMPLES


class DTLN(nn.Module):
    """Two masks in a row on blocks of 512 samples every 128 (Westhausen and Meyer, Interspeech 2020).

    Stage 1 masks the magnitudes of a block's FFT, its phase kept; stage 2 masks the block in a learned basis
    of 256 functions; the blocks are overlapped and added. Blocks depend on earlier blocks through the LSTMs
    alone, so all blocks of all utterances pass through each layer at once.
    """

    def __init__(self, units: int = 128, num_features: int = 256) -> None:
        super().__init__()
        self.spectral = Mask(NUM_BINS, units)
        self.encoder = nn.Linear(BLOCK_SAMPLES, num_features, bias=False)
        self.norm = nn.LayerNorm(num_features, eps=1e-7)
        self.temporal = Mask(num_features, units)
        self.decoder = nn.Linear(num_features, BLOCK_SAMPLES, bias=False)

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz, without delay; looks up to 511 samples ahead."""
        spectrum = torch.fft.rfft(blocks(noisy))
        first = torch.fft.irfft(spectrum * self.spectral(spectrum.abs()))
        features = self.encoder(first)
        second = self.decoder(features * self.temporal(self.norm(features)))
        return overlap_add(second, SHIFT_SAMPLES)[:, _LEAD_SAMPLES : _LEAD_SAMPLES + noisy.shape[-1]]


class Mask(nn.Module):
    """Two LSTM layers, a dense layer and a sigmoid: (batch, block, feature) to a mask of that shape."""

    def __init__(self, num_features: int, units: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(num_features, units, num_layers=2, batch_first=True)
        self.dense = nn.Linear(units, num_features)

    def forward(self, features: Tensor) -> Tensor:
        """Mask (batch, block, feature) between 0 and 1."""
        mask: Tensor = torch.sigmoid(self.dense(self.lstm(features)[0]))
        return mask


def blocks(signal: Tensor) -> Tensor:
    """Cut (batch, time) into (batch, block, 512): each sample lies in four blocks, zeros around the signal."""
    trail = _LEAD_SAMPLES + -signal.shape[-1] % SHIFT_SAMPLES
    return F.pad(signal, (_LEAD_SAMPLES, trail)).unfold(-1, BLOCK_SAMPLES, SHIFT_SAMPLES)
