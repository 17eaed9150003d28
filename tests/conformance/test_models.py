"""What every architecture promises; a new line in MODELS is held to all of it."""

import math
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from dfkd_core.errors import ConfigError
from dfkd_core.models import MODELS, build_model
from dfkd_core.models.complexity import complexity
from dfkd_core.models.mac_counting import count_macs

# Small enough to be quick: every architecture once, and again where a field changes what it promises.
CASES = [
    ("dccrn", {"width": 0.0625}),
    ("dccrn", {"width": 0.125, "num_layers": 3, "n_fft": 128, "window_samples": 128, "hop_samples": 32}),
    ("dccrn", {"width": 0.0625, "causal": True, "window": "hann_sqrt", "window_samples": 512, "hop_samples": 256}),
    ("conv_tasnet", {"width": 0.0625, "filters": 64}),
    ("conv_tasnet", {"width": 0.0625, "filters": 64, "num_blocks": 3, "num_repeats": 2, "causal": True}),
    ("dptnet", {"width": 0.0625, "num_blocks": 2}),
    ("gtcrn", {"channels": 8}),
]
# The field that scales an architecture: values that work, rising, and one that does not.
SCALES = dict.fromkeys(MODELS, ("width", (0.125, 0.25, 0.5, 1.0), 0.001)) | {
    "gtcrn": ("channels", (8, 12, 16, 24, 32), 1)
}
PERIOD_SAMPLES = 256  # the longest hop in CASES, so that every phase of the framing is perturbed once


@pytest.fixture
def model(request, built):
    torch.manual_seed(0)
    name, fields = request.param
    return built(name, **fields)


def test_every_architecture_is_held_to_the_contract():
    assert {name for name, _ in CASES} == set(MODELS)


@pytest.mark.parametrize("length", [1, 2, 15, 16, 33, 257, 4001, 30 * 16000])
@torch.no_grad()
def test_any_length_from_one_sample_to_half_a_minute_comes_back_as_long(model, length):
    estimate = model.eval()(0.1 * torch.randn(1, length))
    assert estimate.shape == (1, length)
    assert estimate.isfinite().all()


@pytest.mark.parametrize("length", [1, 2000])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_gradients_are_finite_on_silence_and_on_full_scale(model, level, length):
    noisy = level * torch.randn(2, length).sign()
    model.train()(noisy).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_autocast_trains_and_stays_near_full_precision(model):
    noisy = 0.1 * torch.randn(2, 2000)
    with torch.autocast("cpu", torch.bfloat16):
        estimate = model.train()(noisy)
    estimate.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    torch.testing.assert_close(estimate.float(), model(noisy), atol=0.05 * estimate.abs().max().item(), rtol=0)


@torch.no_grad()
def test_clips_of_a_batch_do_not_see_each_other(model):
    noisy = torch.randn(3, 1700)
    together = model.eval()(noisy)
    alone = torch.cat([model(clip[None]) for clip in noisy])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_weights_survive_safetensors_and_the_seed_decides_them(model, built, request):
    name, fields = request.node.callspec.params["model"]
    noisy = torch.randn(1, 900)
    estimate = model.eval()(noisy)
    torch.manual_seed(0)
    same = built(name, **fields).eval()
    assert torch.equal(same(noisy), estimate)
    torch.manual_seed(1)
    other = built(name, **fields).eval()
    assert not torch.equal(other(noisy), estimate)
    other.load_state_dict(load(save(model.state_dict())))
    assert torch.equal(other(noisy), estimate)


@torch.no_grad()
def test_look_ahead_is_the_one_that_perturbation_shows(model):
    """Noise from sample p on may change the estimate from p - look_ahead on, and for some p does."""
    calibrate(model.double(), torch.randn(1, 4000, dtype=torch.float64))
    model.eval()
    if math.isinf(model.look_ahead_samples):
        assert first_changed(model, 4000, [3999]) == [0]
        return
    starts = list(range(2500, 2500 + PERIOD_SAMPLES))
    changed = first_changed(model, 4000, starts)
    assert max(p - first for p, first in zip(starts, changed, strict=True)) == model.look_ahead_samples


def calibrate(model, noisy):
    """Let batch norms pass signals on at unit power, else those of far layers are lost in rounding."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    model.train()(noisy)


def first_changed(model, length, starts):
    noisy = torch.randn(1, length, dtype=torch.float64).expand(len(starts), -1)
    later = torch.arange(length) >= torch.tensor(starts)[:, None]
    difference = model(noisy + later * 30 * torch.randn_like(noisy)) - model(noisy)
    return [int(row.nonzero()[0]) for row in difference.abs() > 1e-14 * difference.abs().max()]


def test_multiply_adds_are_those_that_the_layers_do(model):
    assert model.macs(4000) == count_macs(model, 4000)


def test_sizes_are_those_of_the_tensors(model):
    sizes = complexity(model)
    assert sizes.params == sum(p.numel() for p in model.parameters())
    assert sizes.bytes == sum(t.nbytes for t in model.state_dict().values())
    assert sizes.look_ahead_ms == model.look_ahead_samples / 16
    assert math.isinf(sizes.state_bytes) == math.isinf(sizes.look_ahead_ms)


@pytest.mark.parametrize("name", MODELS)
def test_size_grows_with_scale(name):
    field, values, _ = SCALES[name]
    sizes = [complexity(build_model(name, **{field: value})) for value in values]
    for small, large in pairwise(sizes):
        assert small.params < large.params and small.macs_per_s < large.macs_per_s and small.bytes < large.bytes


@pytest.mark.parametrize("name", MODELS)
def test_scale_that_empties_a_layer_is_refused_with_the_nearest_that_works(name):
    field, values, empty = SCALES[name]
    rule = rf"{field} must .* got {empty}; the nearest {field.rstrip('s')}s that work are (\S+)"
    with pytest.raises(ConfigError, match=rule) as error:
        build_model(name, **{field: empty})
    nearest = float(str(error.value).split("work are ")[1].split()[0])
    build_model(name, **{field: type(values[0])(nearest)})


@pytest.mark.parametrize("name", MODELS)
def test_config_survives_its_own_dump(name):
    field, values, _ = SCALES[name]
    config = MODELS[name].Config(**{field: values[1]})
    assert MODELS[name].Config.parse(config.model_dump(mode="json")) == config
