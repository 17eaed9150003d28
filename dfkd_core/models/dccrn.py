"""DCCRN: deep complex convolution recurrent network (Hu et al., Interspeech 2020, arXiv 2008.00264), DCCRN-CL."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.errors import ConfigError
from dfkd_core.models.base import FLOAT_BYTES, Student, StudentBase
from dfkd_core.models.channels import WHOLE, Axis, Channels
from dfkd_core.models.complex_layers import ComplexConv2d, ComplexConvTranspose2d, ComplexLSTM
from dfkd_core.models.prelu import PReLU
from dfkd_core.models.widths import LayerSize, Width, check_width, scaled
from dfkd_core.signal.stft import Framing

# Under the square root of |M|^2: without it the padded DC bin and silence have no finite gradient.
MASK_EPSILON = 1.0e-6


class DCCRNConfig(StudentBase):
    """Channels count real and imaginary parts; width scales them and the LSTM units.

    Encoder layer i has channels[i] * width channels, the last entry serving every deeper layer.
    """

    model: Literal["dccrn"] = "dccrn"
    width: Width = 0.25
    num_layers: Annotated[int, Field(ge=1, le=10)] = 6
    channels: Annotated[tuple[LayerSize, ...], Field(min_length=1)] = (32, 64, 128, 256, 256, 256)
    kernel_freq: LayerSize = 5
    kernel_time: LayerSize = 2
    lstm_units: LayerSize = 256
    lstm_layers: LayerSize = 2
    n_fft: LayerSize = 512
    window_samples: LayerSize = 400
    hop_samples: LayerSize = 100
    # These two came later: at their defaults no dump names them, so that the hashes of older configs hold.
    causal: Annotated[bool, Field(exclude_if=lambda value: value is False)] = False
    window: Annotated[Literal["hann", "hann_sqrt"], Field(exclude_if=lambda value: value == "hann")] = "hann"

    @property
    def framing(self) -> Framing:
        """The STFT that the network works in."""
        shape: Literal["hann", "root_hann"] = "root_hann" if self.window == "hann_sqrt" else "hann"
        return Framing(self.n_fft, self.window_samples, self.hop_samples, shape)

    def scaled_channels(self, width: float) -> list[int]:
        """Complex channels of each encoder layer at a width."""
        deepest = len(self.channels) - 1
        return [scaled(self.channels[min(i, deepest)], width, 2) // 2 for i in range(self.num_layers)]

    def scaled_units(self, width: float) -> int:
        """Complex LSTM units at a width."""
        return scaled(self.lstm_units, width, 2) // 2

    @model_validator(mode="after")
    def _framing_fits(self) -> Self:
        try:
            self.framing  # noqa: B018 - its constructor holds the rules
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if self.kernel_freq % 2 == 0:
            raise ValueError(f"kernel_freq must be odd, but got {self.kernel_freq}; use {self.kernel_freq + 1}")
        bins = self.n_fft // 2
        if bins % 2**self.num_layers:
            most = (bins & -bins).bit_length() - 1  # how often they can be halved
            remedy = f"use at most {most}" if most else f"use an n_fft that {2 ** (self.num_layers + 1)} divides"
            raise ValueError(
                "num_layers halves n_fft / 2 bins as often and must leave a whole number, "
                f"but got {self.num_layers} with n_fft {self.n_fft}; {remedy}"
            )
        return self

    @model_validator(mode="after")
    def _width_keeps_every_layer(self) -> Self:
        check_width(
            self.width,
            units=min(*self.channels, self.lstm_units),
            rule="leave at least one complex channel in every layer",
            works=lambda width: min(*self.scaled_channels(width), self.scaled_units(width)) > 0,
        )
        return self


class DCCRN(Student):
    """Complex encoder, complex LSTM, complex decoder with skips; a bounded complex mask (mode E) on the spectrum.

        S = tanh(|M|) / |M| * M X,   |M| = sqrt(M_r^2 + M_i^2 + eps)

    with X the noisy spectrum without its DC bin (the estimate has none). "CL" means complex LSTM, not causal: every
    decoder layer looks (kernel_time - 1) frames ahead, beside the STFT's own look-ahead. Six layers: 62.4 ms. With
    `causal` the decoder's kernels see past frames instead, and the STFT's look-ahead is all there is.
    """

    Config = DCCRNConfig
    framing: Framing
    resizable = frozenset({"width", "channels", "lstm_units"})

    def __init__(self, config: DCCRNConfig) -> None:
        super().__init__()
        self.config = config
        self.framing = config.framing
        kernel = (config.kernel_time, config.kernel_freq)
        channels = [1, *config.scaled_channels(config.width)]
        self.encoder = nn.ModuleList(_Encoder(a, b, kernel) for a, b in pairwise(channels))
        deepest_bins = config.n_fft // 2 >> config.num_layers
        self.recurrence = _Recurrence(
            channels[-1] * deepest_bins, config.scaled_units(config.width), config.lstm_layers
        )
        reverse = channels[::-1]
        hidden = [_Decoder(a, b, kernel, config.causal) for a, b in pairwise(reverse[:-1])]
        last = ComplexConvTranspose2d(2 * reverse[-2], reverse[-1], kernel, is_causal=config.causal)
        self.decoder = nn.ModuleList([*hidden, last])

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate (batch, time) of the clean speech in `noisy` (batch, time)."""
        spectrum = torch.view_as_real(self.framing.stft(noisy).transpose(1, 2))
        real, imag = self.enhance(spectrum.permute(0, 3, 1, 2)).unbind(1)
        return self.framing.istft(torch.complex(real, imag).transpose(1, 2), noisy.shape[-1])

    def enhance(self, spectrum: Tensor) -> Tensor:
        """Enhanced spectrum of a noisy one, both (batch, 2, frame, freq) with real and imaginary part, DC first."""
        without_dc = spectrum[..., 1:]
        return F.pad(masked(self.mask(without_dc), without_dc), (1, 0))

    def mask(self, spectrum: Tensor) -> Tensor:
        """Unbounded complex mask of a spectrum without DC bin, both (batch, 2, frame, freq)."""
        signal: Tensor = spectrum
        skips: list[Tensor] = []
        for layer in self.encoder:
            signal = layer(signal)
            skips.append(signal)
        signal = self.recurrence(signal)
        for layer, skip in zip(self.decoder, reversed(skips), strict=True):
            signal = layer(signal, skip)
        return signal

    @property
    def look_ahead_samples(self) -> float:
        """Frames seen ahead by the decoder, and the STFT's own look-ahead."""
        return (
            self._look_ahead_frames(self.config.num_layers) * self.config.hop_samples + self.framing.look_ahead_samples
        )

    def _look_ahead_frames(self, num_decoders: int) -> int:
        return 0 if self.config.causal else num_decoders * (self.config.kernel_time - 1)

    @property
    def latency_samples(self) -> float:
        """The frame, and those that the decoder waits for."""
        config = self.config
        return config.window_samples + self._look_ahead_frames(config.num_layers) * config.hop_samples

    @property
    def state_bytes(self) -> float:
        """Past frames of every convolution, LSTM states, delayed skips and spectrum, both overlaps of the STFT."""
        config = self.config
        channels = [1, *config.scaled_channels(config.width)]
        maps = [2 * c * (config.n_fft // 2 >> i) for i, c in enumerate(channels)]
        past = config.kernel_time - 1
        encoders, decoders = past * sum(maps[:-1]), past * 2 * sum(maps[1:])
        skips = sum(self._look_ahead_frames(j) * size for j, size in enumerate(reversed(maps[1:])))
        spectrum = self._look_ahead_frames(config.num_layers) * maps[0]
        lstms = config.lstm_layers * 8 * config.scaled_units(config.width)
        overlaps = 2 * (config.window_samples - config.hop_samples)
        return FLOAT_BYTES * (encoders + decoders + skips + spectrum + lstms + overlaps)

    def channels(self) -> Channels:
        """A group for each encoder and decoder layer, for the units of each LSTM and for what they are projected to."""
        channels, config = Channels(self), self.config
        sizes, bins = config.scaled_channels(config.width), config.n_fft // 2 >> config.num_layers
        signal = WHOLE
        skips: list[Axis] = []
        for i, size in enumerate(sizes):
            signal = self._tell_layer(channels, f"encoder.{i}", signal, size)
            skips.append(signal)
        state = signal.times(bins)
        for i in range(config.lstm_layers):
            units = channels.group(f"recurrence.layers.{i}", config.scaled_units(config.width))
            for part in ("real", "imag"):
                channels.layer(f"recurrence.layers.{i}.{part}", state, units)
            channels.signal(f"recurrence.layers.{i}", units, dim=2)
            state = units
        signal = channels.group("recurrence", sizes[-1])
        for part in ("real", "imag"):
            channels.layer(f"recurrence.project_{part}", state, signal.times(bins))
        channels.signal("recurrence", signal.times(2))
        for i, size in enumerate(sizes[-2::-1]):
            signal = self._tell_layer(channels, f"decoder.{i}", signal + skips[-1 - i], size)
        channels.layer(f"decoder.{len(sizes) - 1}", signal + skips[0])
        return channels

    @staticmethod
    def _tell_layer(channels: Channels, name: str, reads: Axis, size: int) -> Axis:
        """An encoder or decoder layer, whose norm and signal hold both parts of every channel."""
        own = channels.group(name, size)
        channels.layer(f"{name}.convolution", reads, own)
        channels.layer(f"{name}.norm", writes=own.times(2))
        channels.signal(name, own.times(2))
        return own

    def macs(self, num_samples: int) -> int:
        """Multiply-adds: four real products per complex one, of convolutions, LSTMs, projections, and the STFT."""
        config = self.config
        channels, units = [1, *config.scaled_channels(config.width)], config.scaled_units(config.width)
        taps = config.kernel_time * config.kernel_freq
        bins = [config.n_fft // 2 >> i for i in range(1, config.num_layers + 1)]
        # Encoder and decoder do the same products per pair of layers, the decoder twice as many: signal and skip.
        convolutions = sum(3 * 4 * a * b * taps * n for (a, b), n in zip(pairwise(channels), bins, strict=True))
        sizes = [channels[-1] * bins[-1], *[units] * config.lstm_layers]
        lstms = sum(4 * 4 * units * (size + units) for size in sizes[:-1])
        per_frame = convolutions + lstms + 2 * units * sizes[0]
        return per_frame * self.framing.num_frames(num_samples) + self.extra_macs(num_samples)

    def extra_macs(self, num_samples: int) -> int:
        """The STFT and its inverse, counted as the convolutions that they replace."""
        return self.framing.convolution_macs(num_samples)


def masked(mask: Tensor, spectrum: Tensor) -> Tensor:
    """Mode E: a spectrum times its bounded mask; (batch, 2, frame, freq) with real and imaginary part, all three."""
    real, imag = spectrum.contiguous().unbind(1)
    mask_real, mask_imag = mask.contiguous().unbind(1)
    size = torch.sqrt(mask_real.square() + mask_imag.square() + MASK_EPSILON)
    gain = torch.tanh(size) / size
    product = (mask_real * real - mask_imag * imag, mask_real * imag + mask_imag * real)
    return torch.stack([gain * part for part in product], dim=1)


class _Encoder(nn.Module):
    """Complex convolution, batch norm over the stacked parts, PReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.convolution = ComplexConv2d(in_channels, out_channels, kernel)
        self.norm = nn.BatchNorm2d(2 * out_channels)
        self.activation = PReLU(in_place=True)

    def forward(self, signal: Tensor) -> Tensor:
        activated: Tensor = self.activation(self.norm(self.convolution(signal)))
        return activated


class _Decoder(nn.Module):
    """Transposed complex convolution of signal and skip, batch norm over the stacked parts, PReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int], is_causal: bool) -> None:
        super().__init__()
        self.convolution = ComplexConvTranspose2d(2 * in_channels, out_channels, kernel, is_causal=is_causal)
        self.norm = nn.BatchNorm2d(2 * out_channels)
        self.activation = PReLU(in_place=True)

    def forward(self, signal: Tensor, skip: Tensor) -> Tensor:
        activated: Tensor = self.activation(self.norm(self.convolution(signal, skip)))
        return activated


class _Recurrence(nn.Module):
    """Complex LSTM layers over the frames, each frame's channels and bins one vector, and a projection per part."""

    def __init__(self, features: int, units: int, num_layers: int) -> None:
        super().__init__()
        sizes = [features, *[units] * num_layers]
        self.layers = nn.ModuleList(ComplexLSTM(a, b) for a, b in pairwise(sizes))
        self.project_real = nn.Linear(units, features)
        self.project_imag = nn.Linear(units, features)

    def forward(self, signal: Tensor) -> Tensor:
        """Feature maps (batch, channel, frame, freq) to the same shape."""
        return self.through(signal, lambda layer, state: layer(state))

    def through(self, signal: Tensor, run: Callable[[ComplexLSTM, Tensor], Tensor]) -> Tensor:
        """As `forward`, each layer run on (frame, 2 batch, feature) as `run` says: whole, or with states kept."""
        batch, channels, frames, bins = signal.shape
        stacked = signal.view(batch, 2, channels // 2, frames, bins)
        parts = stacked.permute(3, 1, 0, 4, 2)  # (frame, part, batch, freq, channel)
        state = parts.reshape(frames, 2 * batch, bins * channels // 2)
        for layer in self.layers:
            assert isinstance(layer, ComplexLSTM)  # noqa: S101 - what a ModuleList does not tell
            state = run(layer, state)
        real, imag = state.chunk(2, dim=1)
        projected = torch.stack((self.project_real(real), self.project_imag(imag)), dim=2)
        maps = projected.view(frames, batch, 2, bins, channels // 2)
        return maps.permute(1, 2, 4, 0, 3).flatten(1, 2)
