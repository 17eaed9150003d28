"""Running statistics of batch norms, computed again."""

import torch
from torch import nn

from dfkd_core.training.norm_statistics import renew_statistics


def test_they_become_the_mean_over_the_batches_and_the_weights_stay():
    model = nn.BatchNorm1d(1, momentum=0.1).eval()
    model.running_mean.fill_(50.0)
    batches = [torch.tensor([[[0.0, 2.0]]]), torch.tensor([[[4.0, 8.0]]])]
    renew_statistics(model, batches)
    assert model.running_mean.item() == 3.5 and model.running_var.item() == 5.0
    assert model.momentum == 0.1 and not model.training and model.weight.item() == 1.0


def test_a_model_without_them_is_not_run():
    batches = iter([torch.zeros(1, 1, 4)])
    renew_statistics(nn.GroupNorm(1, 1), batches)
    assert len(list(batches)) == 1
