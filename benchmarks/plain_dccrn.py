"""DCCRN-CL written down as published, layer for layer: four convolutions, four LSTMs, convolutional STFT, atan2."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.models.complex_layers import ComplexConv2d, ComplexConvTranspose2d, ComplexLSTM
from dfkd_core.models.dccrn import DCCRN
from dfkd_core.signal.stft import Framing


class ConvolutionalSTFT(nn.Module):
    """Fourier matrices as the kernels of a strided convolution, and of its transpose for the way back."""

    def __init__(self, framing: Framing) -> None:
        super().__init__()
        self.framing = framing
        window = framing.window(torch.empty(0, dtype=torch.float64))
        left = (framing.n_fft - framing.window_samples) // 2
        rows = torch.fft.rfft(torch.eye(framing.n_fft, dtype=torch.float64))[left : left + framing.window_samples].T
        kernel = torch.cat((rows.real, rows.imag))
        self.register_buffer("analysis", (kernel * window)[:, None].float())
        inverse = torch.linalg.pinv(torch.cat((self._full(framing).real, self._full(framing).imag))).T
        self.register_buffer("synthesis", (inverse[:, left : left + framing.window_samples] * window)[:, None].float())
        self.register_buffer("squares", (window**2)[None, :, None].float())
        self.register_buffer("eye", torch.eye(framing.window_samples)[:, None])

    @staticmethod
    def _full(framing: Framing) -> Tensor:
        return torch.fft.rfft(torch.eye(framing.n_fft, dtype=torch.float64)).T

    def forward(self, signal: Tensor) -> Tensor:
        half = self.framing.window_samples // 2
        return F.conv1d(F.pad(signal, (half, half))[:, None], self.analysis, stride=self.framing.hop_samples)

    def inverse(self, spectrum: Tensor, length: int) -> Tensor:
        hop, half = self.framing.hop_samples, self.framing.window_samples // 2
        signal = F.conv_transpose1d(spectrum, self.synthesis, stride=hop)
        squares = self.squares.expand(1, -1, spectrum.shape[-1])
        envelope = F.conv_transpose1d(squares, self.eye, stride=hop)
        return (signal / (envelope + 1e-8))[:, 0, half : half + length]


def complex_cat(first: Tensor, second: Tensor) -> Tensor:
    (first_real, first_imag), (second_real, second_imag) = first.chunk(2, 1), second.chunk(2, 1)
    return torch.cat((first_real, second_real, first_imag, second_imag), 1)


class FourConvolutions(nn.Module):
    """(batch, 2 in, freq, frame): W_r X_r - W_i X_i and W_r X_i + W_i X_r, each product a convolution."""

    def __init__(self, layer: ComplexConv2d) -> None:
        super().__init__()
        options = {"kernel_size": layer.kernel[::-1], "stride": (2, 1), "padding": (layer.kernel[1] // 2, 0)}
        out_channels, in_channels = layer.weight_real.shape[:2]
        self.past_frames = layer.kernel[0] - 1
        self.real, self.imag = (nn.Conv2d(in_channels, out_channels, **options) for _ in range(2))
        share(self.real, layer.weight_real, layer.bias_real)
        share(self.imag, layer.weight_imag, layer.bias_imag)

    def forward(self, signal: Tensor) -> Tensor:
        real, imag = F.pad(signal, (self.past_frames, 0)).chunk(2, 1)
        return torch.cat((self.real(real) - self.imag(imag), self.real(imag) + self.imag(real)), 1)


class FourTransposedConvolutions(nn.Module):
    """The decoder's layer; its first frames are dropped."""

    def __init__(self, layer: ComplexConvTranspose2d) -> None:
        super().__init__()
        options = {"stride": (2, 1), "padding": (layer.kernel[1] // 2, 0), "output_padding": (1, 0)}
        in_channels, out_channels = layer.weight_real.shape[:2]
        self.dropped_frames = layer.kernel[0] - 1
        kernel = layer.kernel[::-1]
        self.real, self.imag = (nn.ConvTranspose2d(in_channels, out_channels, kernel, **options) for _ in range(2))
        share(self.real, layer.weight_real, layer.bias_real)
        share(self.imag, layer.weight_imag, layer.bias_imag)

    def forward(self, signal: Tensor) -> Tensor:
        real, imag = signal.chunk(2, 1)
        output = torch.cat((self.real(real) - self.imag(imag), self.real(imag) + self.imag(real)), 1)
        return output[..., self.dropped_frames :]


class FourLSTMs(nn.Module):
    def __init__(self, layer: ComplexLSTM) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, real: Tensor, imag: Tensor) -> tuple[Tensor, Tensor]:
        real_of_real, imag_of_real = self.layer.real(real)[0], self.layer.imag(real)[0]
        real_of_imag, imag_of_imag = self.layer.real(imag)[0], self.layer.imag(imag)[0]
        return real_of_real - imag_of_imag, real_of_imag + imag_of_real


def share(target: nn.Module, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        target.weight.copy_(weight.transpose(2, 3))
        target.bias.copy_(bias)


def plain_prelu(activation: nn.PReLU) -> nn.PReLU:
    plain = nn.PReLU()
    plain.weight = activation.weight
    return plain


class PlainDCCRN(nn.Module):
    """The published network with the weights of `model`; norms, LSTMs and projections are shared objects."""

    def __init__(self, model: DCCRN) -> None:
        super().__init__()
        self.stft = ConvolutionalSTFT(model.framing)
        self.encoder = nn.ModuleList(
            nn.Sequential(FourConvolutions(e.convolution), e.norm, plain_prelu(e.activation)) for e in model.encoder
        )
        hidden = [
            nn.Sequential(FourTransposedConvolutions(d.convolution), d.norm, plain_prelu(d.activation))
            for d in model.decoder[:-1]
        ]
        self.decoder = nn.ModuleList([*hidden, FourTransposedConvolutions(model.decoder[-1])])
        self.lstms = nn.ModuleList(FourLSTMs(layer) for layer in model.recurrence.layers)
        self.project_real, self.project_imag = model.recurrence.project_real, model.recurrence.project_imag

    def forward(self, noisy: Tensor) -> Tensor:
        spectrum = self.stft(noisy)
        real, imag = spectrum.chunk(2, 1)
        magnitude = torch.sqrt(real**2 + imag**2 + 1e-8)
        phase = torch.atan2(imag, real)
        mask_real, mask_imag = self._mask(torch.stack((real, imag), 1)[:, :, 1:])
        mask_size = torch.sqrt(mask_real**2 + mask_imag**2)
        mask_phase = torch.atan2(mask_imag / (mask_size + 1e-8), mask_real / (mask_size + 1e-8))
        estimate = torch.tanh(mask_size) * magnitude
        angle = phase + mask_phase
        return self.stft.inverse(
            torch.cat((estimate * torch.cos(angle), estimate * torch.sin(angle)), 1), noisy.shape[-1]
        )

    def _mask(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        skips = []
        for layer in self.encoder:
            signal = layer(signal)
            skips.append(signal)
        signal = self._recurrence(signal)
        for layer, skip in zip(self.decoder, reversed(skips), strict=True):
            signal = layer(complex_cat(signal, skip))
        real, imag = F.pad(signal, (0, 0, 1, 0)).unbind(1)
        return real, imag

    def _recurrence(self, signal: Tensor) -> Tensor:
        batch, channels, bins, frames = signal.shape
        flat = signal.permute(3, 0, 2, 1)  # (frame, batch, freq, channel): the order of the LSTM's weights
        real, imag = (part.reshape(frames, batch, -1) for part in flat.chunk(2, 3))
        for layer in self.lstms:
            real, imag = layer(real, imag)
        parts = (self.project_real(real), self.project_imag(imag))
        maps = [part.view(frames, batch, bins, channels // 2).permute(1, 3, 2, 0) for part in parts]
        return torch.cat(maps, 1)
