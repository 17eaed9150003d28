"""The data block: ranges or sets, shares, and rules between them."""

import pytest

from dfkd_core.data.config import DataConfig, ValueSet
from dfkd_core.errors import ConfigError


def test_snr_is_a_range_or_a_set():
    assert DataConfig.parse({"snr_db": [0, 15]}).snr_db == (0, 15)
    assert DataConfig.parse({"snr_db": {"values": [0, 5]}}).snr_db == ValueSet(values=(0, 5))


def test_both_forms_read_back_from_json():
    for snr_db in ([0.0, 15.0], {"values": [0.0, 5.0]}):
        data = DataConfig.parse({"snr_db": snr_db})
        assert data.model_dump(mode="json")["snr_db"] == snr_db
        assert DataConfig.parse(data.model_dump(mode="json")) == data


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"snr_db": [20, -5]}, r"snr_db must be \[low, high\], but got \[20, -5\]"),
        ({"snr_db": {"values": []}}, r"snr_db\.values: .*at least 1 item"),
        ({"snr_db": {"value": [1]}}, r"snr_db\.value"),
        ({"snr_db": [1, 2, 3]}, r"snr_db: must be a range \[low, high\]"),
        ({"snr_db": 5}, r"snr_db: must be a range \[low, high\] or \{values: .*, but got 5; write \[5, 5\]"),
        ({"level_dbfs": -20}, r"level_dbfs: must be a range \[low, high\], but got -20; write \[-20, -20\]"),
        (
            {"probes": {"Street Noise": "x"}},
            r"^probes\.Street Noise: must be a name of .*, but got 'Street Noise'; call it street-noise$",
        ),
        ({"probes": {"ä" * 50: "x"}}, "at most 40 characters .*; call it street$"),
        ({"level_dbfs": 3}, r"level_dbfs: must be a range .*, but got 3; write \[-35, -15\]"),
        ({"level_dbfs": True}, r"level_dbfs: must be a range .*, but got True; write \[-35, -15\]"),
        ({"level_dbfs": [-5, 3]}, r"level_dbfs\.1: must be less than or equal to 0, but got 3"),
        ({"snr_db": [0, 1e308]}, r"snr_db\.1: must be less than or equal to 100, but got 1e\+308"),
        ({"snr_db": {"values": [-400]}}, r"snr_db\.values\.0: must be greater than or equal to -100, but got -400"),
        ({"train_hours": 1e9}, "train_hours: must be less than or equal to 10000"),
        ({"validation_clips": 4 * 10**9}, "validation_clips: must be less than or equal to 100000"),
        ({"clipping": 1.5}, "clipping: .*less than or equal to 1"),
        ({"target_reflections": "early"}, r"must be dry without impulse responses.*data\.impulse_responses"),
        ({"target_reflections": "late", "impulse_responses": 1}, "target_reflections: must be 'dry' or 'early'"),
    ],
)
def test_a_broken_rule_is_told_in_one_line(block, said):
    with pytest.raises(ConfigError, match=said) as caught:
        DataConfig.parse(block)
    assert "\n" not in str(caught.value)
