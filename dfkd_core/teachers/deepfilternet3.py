"""The public DeepFilterNet3 model as a teacher."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dfkd_core.base.atomic_files import sha256_file
from dfkd_core.base.onnx_session import open_session
from dfkd_core.errors import ConfigError
from dfkd_core.teachers.base import Listed, Signal, Waveforms, enhanced_at
from dfkd_core.teachers.half_overlap import FrameSpectra, HalfOverlap, vorbis

FILE = "DeepFilterNet3_onnx.tar.gz"
GRAPHS = ("enc", "erb_dec", "df_dec")
RATE_HZ = 48_000
FRAMES = HalfOverlap(vorbis(960))
NUM_BANDS, NUM_FILTERED = 32, 96  # of 481 bins, the first 96 are filtered
ORDER, LOOK_AHEAD = 5, 2  # taps, and how many of them lie ahead
DECAY = 0.99  # of running means, per frame of 10 ms
_MIN_BINS = 2  # in a band

Features = NDArray[np.float32]


class DeepFilterNet3Teacher:
    """DeepFilterNet3 with its published weights (MIT or Apache-2.0), 2.1 M parameters (Schröter et al., 2023).

    It works at 48 kHz: the signal is resampled there and back. A mask on 32 bands, and below 4.8 kHz a complex filter
    of five frames instead; features and filters look two frames of 10 ms ahead. The graphs see whole utterances, so
    that no delay is left. Every frame is processed; the published runtime spares itself frames without noise.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.name = "deepfilternet3"

    @cached_property
    def sha256(self) -> str:
        """Hash of the graphs and of how they are run."""
        return hashlib.sha256(f"{sha256_file(self.path)} 1".encode()).hexdigest()

    @cached_property
    def sessions(self) -> dict[str, Any]:
        """The runtime sessions of encoder and both decoders, opened on first use; ConfigError when one is missing."""
        try:  # read without unpacking the archive
            with tarfile.open(fileobj=io.BytesIO(self.path.read_bytes())) as archive:
                members = {Path(member.name).stem: archive.extractfile(member) for member in archive if member.isfile()}
                graphs = {name: member.read() for name in GRAPHS if (member := members[name]) is not None}
        except (OSError, tarfile.TarError, KeyError) as error:
            raise ConfigError(f"must hold {', '.join(GRAPHS)}, but {error}", file=self.path) from error
        return {name: open_session(content, self.path) for name, content in graphs.items()}

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        return enhanced_at(RATE_HZ, self._enhanced, noisy)

    def _enhanced(self, signal: Signal) -> Signal:
        # what lies ahead of the last frame is silence, not nothing
        padded = np.pad(signal, (0, LOOK_AHEAD * FRAMES.hop))
        spectra = FRAMES.spectra(padded)
        # the published transform divides by the frame's length
        scaled = spectra / np.float32(2 * FRAMES.hop)
        bands, bins = _ahead(band_features(scaled)), _ahead(bin_features(scaled[:, :NUM_FILTERED]))
        planes = np.stack([bins.real, bins.imag])[None]
        encoded = _run(self.sessions["enc"], {"feat_erb": bands[None, None], "feat_spec": planes})
        mask = _run(self.sessions["erb_dec"], encoded)["m"][0, 0]  # (frame, band)
        planes = _run(self.sessions["df_dec"], encoded)["coefs"].reshape(len(spectra), NUM_FILTERED, ORDER, 2)
        taps = planes[..., 0] + 1j * planes[..., 1]  # (frame, bin, tap)
        enhanced = spectra * (mask @ band_matrix())
        enhanced[:, :NUM_FILTERED] = filtered(spectra[:, :NUM_FILTERED], taps)
        return FRAMES.signal(enhanced, len(signal))


def band_features(spectra: FrameSpectra) -> Features:
    """Band energies in dB around their running mean, over 40 dB: (frame, band) of (frame, bin)."""
    fractions = band_matrix() / band_matrix().sum(axis=1, keepdims=True)
    energy_db = 10 * np.log10(np.square(np.abs(spectra)) @ fractions.T + 1e-10)
    features: Features = (energy_db - running_mean(energy_db, np.linspace(-60, -90, NUM_BANDS))).astype(np.float32) / 40
    return features


def bin_features(spectra: FrameSpectra) -> FrameSpectra:
    """Bins over the root of the running mean of their amplitudes: (frame, bin) of (frame, bin)."""
    mean = running_mean(np.abs(spectra), np.linspace(1e-3, 1e-4, NUM_FILTERED))
    normed: FrameSpectra = (spectra / np.sqrt(mean)).astype(np.complex64)
    return normed


def running_mean(values: NDArray[np.floating], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponential mean over the frames of (frame, feature), each frame included, from `start` (feature,)."""
    means, state = np.empty(values.shape), start
    for index, row in enumerate(values):
        state = DECAY * state + (1 - DECAY) * row
        means[index] = state
    return means


def filtered(spectra: FrameSpectra, taps: FrameSpectra) -> FrameSpectra:
    """sum_k taps[t, f, k] spectra[t + k - 2, f]: (frame, bin) of (frame, bin) and (frame, bin, tap)."""
    padded = np.pad(spectra, ((ORDER - 1 - LOOK_AHEAD, LOOK_AHEAD), (0, 0)))
    out: FrameSpectra = np.einsum("tfk,tfk->tf", sliding_window_view(padded, ORDER, axis=0), taps)
    return out


def band_matrix() -> Features:
    """Which of 481 bins make up which of 32 bands, (band, bin): equal steps on the ERB scale, two bins or more."""
    per_bin, scale = RATE_HZ / 2 / FRAMES.hop, 9.265
    top = scale * np.log1p(RATE_HZ / 2 / (24.7 * scale))
    edges_hz = 24.7 * scale * np.expm1(top * np.arange(1, NUM_BANDS + 1) / NUM_BANDS / scale)
    edges = np.floor(edges_hz / per_bin + 0.5).astype(int)
    matrix, first, owed = np.zeros((NUM_BANDS, FRAMES.hop + 1), np.float32), 0, 0
    for band, (before, edge) in enumerate(zip([0, *edges[:-1].tolist()], edges.tolist(), strict=True)):
        width = edge - before - owed
        owed = max(_MIN_BINS - width, 0)
        matrix[band, first : first + width + owed] = 1
        first += width + owed
    matrix[-1, first:] = 1  # the bin at half the rate
    return matrix


def _ahead(features: NDArray[Any]) -> NDArray[Any]:
    """Features (frame, feature) of the frame that lies LOOK_AHEAD further on, zero behind the end."""
    return np.pad(features[LOOK_AHEAD:], ((0, LOOK_AHEAD), (0, 0)))


def _run(session: Any, signals: dict[str, Any]) -> dict[str, Any]:
    """Outputs of a graph by name; it takes what it needs of the signals."""
    inputs = {port.name: np.ascontiguousarray(signals[port.name], np.float32) for port in session.get_inputs()}
    return dict(zip([port.name for port in session.get_outputs()], session.run(None, inputs), strict=True))
