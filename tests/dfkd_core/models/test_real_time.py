"""The real-time factor on one CPU thread."""

import torch

from dfkd_core.models import build_model
from dfkd_core.models.real_time import real_time_factor


def test_the_factor_is_positive_and_leaves_the_model_as_it_was():
    model = build_model("dccrn", width=0.0625).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    threads = torch.get_num_threads()
    measured = real_time_factor(model)
    assert 0 < measured.rtf_cpu < 10
    assert measured.rtf_cpu_spread >= 0
    assert model.training
    assert torch.get_num_threads() == threads
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_wider_model_is_slower():
    small, large = (build_model("dccrn", width=width) for width in (0.0625, 1.0))
    assert real_time_factor(small).rtf_cpu < real_time_factor(large).rtf_cpu
