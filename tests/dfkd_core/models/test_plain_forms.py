"""The architectures against plain transcriptions of the published layers, with the same weights."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.plain_conv_tasnet import PlainConvTasNet
from benchmarks.plain_dccrn import PlainDCCRN
from benchmarks.plain_dptnet import PlainDPTNet
from benchmarks.plain_gtcrn import PlainGTCRN
from dfkd_core.models import MODELS, build_model
from dfkd_core.models.gtcrn import FRAMING
from dfkd_core.models.mac_counting import COUNTERS

PLAIN = {"dccrn": PlainDCCRN, "conv_tasnet": PlainConvTasNet, "dptnet": PlainDPTNet, "gtcrn": PlainGTCRN}
FIELDS = {name: {"width": 0.125} for name in MODELS} | {"gtcrn": {"channels": 8}}
SAMPLES = 4000


@pytest.fixture(params=MODELS)
def pair(request):
    """A model and its transcription."""
    torch.manual_seed(0)
    model = build_model(request.param, **FIELDS[request.param])
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


def test_gradients_at_the_weights_are_those_of_the_transcription():
    """Where a transcription has the model's names; those of biases in front of a norm are rounding, and nought."""
    torch.manual_seed(0)
    model = build_model("gtcrn")
    plain = PlainGTCRN(model)
    noisy = 0.1 * torch.randn(2, SAMPLES, dtype=torch.float64)
    for form in (model, plain):
        form.double().train()(noisy).square().sum().backward()
    expected = {name: weight.grad for name, weight in plain.named_parameters() if weight.requires_grad}
    largest = max(gradient.abs().max().item() for gradient in expected.values())
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name], rtol=1e-5, atol=1e-8 * largest)


def test_multiply_adds_are_those_that_torch_counts_in_the_transcription(pair):
    """torch counts no LSTM on CPU and no FFT: those are added by their matrices, the FFT as the convolution it is."""
    model, plain = pair
    others = [FRAMING.convolution_macs(SAMPLES)] if isinstance(plain, PlainGTCRN) else []
    for layer in plain.modules():
        if isinstance(layer, nn.LSTM):
            layer.register_forward_hook(lambda *told: others.append(COUNTERS[nn.LSTM](*told)))
    with FlopCounterMode(display=False) as counter:
        plain.train()(torch.zeros(1, SAMPLES))
    assert counter.get_total_flops() // 2 + sum(others) == pytest.approx(model.macs(SAMPLES), rel=0.01)
