"""Exported configs: what trains, how long, and where it came from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from front_cases import QUALITY, SIZE, small_sweep, spec

from dfkd_core.base.documents import dump_yaml, read_yaml
from dfkd_core.config import load_config
from dfkd_core.errors import ConfigError
from sweeps.fronts.choose import choose_knee, choose_per_decade
from sweeps.fronts.export import export_choices, export_config, with_base_epochs
from sweeps.fronts.front import build_front

TAGS = {"git_commit": "c0ffee", "data_hash": "d1", "teacher_hash": None}


@pytest.fixture
def sweep(tmp_path):
    """A sweep folder with one resolved config per point of its front."""
    sweep_spec = spec()
    (tmp_path / "sweep.yaml").write_text(dump_yaml(sweep_spec.model_dump(mode="json")))
    front = build_front(sweep_spec, "id-1", small_sweep(), {0: "run0"})
    for point in front.points:
        file = tmp_path / point.config
        file.parent.mkdir(parents=True)
        student = {"model": "dccrn", "width": point.params["student.width"]}
        file.write_text(dump_yaml({"seed": 3, "student": student, "training": {"epochs": 6, "batch_size": 4}}))
    return tmp_path, front


def test_the_exported_file_is_an_experiment_config_at_the_base_configs_length(sweep, tmp_path):
    folder, front = sweep
    choice = choose_knee(front)
    (file,) = export_choices(folder, front, [choice], tmp_path / "chosen.yaml", TAGS, several=False)
    config = load_config(file)
    assert (config.training.epochs, config.training.batch_size, config.seed) == (40, 4, 3)
    assert config.student.width == choice.point.params["student.width"]


def test_provenance_tells_trial_run_hashes_values_and_why(sweep):
    folder, front = sweep
    choice = choose_knee(front)
    told = export_config(folder, front, choice, TAGS)["provenance"]
    assert (told["sweep"], told["sweep_id"], told["trial"], told["run_id"]) == ("first", "id-1", 0, "run0")
    assert (told["git_commit"], told["data_hash"], told["teacher_hash"]) == ("c0ffee", "d1", None)
    assert (told["epochs_per_trial"], told["chosen"]) == (6, choice.why)
    assert told["expected"][QUALITY] == 2.0 and told["expected"][SIZE] == 200_000 and "val/stoi" in told["expected"]
    assert told["exported"].endswith("+00:00")


def test_provenance_promises_a_probe_s_scores_though_none_is_an_objective(sweep):
    folder, front = sweep
    choice = choose_knee(front)
    measured = choice.point.metrics | {"probe/abroad/stoi": 0.75, "train/loss": 0.5}
    probed = replace(choice, point=choice.point.model_copy(update={"metrics": measured}))
    expected = export_config(folder, front, probed, TAGS)["provenance"]["expected"]
    assert expected["probe/abroad/stoi"] == 0.75 and "train/loss" not in expected


def test_provenance_tells_what_the_model_began_with(sweep):
    folder, front = sweep
    choice = choose_knee(front)
    assert "start_hash" not in export_config(folder, front, choice, TAGS)["provenance"]
    origin = {"start_hash": "abc", "start": "a slice by weight of own-dccrn", "teacher": "dtln"}
    ((folder / choice.point.config).parent / "metrics.json").write_text(json.dumps({"origin": origin}))
    told = export_config(folder, front, choice, TAGS)["provenance"]
    assert (told["start_hash"], told["start"]) == ("abc", "a slice by weight of own-dccrn")
    assert told["data_hash"] == "d1", "the sweep's, where the record has none"


def test_provenance_tells_the_teacher_of_the_trial_where_teachers_were_searched(sweep):
    folder, front = sweep
    choice = choose_knee(front)
    origin = {"data_hash": "d2", "teacher_hash": "t2"}
    ((folder / choice.point.config).parent / "metrics.json").write_text(json.dumps({"origin": origin}))
    told = export_config(folder, front, choice, {**TAGS, "teacher_hash": "t1"})["provenance"]
    assert (told["data_hash"], told["teacher_hash"]) == ("d2", "t2")


def test_several_points_go_into_a_folder_one_file_each(sweep, tmp_path):
    folder, front = sweep
    files = export_choices(folder, front, choose_per_decade(front), tmp_path / "out", TAGS, several=True)
    assert [file.name for file in files] == ["first-t0001.yaml", "first-t0000.yaml", "first-t0004.yaml"]
    assert [read_yaml(file)["provenance"]["trial"] for file in files] == [1, 0, 4]
    only = choose_per_decade(front)[:1]
    (alone,) = export_choices(folder, front, only, tmp_path / "one", TAGS, several=True)
    assert alone == tmp_path / "one/first-t0001.yaml", "one decade, and still a folder"


def test_several_points_do_not_fit_into_a_file(sweep, tmp_path):
    folder, front = sweep
    (tmp_path / "taken.yaml").write_text("kept")
    with pytest.raises(ConfigError, match="must be a folder"):
        export_choices(folder, front, choose_per_decade(front), tmp_path / "taken.yaml", TAGS, several=True)
    assert (tmp_path / "taken.yaml").read_text() == "kept"


@pytest.mark.parametrize("name", ["sweep.yaml", "front/mine.yaml", "trials/0000/config.yaml"])
def test_the_sweeps_own_files_are_no_place_for_an_export(sweep, name):
    folder, front = sweep
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match="must be none of a sweep's own files"):
        export_choices(folder, front, [choose_knee(front)], folder / name, TAGS, several=False)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_base_config_without_epochs_leaves_the_default_in_force():
    config = {"training": {"epochs": 6, "threads": 1}}
    assert with_base_epochs(config, {"training": {}}) == {"training": {"threads": 1}}
    assert with_base_epochs(config, {}) == {"training": {"threads": 1}}


def test_configs_of_other_workloads_are_exported_as_they_are():
    assert with_base_epochs({"x": 0.5}, {"x": 0.1}) == {"x": 0.5}


def test_a_missing_trial_config_is_named_and_nothing_is_written(sweep, tmp_path):
    folder, front = sweep
    choice = choose_knee(front)
    (folder / choice.point.config).unlink()
    with pytest.raises(ConfigError, match=r"trials/0000/config\.yaml"):
        export_choices(folder, front, [choice], tmp_path / "chosen.yaml", TAGS, several=False)
    assert not (tmp_path / "chosen.yaml").exists()
