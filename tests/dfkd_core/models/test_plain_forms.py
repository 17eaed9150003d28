"""The architectures against plain transcriptions of the published layers, with the same weights."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_conv_tasnet import PlainConvTasNet
from benchmarks.plain_dccrn import PlainDCCRN
from benchmarks.plain_dptnet import PlainDPTNet
from dfkd_core.models import MODELS, build_model
from dfkd_core.models.mac_counting import COUNTERS

PLAIN = {"dccrn": PlainDCCRN, "conv_tasnet": PlainConvTasNet, "dptnet": PlainDPTNet}
SAMPLES = 4000


@pytest.fixture(params=MODELS)
def pair(request):
    """A model and its transcription."""
    torch.manual_seed(0)
    model = build_model(request.param, width=0.125)
    return model, PLAIN[request.param](model)


@torch.no_grad()
def test_estimates_are_those_of_the_transcription(pair):
    noisy = 0.1 * torch.randn(2, SAMPLES)
    estimate, expected = (form.eval()(noisy) for form in pair)
    assert (estimate - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_gradients_at_the_input_are_those_of_the_transcription(pair):
    noisy = 0.1 * torch.randn(2, SAMPLES, dtype=torch.float64)
    gradients = []
    for form in pair:
        leaf = noisy.clone().requires_grad_()
        form.double().train()(leaf).square().sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6 * gradients[1].abs().max().item())


def test_multiply_adds_are_those_that_torch_counts_in_the_transcription(pair):
    """torch counts no LSTM on CPU: those are added by their matrices."""
    model, plain = pair
    lstms = []
    for layer in plain.modules():
        if isinstance(layer, nn.LSTM):
            layer.register_forward_hook(lambda *told: lstms.append(COUNTERS[nn.LSTM](*told)))
    with FlopCounterMode(display=False) as counter:
        plain.train()(torch.zeros(1, SAMPLES))
    assert counter.get_total_flops() // 2 + sum(lstms) == pytest.approx(model.macs(SAMPLES), rel=0.01)
