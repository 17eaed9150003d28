import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.models.complexity import complexity
from dfkd_core.models.dptnet import DPTNet, DPTNetConfig, chunked, joined, num_chunks


@pytest.mark.parametrize(
    ("width", "params", "giga_macs"), [(1, 2.801e6, 6.28), (0.5, 0.709e6, 1.62), (0.25, 0.182e6, 0.432)]
)
def test_sizes_are_the_published_ones(width, params, giga_macs):
    sizes = complexity(DPTNet(DPTNetConfig(width=width)))
    assert sizes.params == pytest.approx(params, rel=0.02)
    assert sizes.macs_per_s / 1e9 == pytest.approx(giga_macs, rel=0.02)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 4, 7, 8, 30])
def test_joining_chunks_gives_the_frames_back(num_frames):
    frames = torch.randn(2, num_frames, 3)
    chunks = chunked(frames, 6)
    assert chunks.shape == (2, num_chunks(num_frames, 6), 6, 3)
    torch.testing.assert_close(joined(chunks, num_frames), frames)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0.1}, "4 heads divide, but got 0.1; the nearest widths that work are 0.0625 or 0.125"),
        ({"features": 30, "width": 1}, "4 heads divide, but got 1; the nearest widths that work are 0.933333"),
        ({"chunk": 25}, "chunk must be even, .* but got 25; use 26"),
        ({"stride_samples": 64}, r"stride_samples must be at most window_samples \(32\), but got 64"),
    ],
)
def test_fields_that_leave_no_network_are_refused_with_a_remedy(fields, words):
    with pytest.raises(ConfigError, match=words):
        DPTNetConfig.parse({"model": "dptnet", **fields})


@torch.no_grad()
def test_with_relu_the_frames_weights_have_no_negative_part():
    torch.manual_seed(0)
    fields = {"width": 0.25, "num_blocks": 1, "initial_filters": "random"}
    plain, rectified = DPTNet(DPTNetConfig(**fields)), DPTNet(DPTNetConfig(**fields, frame_activation="relu"))
    rectified.load_state_dict(plain.state_dict())
    noisy, heard = 0.1 * torch.randn(1, 2000), []
    assert not torch.allclose(plain(noisy), rectified(noisy))
    for model in (plain, rectified):
        model.norm.register_forward_hook(lambda module, inputs, output: heard.append(inputs[0].min().item()))
        model(noisy)
    assert heard[0] < 0 <= heard[1]
