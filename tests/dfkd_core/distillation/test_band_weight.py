import pytest
import torch

from dfkd_core.distillation.band_weight import DynamicWeight, EqualWeight, band_weight
from dfkd_core.distillation.config import DistillationConfig


def losses(batch=4, seed=0):
    return torch.rand(batch, 2, generator=torch.Generator().manual_seed(seed)) + 0.1


def trained(temperature=1.0, steps=3, scale=(1.0, 1.0)):
    weight = DynamicWeight(temperature)
    for step in range(steps):
        weight(losses(seed=step) * torch.tensor(scale))
    return weight


def test_equal_weights_are_exactly_one():
    assert torch.equal(band_weight(DistillationConfig(weighting="equal"))(losses()), torch.ones(4, 2))
    assert isinstance(EqualWeight()(losses()), torch.Tensor)


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
def test_weights_are_twice_the_softmax_of_log_ratios_over_temperature(temperature):
    weight = trained(temperature, steps=3).eval()
    reference = torch.stack([losses(seed=step).mean(0) for step in range(3)]).mean(0)
    power = (losses(seed=9) / reference) ** (1.0 / temperature)
    torch.testing.assert_close(weight(losses(seed=9)), 2.0 * power / power.sum(1, keepdim=True))


def test_the_units_of_a_band_cancel():
    """Measuring one band's loss in other units from the first step on changes no weight."""
    units = torch.tensor([1.0, 1000.0])
    torch.testing.assert_close(trained().eval()(losses()), trained(scale=(1.0, 1000.0)).eval()(losses() * units))


def test_each_utterance_has_its_own_weights_and_they_sum_to_two():
    weights = trained()(losses())
    torch.testing.assert_close(weights.sum(1), torch.full((4,), 2.0))
    assert weights[:, 0].unique().numel() == 4


def test_a_high_temperature_is_equal_weighting():
    torch.testing.assert_close(trained(temperature=1e6)(losses()), torch.ones(4, 2), atol=1e-4, rtol=0)


def test_a_lower_temperature_sharpens_the_weights():
    sharp, soft = (trained(t).eval()(losses(seed=5)) for t in (0.25, 4.0))
    assert ((sharp - 1.0).abs() > (soft - 1.0).abs()).all()


def test_the_reference_is_frozen_after_fifty_training_steps():
    weight = trained(steps=50)
    before = weight.reference_sum.clone()
    weight(100.0 * losses())
    assert torch.equal(weight.reference_sum, before)
    assert weight.reference_steps.item() == 50


def test_evaluation_does_not_move_the_reference():
    weight = trained(steps=2).eval()
    weight(100.0 * losses())
    assert weight.reference_steps.item() == 2


def test_a_checkpoint_carries_the_reference():
    source, restored = trained(steps=7), DynamicWeight(1.0)
    restored.load_state_dict(source.state_dict())
    assert torch.equal(source(losses(seed=8)), restored(losses(seed=8)))


def test_no_gradient_passes_through_the_weights():
    given = losses().requires_grad_()
    assert not trained()(given).requires_grad


@pytest.mark.parametrize("training", [True, False])
def test_a_band_without_loss_gives_finite_weights(training):
    weight = DynamicWeight(0.25).train(training)
    assert weight(torch.zeros(2, 2)).isfinite().all()
    assert weight(torch.tensor([[0.0, 1.0]])).isfinite().all()
