import pytest
import torch
from torch.nn import functional as F

from dfkd_core.errors import ConfigError
from dfkd_core.models.complexity import complexity
from dfkd_core.models.conv_tasnet import ConvTasNet, ConvTasNetConfig
from dfkd_core.models.dptnet import DPTNetConfig
from dfkd_core.models.learned_frames import LearnedFrames, _tell_old_name

TABLE = [
    (32, 1, 5.001e6, 4.91),
    (32, 0.5, 1.338e6, 1.30),
    (32, 0.25, 0.391e6, 0.369),
    (32, 0.125, 0.139e6, 0.127),
    (16, 1, 4.985e6, 9.80),
    (16, 0.5, 1.322e6, 2.56),
    (16, 0.25, 0.375e6, 0.706),
    (16, 0.125, 0.123e6, 0.222),
]


@pytest.mark.parametrize(("window", "width", "params", "giga_macs"), TABLE)
def test_sizes_are_the_published_ones(window, width, params, giga_macs):
    """Within 2 %: the residual of the last block, which reaches nothing, is left out."""
    sizes = complexity(ConvTasNet(ConvTasNetConfig(width=width, window_samples=window, stride_samples=window // 2)))
    assert sizes.params == pytest.approx(params, rel=0.02)
    assert sizes.macs_per_s / 1e9 == pytest.approx(giga_macs, rel=0.02)


@pytest.mark.parametrize("length", [1, 32, 33, 500])
def test_overlap_add_is_the_transposed_convolution(length):
    frames = LearnedFrames(filters=6, window_samples=8, stride_samples=3)
    weights = frames(torch.randn(2, length))
    assert weights.shape == (2, 6, frames.num_frames(length))
    kernel = frames.synthesis.weight.permute(1, 2, 0)
    expected = F.conv_transpose1d(weights, kernel, stride=3)[:, 0, :length]
    torch.testing.assert_close(frames.overlap_add(weights, length), expected)


def test_mask_lies_between_zero_and_one():
    model = ConvTasNet(ConvTasNetConfig(width=0.0625, filters=16, num_blocks=2, num_repeats=1)).eval()
    seen = []
    overlap_add = model.frames.overlap_add
    model.frames.overlap_add = lambda masked, length: seen.append(masked) or overlap_add(masked, length)
    noisy = torch.randn(1, 400)
    model(noisy)
    ratio = seen[0] / model.frames(noisy)
    assert ratio.min() >= 0 and ratio.max() <= 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"width": 0.001}, "leave at least one channel .* the nearest widths that work are 0.0078125"),
        ({"stride_samples": 64}, r"stride_samples must be at most window_samples \(32\), but got 64; use 16"),
        ({"kernel": 4}, "kernel must be odd unless causal, but got 4; use 5"),
    ],
)
def test_fields_that_leave_no_network_are_refused_with_a_remedy(fields, words):
    with pytest.raises(ConfigError, match=words):
        ConvTasNetConfig.parse({"model": "conv_tasnet", **fields})


@pytest.mark.parametrize("kind", [ConvTasNetConfig, DPTNetConfig])
def test_window_and_stride_are_read_by_their_old_names_with_a_line_that_says_so(kind, caplog):
    _tell_old_name.cache_clear()
    config = kind.parse({"window": 64, "stride": 32})
    assert config == kind(window_samples=64, stride_samples=32)
    assert config.model_dump(exclude_unset=True) == {"window_samples": 64, "stride_samples": 32}
    assert "student.window is read as student.window_samples; write it so" in caplog.text
    assert kind.parse({"window": 64, "window_samples": 16}).window_samples == 64  # a space of old names on a new config
