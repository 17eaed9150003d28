import pytest
import torch
from torch import nn

from dfkd_core.trained.model_folder import shipped_weights
from dfkd_core.training.weight_average import WeightAverage


def constant(value):
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def test_the_average_moves_by_its_decay_once_warm():
    average = WeightAverage(constant(0.0), 0.9)
    average.num_updates.fill_(1000)
    average.update(constant(1.0))
    assert average.model.weight.item() == pytest.approx(0.1)


def test_the_first_steps_forget_the_initial_weights():
    average = WeightAverage(constant(100.0), 0.999)
    for _ in range(100):
        average.update(constant(1.0))
    assert average.model.weight.item() == pytest.approx(1.0, abs=0.01)


def test_running_statistics_are_averaged_and_counters_copied():
    norm = nn.BatchNorm1d(2)
    average = WeightAverage(norm, 0.5)
    norm(torch.randn(8, 2) + 5)
    average.num_updates.fill_(1000)
    average.update(norm)
    assert torch.allclose(average.model.running_mean, norm.running_mean / 2)
    assert average.model.num_batches_tracked == norm.num_batches_tracked == 1


def test_no_gradient_reaches_the_average_and_it_stays_in_evaluation_mode():
    average = WeightAverage(constant(1.0), 0.5).train(False)
    assert not any(parameter.requires_grad for parameter in average.parameters()) and not average.model.training


@pytest.mark.parametrize("averaged", [True, False])
def test_a_state_ships_the_averaged_weights_where_there_are_any(averaged):
    student, average = constant(1.0), WeightAverage(constant(2.0), 0.5)
    state = {"student": student.state_dict(), "average": average.state_dict() if averaged else {}}
    assert shipped_weights(state) == {"weight": torch.tensor([[2.0 if averaged else 1.0]])}
