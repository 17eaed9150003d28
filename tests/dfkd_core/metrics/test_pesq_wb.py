import numpy as np
import pytest
import torch
from pesq import pesq

from dfkd_core.metrics.pesq_wb import WidebandPESQ

pesq_wb = WidebandPESQ()


def test_identical_speech_reaches_the_top_of_the_scale(clean):
    assert pesq_wb(clean, clean) == pytest.approx(4.644, abs=1e-3)


def test_the_floor_lies_under_everything_that_pesq_returns(clean, noise):
    assert pesq_wb(0 * clean, clean) == pesq_wb.floor == 1.0
    assert pesq_wb(noise, clean) > pesq_wb.floor


def test_one_click_in_a_silent_estimate_counts_as_silence(clean):
    click = np.zeros_like(clean)
    click[100] = 1e-3
    assert pesq_wb(click, clean) == pesq_wb.floor


def test_denormal_numbers_change_no_score_and_stay_as_they_were_outside(clean, noise):
    assert pesq_wb(clean + noise, clean) == pesq(16000, clean, clean + noise, "wb")
    assert (torch.full((1,), 1e-39) * 0.5).item() > 0
