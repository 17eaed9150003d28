import pytest
import torch

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.distillation import METHODS, build_method
from dfkd_core.errors import ConfigError
from dfkd_core.losses import TERMS
from dfkd_core.training.total_loss import TotalLoss, first_not_finite, schedule_weights

CLEAN = 0.1 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
TEACHER = 0.9 * CLEAN + 0.01 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(1))


def total(**changes):
    return TotalLoss(ExperimentConfig.parse(with_overrides({}, changes)))


def estimate():
    noise = 0.05 * torch.randn(2, 8000, generator=torch.Generator().manual_seed(2))
    return (CLEAN + noise).requires_grad_()


def test_each_half_pulls_with_a_gradient_of_its_own_weight():
    """After balancing, the supervised half has gradient norm of about one, the distilled one of `weight`."""
    loss = total(**{"distillation.weight": 3.0, "loss.compressed_spectrum": 0.0})
    signal = estimate()
    value, _ = loss(signal, CLEAN, TEACHER, 0)
    norms = {}
    for name, other in (("supervised", {"distillation.method": "none"}), ("distilled", {"loss.snr": 0.0})):
        alone = total(**{"distillation.weight": 3.0, "loss.compressed_spectrum": 0.0, **other})
        (gradient,) = torch.autograd.grad(alone(signal, CLEAN, TEACHER, 0)[0], signal)
        norms[name] = gradient.norm().item()
    assert norms == {"supervised": pytest.approx(1.0, rel=1e-3), "distilled": pytest.approx(3.0, rel=1e-3)}
    assert value.requires_grad


def test_only_what_is_weighed_is_computed():
    loss = total(**{"distillation.weight": 0.0, "loss.compressed_spectrum": 0.0})
    report = loss(estimate(), CLEAN, None, 0)[1]
    assert set(report) == {"train/loss", "train/snr"} and not loss.needs_teacher


def test_gradient_norms_are_told_and_kept_in_the_state():
    loss = total()
    loss(estimate(), CLEAN, TEACHER, 0)
    other = total()
    other.load_state_dict(loss.state_dict())
    assert other.scales() == loss.scales() and loss.scales()["gradient_norm/distillation"] > 0


def test_two_steps_need_both_halves():
    for off in ({"distillation.weight": 0.0}, {"loss": {"snr": 0.0, "compressed_spectrum": 0.0}}):
        with pytest.raises(ConfigError, match=r"distillation.schedule: two_step needs both"):
            total(**{"distillation.schedule": "two_step", **off})


def test_a_loss_without_terms_is_refused():
    with pytest.raises(ConfigError, match="loss: must weigh at least one term"):
        total(**{"distillation.method": "none", "loss": {"snr": 0.0, "compressed_spectrum": 0.0}})


def test_single_terms_are_named_before_their_total():
    nan = float("nan")
    assert first_not_finite({"train/loss": nan, "train/snr": nan}) == "train/snr"
    assert first_not_finite({"train/loss": float("inf"), "train/snr": 1.0}) == "train/loss"
    assert first_not_finite({"train/loss": 1.0}) is None


@pytest.mark.parametrize("method", METHODS)
def test_terms_that_share_spectra_have_the_gradients_that_they_have_alone(method):
    """Each term's gradient norm and the whole gradient are those of terms that transform for themselves."""
    changes = {"distillation.method": method, "loss": dict.fromkeys(TERMS, 1.0)}
    together, signal = total(**changes), estimate()
    value, report = together(signal, CLEAN, TEACHER, 0)
    alone = TotalLoss(together.config)
    terms = alone.supervised(signal, CLEAN)
    if alone.distils:
        terms["distillation"] = alone.method(signal, TEACHER, CLEAN)[0]
    expected = alone._total(alone.balance(terms, signal), 1.0)
    torch.testing.assert_close(value, expected)
    assert together.scales() == pytest.approx(alone.scales(), rel=1e-5)
    gradients = [torch.autograd.grad(loss, signal)[0] for loss in (value, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)
    assert report["train/loss"] == pytest.approx(expected.item(), rel=1e-5)


def test_constant_supervises_and_distils_in_every_epoch():
    assert {schedule_weights("constant", epoch, 6) for epoch in range(6)} == {(1.0, 1.0)}


@pytest.mark.parametrize(("epochs", "distilling"), [(6, 3), (5, 2), (1, 0)])
def test_two_step_distils_only_in_the_first_half_and_supervises_only_in_the_second(epochs, distilling):
    weights = [schedule_weights("two_step", epoch, epochs) for epoch in range(epochs)]
    assert weights == [(0.0, 1.0)] * distilling + [(1.0, 0.0)] * (epochs - distilling)


def test_two_step_without_distillation_is_refused():
    with pytest.raises(ConfigError, match="two_step"):
        build_method(method="none", schedule="two_step")


def test_the_drift_is_told_in_units_of_g_and_the_pull_as_the_weight_that_distillation_has_by_now():
    loss, signal = total(**{"distillation.weight": 3.0, "loss.compressed_spectrum": 0.0}), estimate()
    loss(signal, CLEAN, TEACHER, 0, measure=True)
    told = loss.drift()
    assert told["gradient_drift/snr"] == pytest.approx(1.0) == told["gradient_drift/distillation"]
    assert told["distillation/pull"] == pytest.approx(3.0, rel=1e-3)
    assert loss.drift() == {}


def test_the_drift_after_freezing_follows_the_gradient_and_changes_nothing():
    loss, signal = total(**{"loss.compressed_spectrum": 0.0, "distillation.method": "output_mse"}), estimate()
    for _ in range(20):
        loss(signal, CLEAN, TEACHER, 0)
    nearer = (TEACHER + 0.1 * (signal.detach() - TEACHER)).requires_grad_()  # its squared error pulls a tenth as hard
    value, _ = loss(nearer, CLEAN, TEACHER, 0, measure=True)
    assert loss.drift()["gradient_drift/distillation"] == pytest.approx(0.1, rel=1e-2)
    again, _ = loss(nearer, CLEAN, TEACHER, 0)
    assert again.item() == value.item()
    assert torch.equal(*(torch.autograd.grad(v, nearer, retain_graph=True)[0] for v in (value, again)))


@pytest.mark.parametrize("alone", [{"distillation.method": "none"}, {"loss": {"snr": 0.0, "compressed_spectrum": 0.0}}])
def test_one_half_alone_has_a_drift_and_no_pull(alone):
    loss = total(**alone)
    loss(estimate(), CLEAN, TEACHER, 0, measure=True)
    told = loss.drift()
    assert told and "distillation/pull" not in told
