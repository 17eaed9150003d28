"""What training holds, counted without training."""

import pytest
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.training.footprint import CONTEXT_BYTES, SPARE, training_bytes


def config(batch=2, segment_s=0.5, width=0.125, **training):
    return ExperimentConfig.parse(
        {
            "student": {"model": "dccrn", "width": width},
            "data": {"corpus": "demo", "segment_s": segment_s},
            "training": {"batch_size": batch, **training},
        }
    )


def test_activations_grow_with_batch_and_segment_and_weights_do_not():
    held = [training_bytes(config(batch=batch)) for batch in (2, 4, 6)]
    assert held[1] - held[0] == pytest.approx(held[2] - held[1])
    assert training_bytes(config(segment_s=1.0)) - held[0] == pytest.approx(held[1] - held[0], rel=0.2)


def test_weights_are_held_four_times_and_their_average_once_more():
    count = sum(p.numel() for p in build_student(config().student).parameters())
    more = training_bytes(config(ema_decay=0.99)) - training_bytes(config(ema_decay=None))
    assert more == pytest.approx(SPARE * 4 * count)


def test_a_clip_s_activations_are_what_the_layers_keep():
    """Of one convolution autograd keeps its input; a DCCRN of 0.25 keeps some 28 MB a second."""
    one = training_bytes(config(batch=2, width=0.25, segment_s=1.0)) - training_bytes(
        config(batch=1, width=0.25, segment_s=1.0)
    )
    assert 15e6 < one / SPARE < 60e6
    assert training_bytes(config()) > CONTEXT_BYTES and torch.is_grad_enabled()
