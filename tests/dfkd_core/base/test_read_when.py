"""One table says which keys change nothing where; a config that sets one is warned."""

import pytest

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.read_when import READ_WHEN, unread
from dfkd_core.config import ExperimentConfig, key_paths, load_config

DEFAULTS = ExperimentConfig().model_dump(mode="json")


def test_the_table_speaks_of_keys_and_values_that_the_config_has():
    known = key_paths({})
    for key, conditions in READ_WHEN.items():
        assert {key, *conditions} <= known, key
        for other, values in conditions.items():
            for value in values if values != ("*",) else ("own-dccrn",):
                ExperimentConfig.parse(with_overrides({}, {other: value}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"distillation.temperature": 4.0}, "distillation.temperature 4.0 changes nothing"),
        ({"distillation.cutoff_hz": 900.0}, "only with distillation.split fixed, not dynamic"),
        ({"distillation.split": "fixed", "distillation.min_cutoff_hz": 99.0}, "split dynamic, not fixed"),
        ({"distillation.split": "fixed", "distillation.slope": "fall"}, "dynamic or literal, not fixed"),
        ({"distillation.method": "output_mse", "distillation.beta": 0.1}, "method dfkd or dispatch, not output_mse"),
        ({"distillation.keep": 0.3}, "only with distillation.method dispatch, not dfkd"),
        ({"training.norms": "train"}, "training.norms train changes nothing"),
        ({"training.slice_by": "first"}, "only with training.start_from set, not None"),
    ],
)
def test_a_value_that_changes_nothing_is_told(changes, words):
    (sentence,) = unread(with_overrides(DEFAULTS, changes), DEFAULTS)
    assert words in sentence


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"distillation.temperature": 4.0, "distillation.weighting": "dynamic"},
        {"distillation.cutoff_hz": 900.0, "distillation.split": "fixed"},
        {"distillation.keep": 0.3, "distillation.method": "dispatch"},
        {"training.slice_by": "first", "training.start_from": "own-dccrn"},
        {"training.norms": "freeze"},  # refused where training begins
    ],
)
def test_nothing_is_told_of_defaults_and_of_what_is_read(changes):
    assert unread(with_overrides(DEFAULTS, changes), DEFAULTS) == []


def test_a_config_file_that_sets_such_a_key_is_warned(tmp_path, caplog):
    path = tmp_path / "config.yaml"
    path.write_text("distillation: {temperature: 4}\n")
    load_config(path)
    assert f"{path}: distillation.temperature 4.0 changes nothing" in caplog.text


def test_an_exported_config_is_not_warned_of_what_its_sweep_set_for_others(tmp_path, caplog):
    path = tmp_path / "best.yaml"
    path.write_text("distillation: {method: none, weighting: dynamic}\nprovenance: {sweep: demo, trial: 1}\n")
    load_config(path)
    assert not caplog.text
