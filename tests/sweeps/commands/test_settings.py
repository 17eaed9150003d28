"""A setting has its field's type: text as it stands, paths from where they are typed, YAML for the rest."""

import pytest

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from sweeps.commands.settings import config_settings, sweep_settings
from sweeps.definition.spec import SweepSpec


def test_numbers_lists_and_nothing_are_yaml():
    assert sweep_settings(["budget.trials=40", "budget.hours=null", "constraints=['model/params <= 1']"]) == {
        "budget.trials": 40,
        "budget.hours": None,
        "constraints": ["model/params <= 1"],
    }
    assert config_settings(["optimizer.learning_rate=1e-3", "data.snr_db=[0, 5]", "training.metrics=[dnsmos]"]) == {
        "optimizer.learning_rate": 0.001,
        "data.snr_db": [0, 5],
        "training.metrics": ["dnsmos"],
    }


@pytest.mark.parametrize("name", ["take #2", "2024_05", "1e3", "no", "a: b", "[x]", "O'Brien", "0x10", "größe"])
def test_a_name_that_yaml_reads_as_something_else_is_the_folder_of_that_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    for key in ("data.corpus", "data.probes.street", "teacher.estimates", "teacher.checkpoint", "training.start_from"):
        assert config_settings([f"{key}={name}"]) == {key: str(tmp_path / name)}
        assert sweep_settings([f"config.{key}={name}"]) == {f"config.{key}": str(tmp_path / name)}
    assert sweep_settings([f"experiment={name}"]) == {"experiment": name}


def test_names_and_nothing_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["data.corpus=demo", "teacher.checkpoint=own-dccrn", "teacher.pretrained=null", "training.device=cpu"]
    assert config_settings([*given, "student.model=my.module:Student", "optimizer.schedule='constant'"]) == {
        "data.corpus": "demo",
        "teacher.checkpoint": "own-dccrn",
        "teacher.pretrained": None,
        "training.device": "cpu",
        "student.model": "my.module:Student",
        "optimizer.schedule": "constant",
    }


SWEEP = (
    "{name: s, config: c.yaml, space: {student.width: {min: 0.1, max: 0.5}, data.corpus: [{values: [demo]}]}, "
    "budget: {trials: 1, epochs_per_trial: 1}, objectives: [{metric: m, goal: minimize}], reference_point: {m: 1}}"
)


def test_an_entry_of_a_space_or_a_field_of_one_is_set(tmp_path, monkeypatch):
    """Key paths of a space hold dots, and are one key all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("{seed: 1}")
    (tmp_path / "sweep.yaml").write_text(SWEEP)

    def space(*settings):
        return SweepSpec.load(tmp_path / "sweep.yaml", sweep_settings([*settings])).space

    assert space("space.student.width.min=0.2")["student.width"] == {"min": 0.2, "max": 0.5}
    assert space("space.student.width={values: [0.25]}")["student.width"] == {"values": [0.25]}
    searched = space("space.training.start_from={values: [x]}", "space.training.start_from.prior=x")
    assert searched["training.start_from"] == {"values": [str(tmp_path / "x")], "prior": str(tmp_path / "x")}
    for setting, said in (
        ("space.student.widht.min=0.2", r"must be of a key that is searched \(student\.width, data\.corpus\)"),
        (
            "space.data.corpus.values=[a]",
            r"must be set as a whole where there are alternatives; set space\.data\.corpus",
        ),
    ):
        with pytest.raises(ConfigError, match=rf"sweep\.yaml: {setting.partition('=')[0]}: {said}"):
            space(setting)


def test_a_typed_path_is_seen_from_where_it_is_typed_and_a_files_from_the_file(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert config_settings(["data.corpus=../other"]) == {"data.corpus": str(tmp_path / "other")}
    (tmp_path / "there" / "c.yaml").write_text("{training: {epochs: 3}}")
    (tmp_path / "there" / "sweep.yaml").write_text(
        "{name: s, config: c.yaml, space: {training.epochs: {values: [1, 2]}}, "
        "budget: {trials: 1, epochs_per_trial: 1}, objectives: [{metric: m, goal: minimize}], reference_point: {m: 1}}"
    )
    (tmp_path / "here" / "take #2.yaml").write_text("{training: {epochs: 5}}")
    spec = SweepSpec.load(tmp_path / "there" / "sweep.yaml", sweep_settings(["config=take #2.yaml"]))
    assert spec.config["training"]["epochs"] == 5
    spec = SweepSpec.load(tmp_path / "there" / "sweep.yaml", sweep_settings(["space=dccrn", "config.data.corpus=x"]))
    assert "student.width" in spec.space
    assert spec.config["data"]["corpus"] == str(tmp_path / "here" / "x")


def test_typed_spaces_and_points_hold_paths_that_are_seen_from_where_they_are_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["space={training.start_from: {values: [null, ours]}}", "evaluate_first=[{training.start_from: ours}]"]
    ours = str(tmp_path / "ours")
    given += ["warm_start=[ours]", "storage.tracking_uri=sqlite:///ours"]
    assert sweep_settings([*given, "config={data: {corpus: ours}}", "config.data.probes={far: ours}"]) == {
        "warm_start": [ours],
        "storage.tracking_uri": f"sqlite:///{ours}",
        "space": {"training.start_from": {"values": [None, ours]}},
        "evaluate_first": [{"training.start_from": ours}],
        "config": {"data": {"corpus": ours}},
        "config.data.probes": {"far": ours},
    }


@pytest.mark.parametrize("key", ["data.corpus", "teacher.checkpoint", "optimizer.schedule", "student.model"])
def test_a_text_fields_value_is_what_the_config_then_holds(key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value = {"data.corpus": "a b", "optimizer.schedule": "constant", "student.model": "dptnet"}.get(key, "x y")
    config = ExperimentConfig.parse(with_overrides({}, config_settings([f"{key}={value}"])))
    block, field = key.split(".")
    assert str(getattr(getattr(config, block), field)).endswith(value)
