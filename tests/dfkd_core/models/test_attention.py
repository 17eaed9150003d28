import pytest
import torch
from torch import nn

import dfkd_core.models.attention as attention_module
from dfkd_core.models.attention import SelfAttention


@pytest.mark.parametrize("level", [1.0, 30.0])  # scores of up to 6, and of up to 5000
@pytest.mark.parametrize("chunk_bytes", [1, 2 * 4 * 49, 2**20])
def test_values_and_gradients_are_those_of_torchs_attention_for_any_chunk_and_level(monkeypatch, chunk_bytes, level):
    monkeypatch.setattr(attention_module, "CHUNK_BYTES", chunk_bytes)
    ours, theirs = SelfAttention(8, 4).double(), nn.MultiheadAttention(8, 4, batch_first=True).double()
    for module in (ours, theirs):
        nn.init.normal_(next(module.parameters()))
    ours.project.load_state_dict({"weight": theirs.in_proj_weight, "bias": theirs.in_proj_bias})
    ours.join.load_state_dict(theirs.out_proj.state_dict())
    signal = (level * torch.randn(3, 7, 8, dtype=torch.float64)).requires_grad_()
    mine, expected = ours(signal), theirs(signal, signal, signal)[0]
    torch.testing.assert_close(mine, expected)
    gradient = torch.randn_like(mine)
    mine = torch.autograd.grad(mine, (signal, ours.project.weight, ours.project.bias), gradient)
    expected = torch.autograd.grad(expected, (signal, theirs.in_proj_weight, theirs.in_proj_bias), gradient)
    for one, other in zip(mine, expected, strict=True):
        torch.testing.assert_close(one, other)
