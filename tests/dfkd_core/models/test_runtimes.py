"""Where a model runs follows from its framing."""

import pytest
from torch import nn

from dfkd_core.models import build_model
from dfkd_core.models.runtimes import Runtime, runtime_of
from sweeps.definition.metric_facts import words_of

WHOLE_WINDOWS = {"model": "dccrn", "width": 0.0625, "window_samples": 512, "hop_samples": 256}


@pytest.mark.parametrize(
    ("fields", "runtime"),
    [
        ({"model": "gtcrn", "channels": 8}, Runtime.SHERPA_ONLINE),
        ({**WHOLE_WINDOWS, "causal": True, "window": "hann_sqrt"}, Runtime.SHERPA_ONLINE),
        ({**WHOLE_WINDOWS, "causal": True}, Runtime.SHERPA_OFFLINE),
        ({**WHOLE_WINDOWS, "window": "hann_sqrt", "hop_samples": 128}, Runtime.SHERPA_OFFLINE),
        ({"model": "dccrn", "width": 0.0625}, Runtime.LIVE),
        ({"model": "conv_tasnet", "width": 0.0625, "causal": True}, Runtime.LIVE),
        ({"model": "conv_tasnet", "width": 0.0625}, Runtime.WHOLE),
        ({"model": "dptnet", "width": 0.0625}, Runtime.WHOLE),
    ],
)
def test_the_level_is_the_highest_that_the_framing_allows(fields, runtime):
    fields = dict(fields)
    assert runtime_of(build_model(fields.pop("model"), **fields)) == runtime


def test_a_module_that_says_nothing_runs_on_whole_clips():
    assert runtime_of(nn.Linear(1, 1)) == Runtime.WHOLE


def test_the_page_of_a_front_calls_runtimes_as_the_models_do():
    assert words_of("model/runtime") == tuple(runtime.words for runtime in Runtime)
