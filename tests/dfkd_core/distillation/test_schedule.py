import pytest

from dfkd_core.distillation import build_method
from dfkd_core.distillation.schedule import schedule_weights
from dfkd_core.errors import ConfigError


def test_constant_supervises_and_distils_in_every_epoch():
    assert {schedule_weights("constant", epoch, 6) for epoch in range(6)} == {(1.0, 1.0)}


@pytest.mark.parametrize(("epochs", "distilling"), [(6, 3), (5, 2), (1, 0)])
def test_two_step_distils_only_in_the_first_half_and_supervises_only_in_the_second(epochs, distilling):
    weights = [schedule_weights("two_step", epoch, epochs) for epoch in range(epochs)]
    assert weights == [(0.0, 1.0)] * distilling + [(1.0, 0.0)] * (epochs - distilling)


def test_two_step_without_distillation_is_refused():
    with pytest.raises(ConfigError, match="two_step"):
        build_method(method="none", schedule="two_step")
