import math

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dfkd_core.models.complexity import complexity
from dfkd_core.models.mac_counting import count_macs


class EveryLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(1, 8, 4, stride=2, groups=1)
        self.depthwise = nn.Conv1d(8, 8, 3, padding=1, groups=8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.linear = nn.Linear(8, 8)
        self.transposed = nn.ConvTranspose1d(8, 1, 4, stride=2)

    def forward(self, noisy):
        features = self.depthwise(self.convolution(noisy[:, None])).transpose(1, 2)
        attended, _ = self.attention(features, features, features)  # with weights: the products that torch counts
        return self.transposed(self.linear(attended).transpose(1, 2))[:, 0]


def test_count_equals_torchs_own_counter():
    model = EveryLayer().train()
    with FlopCounterMode(display=False) as counter:
        model(torch.randn(1, 402))
    assert count_macs(model, 402) == counter.get_total_flops() // 2


def test_lstm_counts_its_eight_matrices_per_frame():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(1, 6, num_layers=2, bidirectional=True, batch_first=True)

        def forward(self, noisy):
            return self.lstm(noisy[..., None])[0].mean(-1)

    per_frame = 2 * 4 * 6 * (1 + 6) + 2 * 4 * 6 * (12 + 6)
    assert count_macs(Recurrent(), 100) == 100 * per_frame


def test_counting_leaves_the_model_as_it_was():
    model = EveryLayer().train()
    count_macs(model, 402)
    assert model.training and not any(m._forward_hooks for m in model.modules())


def test_a_module_that_claims_nothing_needs_the_whole_clip():
    sizes = complexity(EveryLayer())
    assert sizes.look_ahead_ms == math.inf and sizes.state_bytes == math.inf
    assert sizes.params == sum(p.numel() for p in EveryLayer().parameters()) and sizes.bytes == 4 * sizes.params
