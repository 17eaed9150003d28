"""GTCRN is the published one, whole or frame by frame."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.models import build_model
from dfkd_core.models.complexity import complexity
from dfkd_core.models.gtcrn import FRAMING, GTCRNConfig
from dfkd_core.teachers.trained_model import FOLDER
from dfkd_core.trained.model_folder import load_model

PARITY = np.load(Path(__file__).with_name("gtcrn_parity.npz"))


@torch.no_grad()
def test_published_weights_give_the_published_estimate():
    model, _ = load_model(FOLDER / "gtcrn")
    estimate = model(torch.from_numpy(PARITY["noisy"])[None])[0].numpy()
    np.testing.assert_allclose(estimate, PARITY["estimate"], atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "params", "mega_macs"), [(8, 7_909, 10.88), (16, 23_669, 26.52), (32, 78_805, 83.67)]
)
def test_sizes(channels, params, mega_macs):
    model = build_model("gtcrn", channels=channels)
    assert complexity(model).params == params
    assert (model.macs(16_000) - FRAMING.convolution_macs(16_000)) / 1e6 == pytest.approx(mega_macs, abs=0.01)


@torch.no_grad()
@pytest.mark.parametrize("pieces", [[1] * 20, [7, 1, 12]])
def test_frames_in_pieces_with_their_states_are_all_frames_at_once(pieces):
    torch.manual_seed(0)
    model, spectrum = build_model("gtcrn", channels=8).eval(), torch.randn(2, 257, 20, 2)
    states = model.first_states(spectrum)
    whole, last = model.enhance(spectrum, states)
    parts = []
    for piece in spectrum.split(pieces, 2):
        part, states = model.enhance(piece, states)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, 2), whole, atol=1e-5, rtol=1e-5)
    for piecewise, at_once in zip(states, last, strict=True):
        torch.testing.assert_close(piecewise, at_once, atol=1e-5, rtol=1e-5)


def test_states_are_what_streaming_pays_for():
    model = build_model("gtcrn")
    states = model.first_states(torch.zeros(1, 257, 1, 2))
    overlaps = 2 * (FRAMING.window_samples - FRAMING.hop_samples)
    assert model.state_bytes == 4 * (sum(state.numel() for state in states) + overlaps)


@pytest.mark.parametrize(("channels", "nearest"), [(0, "4"), (10, "8 or 12"), (66, "64"), (3, "4")])
def test_channels_that_four_does_not_divide_are_refused_with_the_nearest_that_work(channels, nearest):
    rule = rf"channels must be a multiple of 4.* got {channels}; the nearest channels that work are {nearest}$"
    with pytest.raises(ConfigError, match=rule):
        GTCRNConfig.parse({"model": "gtcrn", "channels": channels})
