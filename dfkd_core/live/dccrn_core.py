"""DCCRN frame by frame: causal encoder and LSTMs at once, each decoder layer as late as it looks ahead."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dfkd_core.live.core import LiveCore, Memory
from dfkd_core.live.frames import SpectralFrames
from dfkd_core.models.complex_layers import ComplexConv2d, ComplexConvTranspose2d, ComplexLSTM
from dfkd_core.models.dccrn import DCCRN, masked


class DCCRNCore(LiveCore):
    """Spectra (1, 2, 1, freq), the DC bin first, in and out.

    Decoder layer j waits for j (kernel_time - 1) frames, its skip with it; the spectrum waits for all layers. Causal
    ones wait for nothing, and see as many past frames.
    """

    def __init__(self, model: DCCRN) -> None:
        super().__init__()
        self.frames = SpectralFrames(model.framing)
        self.past = model.config.kernel_time - 1
        self.encoder = nn.ModuleList(_Layer(layer) for layer in model.encoder)
        self.decoder = nn.ModuleList(_Layer(layer) for layer in model.decoder)
        self.down = [layer.down for layer in self.encoder if isinstance(layer, _Layer)]
        self.up = [layer.up for layer in self.decoder if isinstance(layer, _Layer)]
        self.recurrence = model.recurrence
        self.ahead = 0 if model.config.causal else self.past
        self.delay_frames = self.ahead * len(self.decoder)
        self.eval()

    def step(self, frame: Tensor, memory: Memory, past_end: int | Tensor) -> Tensor:
        """Enhance the frame of `delay_frames` ago."""
        spectrum = frame[..., 1:]
        signal, skips = spectrum, []
        for down in self.down:
            signal = down(memory.with_past(signal, self.past))
            skips.append(signal)

        def lstm(layer: ComplexLSTM, state: Tensor) -> Tensor:
            real_of_real, real_of_imag = memory.lstm(layer.real, state).chunk(2, dim=1)
            imag_of_real, imag_of_imag = memory.lstm(layer.imag, state).chunk(2, dim=1)
            return torch.cat((real_of_real - imag_of_imag, real_of_imag + imag_of_real), dim=1)

        signal = self.recurrence.through(signal, lstm)
        # behind the end there are no frames: nothing is what decoder layers hear of them
        signal, *skips = (_heard(part, past_end <= 0) for part in (signal, *skips))
        for j, (up, skip) in enumerate(zip(self.up, reversed(skips), strict=True)):
            if j and self.ahead:
                signal = _heard(signal, past_end <= j * self.ahead)
            both = torch.cat((signal, memory.delayed(skip, j * self.ahead)), dim=1)
            signal = up(memory.with_past(both, self.past))
        enhanced = masked(signal, memory.delayed(spectrum, self.delay_frames))
        return F.pad(enhanced, (1, 0))


def _heard(signal: Tensor, is_there: bool | Tensor) -> Tensor:
    """The signal, or zeros; no operation at all where it is known to be there, as in a graph that knows of no end."""
    return signal if is_there is True else signal * is_there


class _Layer(nn.Module):
    """One encoder or decoder layer with its complex weight stacked once; norm and activation where it has them."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        convolution, *rest = [layer] if isinstance(layer, ComplexConvTranspose2d) else layer.children()
        assert isinstance(convolution, ComplexConv2d | ComplexConvTranspose2d)  # noqa: S101 - narrows a type
        with torch.no_grad():
            self.register_buffer("weight", convolution.stacked_weight().contiguous())
            self.register_buffer("bias", convolution.stacked_bias())
        self.rest = nn.Sequential(*rest)

    def down(self, window: Tensor) -> Tensor:
        """One frame of the convolution that halves the frequencies, of as many frames as its kernel has."""
        padding = (0, self.weight.shape[3] // 2)
        activated: Tensor = self.rest(F.conv2d(window, self.weight, self.bias, (1, 2), padding))
        return activated

    def up(self, window: Tensor) -> Tensor:
        """One frame of the transposed convolution that doubles them, for the first frame of the window."""
        padding = (self.weight.shape[2] - 1, self.weight.shape[3] // 2)
        doubled = F.conv_transpose2d(window, self.weight, self.bias, (1, 2), padding, output_padding=(0, 1))
        activated: Tensor = self.rest(doubled)
        return activated
