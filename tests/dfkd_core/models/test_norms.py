import torch

from dfkd_core.models.norms import EPSILON, CumulativeLayerNorm, GlobalLayerNorm, SequenceNorm


def filled(module):
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    return module.double()


def written_out(norm, signal, frames):
    seen = signal[:, :, :frames]
    mean, variance = seen.mean((1, 2), keepdim=True), seen.var((1, 2), correction=0, keepdim=True)
    return norm.weight[:, None] * (signal - mean) / torch.sqrt(variance + EPSILON) + norm.bias[:, None]


def test_global_norm_takes_its_moments_over_channel_and_frame():
    norm, signal = filled(GlobalLayerNorm(5)), torch.randn(2, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(norm(signal), written_out(norm, signal, 7))


def test_cumulative_norm_of_a_frame_is_the_global_norm_of_the_clip_up_to_it():
    norm, signal = filled(CumulativeLayerNorm(5)), 3 + torch.randn(2, 5, 7, dtype=torch.float64)
    output = norm(signal)
    for frame in range(7):
        expected = written_out(norm, signal, frame + 1)[:, :, frame]
        torch.testing.assert_close(output[:, :, frame], expected)


def test_sequence_norm_is_the_global_norm_with_features_last():
    norm, signal = filled(SequenceNorm(5)), torch.randn(2, 7, 5, dtype=torch.float64)
    expected = written_out(norm, signal.transpose(1, 2), 7).transpose(1, 2)
    torch.testing.assert_close(norm(signal), expected)
