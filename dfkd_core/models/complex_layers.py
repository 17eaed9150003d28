"""Complex layers in real arithmetic: parts stacked [real | imag], so that each layer is one large operation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dfkd_core.models.channels import Axis, Uses, transposed, weighing
from dfkd_core.models.halving import double, halve


class ComplexConv2d(nn.Module):
    """Complex convolution, causal in time, halving the frequencies: (batch, 2 in, frame, freq) to (.., freq / 2).

        Y_r = W_r X_r - W_i X_i,   Y_i = W_r X_i + W_i X_r

    is one real convolution with the stacked weight [[W_r, -W_i], [W_i, W_r]]; as in the published layer, both
    real convolutions have a bias, so the parts get b_r - b_i and b_r + b_i.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.kernel = kernel
        self.weight_real = nn.Parameter(torch.empty(out_channels, in_channels, *kernel))
        self.weight_imag = nn.Parameter(torch.empty(out_channels, in_channels, *kernel))
        self.bias_real = nn.Parameter(torch.zeros(out_channels))
        self.bias_imag = nn.Parameter(torch.zeros(out_channels))
        nn.init.normal_(self.weight_real, std=0.05)
        nn.init.normal_(self.weight_imag, std=0.05)

    def forward(self, signal: Tensor) -> Tensor:
        """Complex feature maps (batch, 2 out, frame, freq / 2) of `signal` (batch, 2 in, frame, freq)."""
        return halve(signal, self.stacked_weight(), self.stacked_bias())

    def stacked_weight(self) -> Tensor:
        """The real convolution's weight, (2 out, 2 in, time, freq)."""
        to_real = torch.cat((self.weight_real, -self.weight_imag), dim=1)
        to_imag = torch.cat((self.weight_imag, self.weight_real), dim=1)
        return torch.cat((to_real, to_imag)).contiguous(memory_format=torch.channels_last)

    def stacked_bias(self) -> Tensor:
        """The real convolution's bias, (2 out,)."""
        return torch.cat((self.bias_real - self.bias_imag, self.bias_real + self.bias_imag))

    def layer_macs(self, signal: Tensor, output: Tensor) -> int:
        """Multiply-adds of one forward pass."""
        return output.numel() * 2 * self.weight_real.shape[1] * self.kernel[0] * self.kernel[1]

    def layer_uses(self, reads: Axis, writes: Axis) -> Uses:
        """Both parts of the weight hold the same channels."""
        return weighing(reads, writes, suffix="_real") | weighing(reads, writes, suffix="_imag")


class ComplexConvTranspose2d(nn.Module):
    """Transposed complex convolution of several inputs at once, doubling the frequencies.

    Output frame t sees the input frames t .. t + kernel[0] - 1, as the published layer that drops its first frames:
    every such layer looks kernel[0] - 1 frames ahead, or, where it is causal, as far back. Each input is
    (batch, 2 in / inputs, frame, freq) with its parts stacked; the inputs are concatenated as they are, and the
    weight's rows follow their order.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: tuple[int, int],
        num_inputs: int = 2,
        is_causal: bool = False,
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.num_inputs = num_inputs
        self.is_causal = is_causal
        self.weight_real = nn.Parameter(torch.empty(in_channels, out_channels, *kernel))
        self.weight_imag = nn.Parameter(torch.empty(in_channels, out_channels, *kernel))
        self.bias_real = nn.Parameter(torch.zeros(out_channels))
        self.bias_imag = nn.Parameter(torch.zeros(out_channels))
        nn.init.normal_(self.weight_real, std=0.05)
        nn.init.normal_(self.weight_imag, std=0.05)

    def forward(self, *signals: Tensor) -> Tensor:
        """Complex feature maps (batch, 2 out, frame, 2 freq)."""
        return double(signals, self.stacked_weight(), self.stacked_bias(), self.is_causal)

    def stacked_bias(self) -> Tensor:
        """The real convolution's bias, (2 out,)."""
        return torch.cat((self.bias_real - self.bias_imag, self.bias_real + self.bias_imag))

    def stacked_weight(self) -> Tensor:
        """The real convolution's weight, (2 in, 2 out, time, freq), for the inputs as they are concatenated."""
        per_input = (self.num_inputs, -1, *self.weight_real.shape[1:])
        real, imag = self.weight_real.view(per_input), self.weight_imag.view(per_input)
        from_real, from_imag = torch.cat((real, imag), dim=2), torch.cat((-imag, real), dim=2)
        stacked = torch.stack((from_real, from_imag), dim=1).flatten(0, 2)
        return stacked.contiguous(memory_format=torch.channels_last)

    def layer_macs(self, *signals_and_output: Tensor) -> int:
        """Multiply-adds of one forward pass."""
        inputs = sum(signal.numel() for signal in signals_and_output[:-1])
        return inputs * 2 * self.weight_real.shape[1] * self.kernel[0] * self.kernel[1]

    def layer_uses(self, reads: Axis, writes: Axis) -> Uses:
        """Both parts of the weight hold the same channels; `reads` follows the order of the inputs."""
        return transposed(reads, writes, suffix="_real") | transposed(reads, writes, suffix="_imag")


class ComplexLSTM(nn.Module):
    """Complex LSTM, (frame, 2 batch, in) to (frame, 2 batch, units) with the parts stacked in the batch.

        Y_r = LSTM_r(X_r) - LSTM_i(X_i),   Y_i = LSTM_r(X_i) + LSTM_i(X_r)

    Both parts share one call of each LSTM.
    """

    def __init__(self, in_features: int, units: int) -> None:
        super().__init__()
        self.real = nn.LSTM(in_features, units)
        self.imag = nn.LSTM(in_features, units)

    def forward(self, signal: Tensor) -> Tensor:
        """Output (frame, 2 batch, units) of `signal` (frame, 2 batch, in)."""
        real_of_real, real_of_imag = self.real(signal)[0].chunk(2, dim=1)
        imag_of_real, imag_of_imag = self.imag(signal)[0].chunk(2, dim=1)
        return torch.cat((real_of_real - imag_of_imag, real_of_imag + imag_of_real), dim=1)
