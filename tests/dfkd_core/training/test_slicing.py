"""Which channels stay in a slice."""

import pytest
import torch
from torch import nn

from dfkd_core.errors import ConfigError
from dfkd_core.models import build_model
from dfkd_core.models.base import Student
from dfkd_core.models.channels import Channels
from dfkd_core.training.slicing import scores_by_activation, scores_by_order, scores_by_weight, sliced


class Gained(Student):
    """Hidden channels, each scaled by a norm and read by one weight."""

    def __init__(self, gains=(1.0,), readers=(1.0,)):
        super().__init__()
        self.encode = nn.Conv1d(1, len(gains), 1, bias=False)
        self.norm = nn.BatchNorm1d(len(gains))
        self.decode = nn.Conv1d(len(gains), 1, 1, bias=False)
        with torch.no_grad():
            self.encode.weight.fill_(1.0)
            self.norm.weight.copy_(torch.tensor(gains))
            self.decode.weight.copy_(torch.tensor(readers)[None, :, None])

    def forward(self, noisy):
        return self.decode(self.norm(self.encode(noisy[:, None])))[:, 0]

    def channels(self):
        told = Channels(self)
        hidden = told.group("hidden", self.encode.out_channels)
        told.layer("encode", writes=hidden)
        told.layer("norm", writes=hidden)
        told.layer("decode", reads=hidden)
        told.signal("norm", hidden)
        return told

    look_ahead_samples = state_bytes = 0.0


def test_by_weight_a_channel_counts_as_its_norm_s_gain_times_what_reads_it():
    scores = scores_by_weight(Gained((2.0, -3.0, 0.5), (1.0, 1.0, -8.0)))
    torch.testing.assert_close(scores["hidden"], torch.tensor([2.0, 3.0, 4.0]))


def test_by_activation_a_channel_counts_as_the_mean_magnitude_of_its_signal():
    noisy = torch.tensor([[1.0, -3.0]])
    model = Gained((2.0, -3.0, 0.0), (0.0, 0.0, 9.0))
    scores = scores_by_activation(model, [noisy, 3 * noisy])["hidden"]
    torch.testing.assert_close(scores / scores[0], torch.tensor([1.0, 1.5, 0.0]))


def test_by_order_the_first_channels_count_most():
    assert scores_by_order(Gained((1.0, 1.0, 1.0), (0.0, 1.0, 2.0)))["hidden"].argmax() == 0


def test_the_best_channels_stay_in_the_parent_s_order_and_of_equals_the_first():
    parent = Gained((1.0, 5.0, 1.0, 7.0), (1.0, 1.0, 1.0, 1.0))
    state = sliced(parent, Gained((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), scores_by_weight(parent))
    assert state["norm.weight"].tolist() == [1.0, 5.0, 7.0]


def test_both_parts_of_a_complex_channel_and_its_skip_follow_one_choice():
    parent, narrow = (build_model("dccrn", channels=(16, 16), num_layers=2, width=width) for width in (1.0, 0.5))
    scores = scores_by_order(parent) | {"encoder.0": torch.tensor([0.0, 1.0] * 4), "recurrence": torch.arange(8.0)}
    state, held = sliced(parent, narrow, scores), parent.state_dict()
    odd = [1, 3, 5, 7]
    assert torch.equal(state["encoder.0.convolution.weight_imag"], held["encoder.0.convolution.weight_imag"][odd])
    assert torch.equal(state["encoder.0.norm.weight"], held["encoder.0.norm.weight"][[*odd, *(8 + i for i in odd)]])
    rows = [0, 1, 2, 3, *(8 + i for i in odd)]  # the decoder's own signal, then the skip
    assert torch.equal(state["decoder.1.weight_real"], held["decoder.1.weight_real"][rows])
    features = torch.arange(8 * 64).view(64, 8)[:, 4:].flatten()
    assert torch.equal(state["recurrence.project_real.bias"], held["recurrence.project_real.bias"][features])


def test_a_parent_narrower_than_the_student_is_refused_by_the_group():
    parent = Gained((1.0,), (1.0,))
    with pytest.raises(ConfigError, match="hidden has 1 channels, not 2"):
        sliced(parent, Gained((1.0, 1.0), (1.0, 1.0)), scores_by_weight(parent))


def test_a_layer_that_nothing_is_known_of_must_say_its_uses():
    rule = r"of Sequential must name layers that can be sliced, but 0 is a Bilinear; give that layer_uses\("
    with pytest.raises(ConfigError, match=rule):
        Channels(nn.Sequential(nn.Bilinear(2, 2, 2))).layer("0")


def test_of_a_wider_one_the_best_come_first_where_they_are_ranked():
    parent = Gained((1.0, 5.0, 2.0, 7.0), (1.0, 1.0, 1.0, 1.0))
    state = sliced(parent, Gained((0.0,) * 3, (0.0,) * 3), scores_by_weight(parent), ranks=True)
    assert state["norm.weight"].tolist() == [7.0, 5.0, 2.0]
