"""GTCRN, the grouped temporal convolutional recurrent network (Rong et al., ICASSP 2024), 16 channels as published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, NamedTuple, Self

import torch
from pydantic import field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.errors import ConfigError
from dfkd_core.models.band_layers import DoublingConv, HalvingConv, PastConv, from_neighbours, neighbours
from dfkd_core.models.base import FLOAT_BYTES, Student, StudentBase
from dfkd_core.models.erb_bands import ERBBands
from dfkd_core.models.gtcrn_slices import consistent_choices, cut
from dfkd_core.models.prelu import PReLU
from dfkd_core.models.side_by_side_gru import recurrent_macs, side_by_side
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.spectrum import full_precision
from dfkd_core.signal.stft import Framing

FRAMING = Framing(512, 512, 256, window_shape="root_hann", ends="mirrored")
KEPT_BINS, MERGED_BANDS = 65, 64
# Bands of the features, behind the first and behind the second convolution that halves them.
BANDS = (KEPT_BINS + MERGED_BANDS, 65, 33)
DILATIONS = (1, 2, 5)  # of the encoder's blocks; the decoder's in reverse
PAST_FRAMES = tuple(2 * dilation for dilation in DILATIONS)
SHARES, MOST_CHANNELS = 4, 64  # two groups of a dual-path layer, both ways each
MAGNITUDE_EPSILON = 1.0e-12


class GTCRNConfig(StudentBase):
    """Channels of every layer, 16 as published; all else is as published."""

    model: Literal["gtcrn"] = "gtcrn"
    channels: int = 16

    @field_validator("channels")
    @classmethod
    def _shared_out(cls, value: int) -> int:
        works = range(SHARES, MOST_CHANNELS + 1, SHARES)
        if value not in works:
            below, above = [n for n in works if n < value], [n for n in works if n > value]
            nearest = " or ".join(map(str, (*below[-1:], *above[:1])))
            rule = f"must be a multiple of {SHARES}, for two groups look two ways, and at most {MOST_CHANNELS}"
            raise ValueError(f"channels {rule}, but got {value}; the nearest channels that work are {nearest}")
        return value


class StepStates(NamedTuple):
    """What streaming carries from one frame to the next, each tensor batch first.

    past: (batch, frame, band, channel), the past frames of every block's convolution one behind the other.
    attention: (batch, block, channel). across: (batch, layer, band, channel).
    """

    past: Tensor
    attention: Tensor
    across: Tensor


class GTCRN(Student):
    """An encoder, two dual-path recurrent layers and a decoder on bands of the spectrum; a complex ratio mask.

        S = M X,   M = split(tanh(decoder(..))),   bands = merge(|X|, Re X, Im X)

    with X the spectrum of frames of 512 every 256 samples. Nothing looks further ahead than a frame. Weights have the
    published names and shapes, so that a published checkpoint fits, all but its two matrices of bands.
    """

    Config = GTCRNConfig
    resizable = frozenset({"channels"})
    framing = FRAMING

    def __init__(self, config: GTCRNConfig) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.bands = ERBBands(FRAMING.num_bins, KEPT_BINS, MERGED_BANDS, SAMPLE_RATE_HZ)
        self.encoder = _Encoder(channels)
        self.dpgrnn1, self.dpgrnn2 = (_DualPath(channels) for _ in range(2))
        self.decoder = _Decoder(channels)

    def forward(self, noisy: Tensor) -> Tensor:
        """Estimate (batch, time) of the clean speech in `noisy` (batch, time)."""
        spectrum = torch.view_as_real(FRAMING.stft(noisy))
        enhanced, _ = self.enhance(spectrum, self.first_states(spectrum))
        return FRAMING.istft(torch.view_as_complex(enhanced), noisy.shape[-1])

    def first_states(self, spectrum: Tensor) -> StepStates:
        """What is remembered before the first frame of `spectrum` (batch, freq, frame, 2): silence."""
        batch, channels = len(spectrum), self.config.channels
        frames = 2 * sum(PAST_FRAMES)
        return StepStates(
            spectrum.new_zeros(batch, frames, BANDS[2], channels),
            spectrum.new_zeros(batch, 2 * len(PAST_FRAMES), channels),
            spectrum.new_zeros(batch, 2, BANDS[2], channels),
        )

    def enhance(self, spectrum: Tensor, states: StepStates) -> tuple[Tensor, StepStates]:
        """Enhanced frames of noisy ones, both (batch, freq, frame, 2) with real and imaginary part, and new states.

        Frames may come one by one or many at a time: the states that one call returns are those that the next takes.
        """
        real, imag = spectrum.transpose(1, 2).unbind(3)
        magnitude = torch.sqrt(real.square() + imag.square() + MAGNITUDE_EPSILON)
        features = self.bands.merge(torch.stack((magnitude, real, imag), 2)).transpose(2, 3)
        pasts = torch.split(states.past, [*PAST_FRAMES, *reversed(PAST_FRAMES)], 1)
        memories = [*zip(pasts, states.attention.unbind(1), strict=True)]
        skips, early = self.encoder(features, memories[: len(PAST_FRAMES)])
        signal, across1 = self.dpgrnn1(skips[-1], states.across[:, 0])
        signal, across2 = self.dpgrnn2(signal, states.across[:, 1])
        bounded, late = self.decoder(signal, skips, memories[len(PAST_FRAMES) :])
        mask_real, mask_imag = self.bands.split(full_precision(bounded).transpose(2, 3)).unbind(2)
        product = (mask_real * real - mask_imag * imag, mask_imag * real + mask_real * imag)
        past, attention = zip(*early, *late, strict=True)
        following = StepStates(torch.cat(past, 1), torch.stack(attention, 1), torch.stack((across1, across2), 1))
        return torch.stack(product, 3).transpose(1, 2), following

    def slices(self, parent: Self) -> list[Callable[[], dict[str, Tensor]]]:
        """One for each choice of channels that all layers of a wider one can share."""
        wide, narrow = parent.config.channels, self.config.channels
        choices = consistent_choices(wide, narrow) if narrow <= wide else []
        if not choices:
            works = [str(n) for n in range(SHARES, wide + 1, SHARES) if consistent_choices(wide, n)]
            rule = f"must name a GTCRN of which {narrow} channels can be a slice, but no choice of its {wide} is shared"
            raise ConfigError(f"{rule} by all layers; set student.channels to {', '.join(works)}")
        return [partial(cut, parent.state_dict(), choice) for choice in choices]

    @property
    def look_ahead_samples(self) -> float:
        """Those of the frame."""
        return FRAMING.look_ahead_samples

    @property
    def latency_samples(self) -> float:
        """The frame."""
        return FRAMING.window_samples

    @property
    def state_bytes(self) -> float:
        """The states, and both overlaps of the STFT."""
        states = self.first_states(torch.empty(1))
        overlaps = 2 * (FRAMING.window_samples - FRAMING.hop_samples)
        return FLOAT_BYTES * (sum(state.numel() for state in states) + overlaps)

    def macs(self, num_samples: int) -> int:
        """Multiply-adds of convolutions, recurrent layers and projections, of the bands and the STFT."""
        channels = self.config.channels
        half, (wide, narrow) = channels // 2, BANDS[1:]
        ends = wide * channels * 9 * 5 + 2 * narrow * channels * half * 5 + wide * channels * 2 * 5
        block = narrow * (3 * half * channels + 9 * channels + channels * half)
        attention = 3 * channels * (half + channels) + channels * half
        within = 4 * 3 * (half // 2) * (half + half // 2) + channels**2
        across = 2 * 3 * half * (half + half) + channels**2
        per_frame = ends + 2 * len(DILATIONS) * (block + attention) + 2 * narrow * (within + across)
        return per_frame * FRAMING.num_frames(num_samples) + self.extra_macs(num_samples)

    def extra_macs(self, num_samples: int) -> int:
        """The bands of five maps a frame, and the STFT and its inverse as the convolutions that they replace."""
        bands = 5 * self.bands.matrix.numel() * FRAMING.num_frames(num_samples)
        return bands + FRAMING.convolution_macs(num_samples)


BlockMemory = tuple[Tensor, Tensor]  # of a block: past (batch, frame, band, channel) and hidden state (batch, channel)


class _Encoder(nn.Module):
    """Two convolutions that halve the bands, then blocks that see further and further back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        ends = _End(HalvingConv(3, channels, of_neighbours=True)), _End(HalvingConv(channels, channels, groups=2))
        blocks = [_Block(channels, dilation, is_transposed=False) for dilation in DILATIONS]
        self.en_convs = nn.ModuleList([*ends, *blocks])

    def forward(self, features: Tensor, memories: Sequence[BlockMemory]) -> tuple[list[Tensor], list[BlockMemory]]:
        """Outputs (batch, frame, band, channel) of all layers, and new memories of the blocks."""
        first, second, *blocks = self.en_convs
        outputs, kept = [first(features)], []
        outputs.append(second(outputs[-1]))
        for block, memory in zip(blocks, memories, strict=True):
            output, new = block(outputs[-1], *memory)
            outputs.append(output)
            kept.append(new)
        return outputs, kept


