import pytest
import torch

from dfkd_core.losses.gradient_balance import GradientBalance

NAMES = ["steep", "flat"]
SLOPES = {"steep": 1000.0, "flat": 0.001}


def batch(scale=1.0, slopes=SLOPES):
    """Terms whose gradient at the estimate (1, 4) has norm 2 * scale * slope."""
    estimate = torch.zeros(1, 4, requires_grad=True)
    return {name: scale * slope * estimate.sum() for name, slope in slopes.items()}, estimate


def run(balance, scales):
    for scale in scales:
        balance(*batch(scale))
    return balance


def test_balanced_terms_have_unit_gradient_however_steep_they_are():
    balance = GradientBalance(NAMES)
    for name in NAMES:
        terms, estimate = batch()
        balance(terms, estimate)[name].backward()
        assert estimate.grad.norm().item() == pytest.approx(1.0)


def test_the_norm_is_the_median_over_the_first_batches_then_frozen():
    balance = run(GradientBalance(NAMES, num_batches=5), [1.0, 100.0, 3.0, 2.0, 0.1, 1e6, 1e6])
    assert balance.scales() == pytest.approx({"steep": 4000.0, "flat": 0.004})
    assert all(balance.is_frozen(name) for name in NAMES)


def test_until_then_it_is_the_median_so_far():
    balance = GradientBalance(NAMES)
    expected = {1: 2000.0, 2: 4000.0, 3: 6000.0}
    for step, scale in enumerate([1.0, 3.0, 5.0], start=1):
        balance(*batch(scale))
        assert balance.scale("steep") == pytest.approx(expected[step])


def test_a_frozen_balance_computes_no_further_gradient(monkeypatch):
    balance = run(GradientBalance(NAMES, num_batches=2), [1.0, 1.0])
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **options: pytest.fail("a gradient was computed"))
    assert set(balance(*batch())) == set(NAMES)


def test_a_checkpoint_carries_the_norms():
    source = run(GradientBalance(NAMES, num_batches=3), [1.0, 2.0])
    restored = GradientBalance(NAMES, num_batches=3)
    restored.load_state_dict(source.state_dict())
    assert restored.scales() == source.scales()
    assert run(restored, [7.0]).scales() == run(source, [7.0]).scales()


def test_a_term_that_is_absent_waits_for_its_own_first_batches():
    balance = GradientBalance(NAMES, num_batches=2)
    for _ in range(3):
        balance(*batch(slopes={"steep": 1.0}))
    assert balance.is_frozen("steep")
    assert not balance.is_frozen("flat")
    assert balance.scale("flat") == 1.0


@pytest.mark.parametrize("scale", [0.0, float("inf"), float("nan")])
def test_a_zero_or_infinite_gradient_is_not_counted(scale):
    assert run(GradientBalance(NAMES), [scale, 1.0]).scale("steep") == pytest.approx(2000.0)


def test_terms_without_gradient_and_evaluation_observe_nothing():
    balance = GradientBalance(NAMES)
    estimate = torch.zeros(1, 4, requires_grad=True)
    assert balance({"flat": torch.tensor(3.0)}, estimate)["flat"].item() == 3.0
    run(balance.eval(), [1.0])
    assert balance.counts.tolist() == [0, 0]


def test_the_estimates_own_gradient_is_left_alone_while_observing():
    balance, (terms, estimate) = GradientBalance(NAMES), batch()
    balance(terms, estimate)
    assert estimate.grad is None
