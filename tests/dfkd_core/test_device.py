import pytest
import torch

from dfkd_core.device import choose_device, mixed_precision
from dfkd_core.errors import ConfigError


def test_auto_is_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:1000", "", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match=r"training.device: must be .*; use auto"):
        choose_device(name)


def test_matrix_products_run_in_bfloat16_only_when_asked_for():
    weight = torch.ones(4, 4)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with mixed_precision(torch.device("cpu"), precision):
            assert (weight @ weight).dtype == dtype