class _Decoder(nn.Module):
    """The encoder's mirror image; each layer is given the encoder's output of its size, too."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        blocks = [_Block(channels, dilation, is_transposed=True) for dilation in reversed(DILATIONS)]
        ends = _End(DoublingConv(channels, channels, groups=2)), _End(DoublingConv(channels, 2), is_mask=True)
        self.de_convs = nn.ModuleList([*blocks, *ends])

    def forward(
        self, signal: Tensor, skips: Sequence[Tensor], memories: Sequence[BlockMemory]
    ) -> tuple[Tensor, list[BlockMemory]]:
        """Mask (batch, frame, band, 2) between -1 and 1, and new memories of the blocks."""
        *blocks, third, last = self.de_convs
        *others, second, first = reversed(skips)
        kept = []
        for block, skip, memory in zip(blocks, others, memories, strict=True):
            signal, new = block(signal + skip, *memory)
            kept.append(new)
        return last(third(signal + second) + first), kept


class _Norm(nn.BatchNorm2d):
    """Batch norm of maps (batch, frame, band, channel)."""

    def forward(self, signal: Tensor) -> Tensor:
        return super().forward(signal.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


class _End(nn.Module):
    """Convolution over bands, batch norm, PReLU or, where its output is the mask, tanh."""

    def __init__(self, conv: HalvingConv | DoublingConv, is_mask: bool = False) -> None:
        super().__init__()
        self.conv = conv
        self.bn = _Norm(conv.out_channels)
        self.act = nn.Tanh() if is_mask else PReLU(in_place=True)

    def forward(self, signal: Tensor) -> Tensor:
        """Maps (batch, frame, band, out) of (batch, frame, band, in) with other numbers of bands."""
        activated: Tensor = self.act(self.bn(self.conv(signal)))
        return activated


class _Block(nn.Module):
    """Half of the channels through convolutions and attention over time; the other half passes, shuffled between.

    Channel 2i of the output is the first half's channel i, 2i + 1 is the passed half's channel i.
    """

    def __init__(self, channels: int, dilation: int, is_transposed: bool) -> None:
        super().__init__()
        point: type[nn.Conv2d | nn.ConvTranspose2d] = nn.ConvTranspose2d if is_transposed else nn.Conv2d
        self.is_transposed = is_transposed
        self.point_conv1 = point(3 * channels // 2, channels, 1)
        self.point_bn1 = _Norm(channels)
        self.point_act = PReLU(in_place=True)
        self.depth_conv = PastConv(channels, dilation, is_flipped=is_transposed)
        self.depth_bn = _Norm(channels)
        self.depth_act = PReLU(in_place=True)
        self.point_conv2 = point(channels, channels // 2, 1)
        self.point_bn2 = _Norm(channels // 2)
        self.tra = _Attention(channels // 2)

    def forward(self, signal: Tensor, past: Tensor, hidden: Tensor) -> tuple[Tensor, BlockMemory]:
        """Maps (batch, frame, band, channel) both ways, and the new memory."""
        own, passed = signal.chunk(2, 3)
        first, second = self.point_conv1.weight.flatten(1), self.point_conv2.weight.flatten(1)
        if self.is_transposed:
            first, second = first.t(), second.t()
        own = F.linear(neighbours(own), from_neighbours(first), self.point_conv1.bias)
        with_past = torch.cat((past, self.point_act(self.point_bn1(own))), 1)
        own = self.depth_act(self.depth_bn(self.depth_conv(with_past)))
        own = self.point_bn2(F.linear(own, second, self.point_conv2.bias))
        own, hidden = self.tra(own, hidden)
        shuffled = torch.stack((own, passed), 4).flatten(3)
        return shuffled, (with_past[:, -past.shape[1] :], hidden)

    def layer_macs(self, signal: Tensor, *others: object) -> int:
        """Multiply-adds of the two pointwise convolutions, one forward pass."""
        maps = signal.numel() // signal.shape[3]
        return maps * (self.point_conv1.weight.numel() + self.point_conv2.weight.numel())


class _Attention(nn.Module):
    """A gain for every channel and frame: sigmoid(W GRU(mean of the squared bands)), which hears what went before."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.att_gru = nn.GRU(channels, 2 * channels)
        self.att_fc = nn.Linear(2 * channels, channels)

    def forward(self, signal: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (batch, frame, band, channel) both ways, and the new hidden state (batch, 2 channel)."""
        power = signal.square().mean(2).transpose(0, 1)
        heard = side_by_side((self.att_gru,), power, hidden)
        gain = torch.sigmoid(self.att_fc(heard)).transpose(0, 1)
        return signal * gain[:, :, None], heard[-1]

    def layer_macs(self, signal: Tensor, *others: object) -> int:
        """Multiply-adds of the GRU, one forward pass."""
        return recurrent_macs((self.att_gru,), signal.shape[0] * signal.shape[1])


class _GroupedGRU(nn.Module):
    """Two GRUs, each on its half of the features: (step, batch, feature) both ways."""

    def __init__(self, channels: int, units: int, bidirectional: bool) -> None:
        super().__init__()
        self.rnn1, self.rnn2 = (nn.GRU(channels // 2, units, bidirectional=bidirectional) for _ in range(2))

    def forward(self, signal: Tensor, hidden: Tensor) -> Tensor:
        return side_by_side((self.rnn1, self.rnn2), signal, hidden)

    def layer_macs(self, signal: Tensor, *others: object) -> int:
        """Multiply-adds of one forward pass."""
        return recurrent_macs((self.rnn1, self.rnn2), signal.shape[0] * signal.shape[1])


class _DualPath(nn.Module):
    """x + norm(W GRU(x)) along the bands of each frame, both ways, then along the frames of each band, forward."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.intra_rnn = _GroupedGRU(channels, channels // SHARES, bidirectional=True)
        self.intra_fc = nn.Linear(channels, channels)
        self.intra_ln = nn.LayerNorm((BANDS[2], channels), eps=1e-8)
        self.inter_rnn = _GroupedGRU(channels, channels // 2, bidirectional=False)
        self.inter_fc = nn.Linear(channels, channels)
        self.inter_ln = nn.LayerNorm((BANDS[2], channels), eps=1e-8)

    def forward(self, signal: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (batch, frame, band, channel) both ways, and the new hidden state (batch, band, channel)."""
        batch, frames, bands, channels = signal.shape
        along_bands = signal.permute(2, 0, 1, 3)
        silence = signal.new_zeros(batch * frames, channels)
        within = self.intra_fc(self.intra_rnn(along_bands.flatten(1, 2), silence)).view(along_bands.shape)
        signal = signal + self.intra_ln(within.permute(1, 2, 0, 3))
        along_frames = signal.transpose(0, 1)
        heard = self.inter_rnn(along_frames.flatten(1, 2), hidden.flatten(0, 1))
        across = self.inter_fc(heard).view(along_frames.shape).transpose(0, 1)
        return signal + self.inter_ln(across), heard[-1].view(batch, bands, channels)
