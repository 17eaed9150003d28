import numpy as np
import pytest
from pystoi import stoi as reference

from dfkd_core.metrics.estoi import ESTOI
from dfkd_core.metrics.stoi import STOI


@pytest.mark.parametrize(("metric", "extended"), [(STOI(), False), (ESTOI(), True)])
def test_values_are_those_of_the_reference_implementation(metric, extended, clean, noise):
    expected = reference(clean.astype(np.float64), (clean + noise).astype(np.float64), 16000, extended=extended)
    assert metric(clean + noise, clean) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("metric", [STOI(), ESTOI()])
def test_too_few_active_frames_are_undefined_instead_of_almost_zero(metric, clean):
    assert np.isnan(metric(clean[:4000], clean[:4000]))
