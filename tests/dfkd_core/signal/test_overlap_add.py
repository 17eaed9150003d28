import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dfkd_core.signal.overlap_add import overlap_add, overlap_add_halves


@pytest.mark.parametrize(("length", "hop"), [(512, 128), (400, 100), (128, 50), (32, 16), (8, 8), (3, 5)])
def test_it_is_what_fold_gives_bit_for_bit(length, hop):
    frames = torch.randn(2, 7, length, generator=torch.Generator().manual_seed(0))
    total = 6 * hop + length
    folded = F.fold(frames.transpose(1, 2), (1, total), (1, length), stride=(1, hop))[:, 0, 0]
    assert torch.equal(overlap_add(frames, hop), folded)


def test_its_gradient_is_one_for_every_sample():
    frames = torch.randn(1, 5, 12, requires_grad=True)
    overlap_add(frames, 5).sum().backward()
    assert torch.equal(frames.grad, torch.ones(1, 5, 12))


def test_numpy_s_form_is_torch_s():
    frames = np.random.default_rng(0).standard_normal((6, 10))
    np.testing.assert_array_equal(overlap_add_halves(frames), overlap_add(torch.from_numpy(frames[None]), 5)[0])
