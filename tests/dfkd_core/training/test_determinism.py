import random

import numpy as np
import pytest
import torch

from dfkd_core.training.determinism import batch_order, seed_everything


def draws():
    return torch.rand(1).item(), np.random.random(), random.random()


def test_all_generators_are_a_function_of_seed_and_epoch():
    seen = []
    for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0)):
        seed_everything(seed, epoch)
        seen.append(draws())
    assert seen[0] == seen[1] and len(set(seen)) == 3


def test_the_order_is_a_function_of_seed_and_epoch():
    assert np.array_equal(batch_order(3, 2, 20, 4), batch_order(3, 2, 20, 4))
    assert not np.array_equal(batch_order(3, 2, 20, 4), batch_order(3, 1, 20, 4))
    assert not np.array_equal(batch_order(3, 2, 20, 4), batch_order(4, 2, 20, 4))


@pytest.mark.parametrize(("num", "size", "shape"), [(20, 4, (5, 4)), (22, 4, (5, 4)), (3, 4, (1, 3))])
def test_batches_are_whole_and_no_mixture_comes_twice(num, size, shape):
    order = batch_order(0, 0, num, size)
    assert order.shape == shape and len(np.unique(order)) == order.size
