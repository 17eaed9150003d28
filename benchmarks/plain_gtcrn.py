"""GTCRN written down as published, layer for layer and with the published names of its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.models.gtcrn import GTCRN

KEPT_BINS = 65


class PlainBands(nn.Module):
    """The lowest bins as they are, the others merged by a matrix, and back."""

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.erb_fc, self.ierb_fc = (nn.Linear(*shape, bias=False) for shape in (matrix.T.shape, matrix.shape))
        for layer, weight in ((self.erb_fc, matrix), (self.ierb_fc, matrix.T)):
            layer.weight = nn.Parameter(weight.clone(), requires_grad=False)

    def merge(self, spectrum: Tensor) -> Tensor:
        return torch.cat((spectrum[..., :KEPT_BINS], self.erb_fc(spectrum[..., KEPT_BINS:])), -1)

    def split(self, bands: Tensor) -> Tensor:
        return torch.cat((bands[..., :KEPT_BINS], self.ierb_fc(bands[..., KEPT_BINS:])), -1)


class PlainNeighbours(nn.Module):
    """Three neighbouring bands as channels, by nn.Unfold."""

    def __init__(self) -> None:
        super().__init__()
        self.unfold = nn.Unfold((1, 3), padding=(0, 1))

    def forward(self, signal: Tensor) -> Tensor:
        batch, channels, frames, bands = signal.shape
        return self.unfold(signal).view(batch, 3 * channels, frames, bands)


class PlainConv(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, groups: int, transposed: bool, last: bool = False) -> None:
        super().__init__()
        kind = nn.ConvTranspose2d if transposed else nn.Conv2d
        self.conv = kind(in_channels, out_channels, (1, 5), (1, 2), (0, 2), groups=groups)
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.Tanh() if last else nn.PReLU()

    def forward(self, signal: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(signal)))


class PlainAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.att_gru = nn.GRU(channels, 2 * channels, batch_first=True)
        self.att_fc = nn.Linear(2 * channels, channels)

    def forward(self, signal: Tensor) -> Tensor:
        energy = signal.pow(2).mean(-1).transpose(1, 2)
        gain = torch.sigmoid(self.att_fc(self.att_gru(energy)[0])).transpose(1, 2)
        return signal * gain[..., None]


class PlainBlock(nn.Module):
    """Half of the channels through convolutions and attention over time, then shuffled with the other half."""

    def __init__(self, channels: int, dilation: int, transposed: bool) -> None:
        super().__init__()
        kind, past = (nn.ConvTranspose2d if transposed else nn.Conv2d), 2 * dilation
        self.past = past
        self.neighbours = PlainNeighbours()
        self.point_conv1 = kind(3 * channels // 2, channels, 1)
        self.point_bn1 = nn.BatchNorm2d(channels)
        self.point_act = nn.PReLU()
        self.depth_conv = kind(
            channels, channels, 3, padding=(past if transposed else 0, 1), dilation=(dilation, 1), groups=channels
        )
        self.depth_bn = nn.BatchNorm2d(channels)
        self.depth_act = nn.PReLU()
        self.point_conv2 = kind(channels, channels // 2, 1)
        self.point_bn2 = nn.BatchNorm2d(channels // 2)
        self.tra = PlainAttention(channels // 2)

    def forward(self, signal: Tensor) -> Tensor:
        own, passed = signal.chunk(2, 1)
        own = self.point_act(self.point_bn1(self.point_conv1(self.neighbours(own))))
        own = self.depth_act(self.depth_bn(self.depth_conv(F.pad(own, (0, 0, self.past, 0)))))
        own = self.tra(self.point_bn2(self.point_conv2(own)))
        return torch.stack((own, passed), 2).flatten(1, 2)


class PlainGroupedGRU(nn.Module):
    def __init__(self, channels: int, units: int, bidirectional: bool) -> None:
        super().__init__()
        options = {"batch_first": True, "bidirectional": bidirectional}
        self.rnn1 = nn.GRU(channels // 2, units // 2, **options)
        self.rnn2 = nn.GRU(channels // 2, units // 2, **options)

    def forward(self, signal: Tensor) -> Tensor:
        first, second = signal.chunk(2, -1)
        return torch.cat((self.rnn1(first)[0], self.rnn2(second)[0]), -1)


class PlainDualPath(nn.Module):
    def __init__(self, channels: int, bands: int) -> None:
        super().__init__()
        self.intra_rnn = PlainGroupedGRU(channels, channels // 2, bidirectional=True)
        self.intra_fc = nn.Linear(channels, channels)
        self.intra_ln = nn.LayerNorm((bands, channels), eps=1e-8)
        self.inter_rnn = PlainGroupedGRU(channels, channels, bidirectional=False)
        self.inter_fc = nn.Linear(channels, channels)
        self.inter_ln = nn.LayerNorm((bands, channels), eps=1e-8)

    def forward(self, signal: Tensor) -> Tensor:
        signal = signal.permute(0, 2, 3, 1)  # (batch, frame, band, channel)
        within = self.intra_fc(self.intra_rnn(signal.flatten(0, 1)))
        signal = signal + self.intra_ln(within.view(signal.shape))
        turned = signal.transpose(1, 2)
        across = self.inter_fc(self.inter_rnn(turned.flatten(0, 1))).view(turned.shape).transpose(1, 2)
        return (signal + self.inter_ln(across)).permute(0, 3, 1, 2)


class PlainEncoder(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        strided = [PlainConv(9, channels, 1, False), PlainConv(channels, channels, 2, False)]
        self.en_convs = nn.ModuleList([*strided, *(PlainBlock(channels, d, False) for d in (1, 2, 5))])

    def forward(self, signal: Tensor) -> list[Tensor]:
        outputs = []
        for layer in self.en_convs:
            signal = layer(signal)
            outputs.append(signal)
        return outputs


class PlainDecoder(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        strided = [PlainConv(channels, channels, 2, True), PlainConv(channels, 2, 1, True, last=True)]
        self.de_convs = nn.ModuleList([*(PlainBlock(channels, d, True) for d in (5, 2, 1)), *strided])

    def forward(self, signal: Tensor, skips: list[Tensor]) -> Tensor:
        for layer, skip in zip(self.de_convs, reversed(skips), strict=True):
            signal = layer(signal + skip)
        return signal


class PlainGTCRN(nn.Module):
    """The published network with the weights of `model`, whose names are the published ones."""

    def __init__(self, model: GTCRN) -> None:
        super().__init__()
        channels = model.config.channels
        self.erb = PlainBands(model.bands.matrix)
        self.neighbours = PlainNeighbours()
        self.encoder = PlainEncoder(channels)
        self.dpgrnn1 = PlainDualPath(channels, 33)
        self.dpgrnn2 = PlainDualPath(channels, 33)
        self.decoder = PlainDecoder(channels)
        missing = self.load_state_dict(model.state_dict(), strict=False)
        if set(missing.missing_keys) != {"erb.erb_fc.weight", "erb.ierb_fc.weight"} or missing.unexpected_keys:
            raise ValueError(f"must have the published names, but {missing}")

    def forward(self, noisy: Tensor) -> Tensor:
        window = torch.hann_window(512, dtype=noisy.dtype).sqrt()
        spectrum = torch.stft(noisy, 512, 256, 512, window, return_complex=True).transpose(1, 2)
        real, imag = spectrum.real, spectrum.imag
        magnitude = torch.sqrt(real**2 + imag**2 + 1e-12)
        features = self.neighbours(self.erb.merge(torch.stack((magnitude, real, imag), 1)))
        skips = self.encoder(features)
        signal = self.decoder(self.dpgrnn2(self.dpgrnn1(skips[-1])), skips)
        mask_real, mask_imag = self.erb.split(signal).unbind(1)
        enhanced = torch.complex(real * mask_real - imag * mask_imag, imag * mask_real + real * mask_imag)
        return torch.istft(enhanced.transpose(1, 2), 512, 256, 512, window, length=noisy.shape[-1])
