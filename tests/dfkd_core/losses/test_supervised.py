import pytest
import torch

from dfkd_core.losses import TERMS, supervised_loss
from dfkd_core.losses.supervised import LossConfig, SupervisedLoss

ESTIMATE, CLEAN = (torch.randn(1, 2000, generator=torch.Generator().manual_seed(seed)) for seed in range(2))


def test_terms_of_weight_zero_are_not_computed():
    def forbidden(estimate, clean):
        raise AssertionError

    terms = {**TERMS, "si_sdr": forbidden, "multi_resolution_stft": forbidden}
    loss = SupervisedLoss(terms, LossConfig(snr=1.0, compressed_spectrum=2.0, si_sdr=0.0, multi_resolution_stft=0.0))
    assert list(loss(ESTIMATE, CLEAN)) == ["snr", "compressed_spectrum"]


def test_weights_are_shares_of_the_gradient():
    loss = supervised_loss(LossConfig(snr=1.0, compressed_spectrum=3.0))
    assert loss.weights == {"snr": 0.25, "compressed_spectrum": 0.75}
    scaled = {"snr": torch.tensor(8.0), "compressed_spectrum": torch.tensor(4.0), "distillation": torch.tensor(9.0)}
    assert loss.total(scaled).item() == 5.0


def test_terms_are_those_of_the_table():
    loss = supervised_loss(LossConfig(snr=1.0, compressed_spectrum=0.0))
    assert loss(ESTIMATE, CLEAN)["snr"] == TERMS["snr"](ESTIMATE, CLEAN)


def test_no_term_at_all_is_zero():
    loss = supervised_loss(LossConfig(snr=0.0, compressed_spectrum=0.0))
    assert loss(ESTIMATE, CLEAN) == {}
    assert loss.total({}).item() == pytest.approx(0.0)
