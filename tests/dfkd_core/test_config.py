"""The experiment config: strict, typed, with paths and numbers as people write them."""

import re
from pathlib import Path

import pytest

from dfkd_core.base.documents import dump_yaml, parse_yaml
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig, absolute_paths, fit_architecture, key_paths, load_config
from dfkd_core.errors import ConfigError


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"student": {"widht": 0.5}}, "student.widht: is not a known key; did you mean 'width'?"),
        (
            {"student": {"width": 1.5}},
            "student.width: must be less than or equal to 1, but got 1.5; the default is 0.25",
        ),
        (
            {"distillation": {"temperature": 0}},
            "distillation.temperature: must be greater than 0, but got 0; the default",
        ),
        ({"student": {"model": "dcrn"}}, "must be one of dccrn"),
        ({"distillation": {"method": "dkfd"}}, "distillation.method"),
        ({"distillation": {"min_cutoff_hz": 5000}}, "min_cutoff_hz must be below max_cutoff_hz"),
        ({"data": {"snr_db": [20, -5]}}, "data.snr_db must be [low, high]"),
        ({"trainig": {}}, "did you mean 'training'?"),
        ({"seed": True}, "seed: must hold a number, which true, false, yes, no, on and off are not, but got True; the"),
        ({"data": {"snr_db": [True, 5]}}, "data.snr_db: must hold a number, which true, false"),
        ({"data": {"snr_db": {"values": [True]}}}, "data.snr_db: must hold a number, which true, false"),
        ({"student": {"width": True}}, "student.width: must hold a number, which true, false"),
        ({"training": {"slimmable": [True]}}, "training.slimmable: must hold a number, which true, false"),
        ({"data": {"probes": {True: "street"}}}, "data.probes: holds a key that YAML reads as True"),
        ({"training": {"threads": 10**12}}, "training.threads: must be less than or equal to 1024"),
        ({"student": {"channels": [10**12]}}, "student.channels.0: must be less than or equal to 4096"),
        ({"student": {"model": "dptnet", "chunk": 10**9}}, "student.chunk: must be less than or equal to 16384"),
        ({True: 3}, "x.yaml: holds a key that YAML reads as True, where text is meant; put it in quotes"),
    ],
)
def test_a_broken_rule_is_one_line_with_key_rule_and_value(mapping, said):
    with pytest.raises(ConfigError) as caught:
        ExperimentConfig.parse(mapping, "x.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("x.yaml: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("{data: {corpus: ~who-ever/x}}", {}, "data.corpus: must be a path, but '~who-ever/x' names a home"),
        ("{seed: 1}", {"seed.x": 1}, "seed.x: has no keys below 'seed', which holds 1"),
    ],
)
def test_whatever_is_wrong_with_a_file_names_it(tmp_path: Path, text, overrides, said):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'c.yaml'}: {said}")):
        load_config(tmp_path / "c.yaml", overrides)


def test_truth_values_stay_where_they_are_asked_for():
    parsed = ExperimentConfig.parse({"training": {"compile": True}, "provenance": {"is_ours": [True]}})
    assert parsed.training.compile is True and parsed.provenance == {"is_ours": [True]}


def test_the_resolved_config_reads_back_as_itself():
    config = ExperimentConfig.parse({"student": {"width": 0.5}, "optimizer": {"learning_rate": 2e-3}})
    text = dump_yaml(config.model_dump(mode="json"))
    assert ExperimentConfig.parse(parse_yaml(text)) == config


@pytest.mark.parametrize(("text", "value"), [("1e-3", 1e-3), ("1.0e9", 1e9), ("-2E4", -2e4), ("3", 3), ("1e", "1e")])
def test_numbers_in_scientific_notation_are_numbers(text, value):
    assert parse_yaml(f"x: {text}") == {"x": value}


def test_relative_paths_are_seen_from_the_configs_folder(tmp_path: Path):
    (tmp_path / "c.yaml").write_text("data: {corpus: speech}\nteacher: {checkpoint: big/model}\n")
    config = load_config(tmp_path / "c.yaml")
    assert config.data.corpus == str(tmp_path / "speech")
    assert config.teacher.checkpoint == str(tmp_path / "big/model")
    assert absolute_paths(ExperimentConfig(), tmp_path).data.corpus == "demo"


def test_a_name_that_is_no_shipped_model_is_a_path_wherever_one_stands(tmp_path: Path, monkeypatch):
    for name in ("configs", "ours"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs" / "c.yaml").write_text("training: {start_from: ours}\nteacher: {checkpoint: own-dccrn}\n")
    config = load_config("configs/c.yaml")
    assert config.training.start_from == str(tmp_path / "configs" / "ours")
    assert config.teacher.checkpoint == "own-dccrn"


def test_overrides_change_a_copy():
    base = {"student": {"width": 0.25}}
    assert with_overrides(base, {"student.width": 0.5, "training.epochs": 3}) == {
        "student": {"width": 0.5},
        "training": {"epochs": 3},
    }
    assert base == {"student": {"width": 0.25}}


def test_every_field_of_the_resolved_config_is_a_key_path():
    resolved = ExperimentConfig().model_dump(mode="json")
    known = key_paths(resolved)
    leaves = {f"{block}.{key}" for block, fields in resolved.items() if isinstance(fields, dict) for key in fields}
    assert leaves <= known


def test_another_architecture_keeps_the_fields_that_it_has():
    dccrn = ExperimentConfig().model_dump(mode="json")
    changed = with_overrides(dccrn, {"student.model": "conv_tasnet", "student.width": 0.5})
    student = ExperimentConfig.parse(fit_architecture(changed)).student
    assert (student.model, student.width) == ("conv_tasnet", 0.5)
    with pytest.raises(ConfigError, match="widht"):
        ExperimentConfig.parse(fit_architecture(with_overrides(changed, {"student.widht": 1})))
