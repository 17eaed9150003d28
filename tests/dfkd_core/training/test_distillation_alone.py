"""Whatever needs clean speech is refused where there is none, with its key and a remedy."""

import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.training.distillation_alone import require_distillation_alone

ALONE = {"snr": 0, "compressed_spectrum": 0}


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ({}, r"loss\.snr: needs clean speech, which corpus does not have .*set loss\.snr, loss\.compressed_spectrum"),
        ({"loss": ALONE, "distillation": {"target": "clean"}}, r"distillation\.target: needs .*set it to teacher"),
        ({"loss": ALONE, "distillation": {"split_from": "clean"}}, r"distillation\.split_from: .*set it to teacher"),
        ({"loss": ALONE, "distillation": {"method": "dispatch"}}, r"distillation\.method: .*dispatch; choose another"),
    ],
)
def test_a_setting_that_needs_clean_speech_is_named(blocks, said):
    with pytest.raises(ConfigError, match=said) as caught:
        require_distillation_alone(ExperimentConfig.parse(blocks), "corpus")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "distillation", [{}, {"method": "output_mse"}, {"split": "fixed", "split_from": "clean"}, {"split": "literal"}]
)
def test_distillation_alone_is_accepted(distillation):
    config = ExperimentConfig.parse({"loss": ALONE, "distillation": distillation})
    assert require_distillation_alone(config, "corpus") is None
