"""All that can be wrong with a sweep is said before anything is written."""

from pathlib import Path

import pytest
from closed_form import Curve

from dfkd_core.base.documents import dump_yaml
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import write_model_folder
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.checking import BEGUN_WITH, check_begun, check_same, complete, resolved

SQLITE = "sqlite:///FILE or a database's URL"
SIZE = {"metric": "model/params", "goal": "minimize", "scale": "log"}


def sweep(metric="val/pesq_wb", **changes):
    """A distillation sweep with one objective beside the size."""
    return SweepSpec.model_validate(
        {
            "name": "checked",
            "config": {"student": {"model": "dccrn"}, "distillation": {"method": "none"}},
            "space": {"student.width": {"values": [0.125, 0.25]}},
            "objectives": [{"metric": metric, "goal": "maximize"}, SIZE],
            "reference_point": {metric: 0.0, "model/params": 4e6},
            "budget": {"trials": 2, "epochs_per_trial": 1},
            **changes,
        }
    )


def test_a_good_sweep_comes_back_with_its_config_complete():
    spec = resolved(sweep(), DistillationWorkload)
    assert spec.config["training"]["batch_size"] >= 1
    assert spec.config["student"] == {"model": "dccrn"}


@pytest.mark.parametrize(
    ("config", "space", "file", "said"),
    [
        ("{student: {width: 7}}", "{seed: {values: [1]}}", "c.yaml", "config.student.width: must be"),
        ("{training: {start_from: gone}}", "{seed: {values: [1]}}", "c.yaml", "config.training.start_from: must be"),
        ("{}", "{student.width: {min: 3, max: 7}}", "s.yaml", "space.student.width: holds 3.0, which the config"),
        (
            "{}",
            "{student.width: {min: yes, max: 7}}",
            "s.yaml",
            "space.student.width: must hold values, or min and max",
        ),
    ],
)
def test_whatever_is_wrong_names_the_file_in_which_it_stands(tmp_path, config, space, file, said):
    (tmp_path / "c.yaml").write_text(config)
    (tmp_path / "s.yaml").write_text(
        f"{{name: s, config: c.yaml, space: {space}, objectives: [{{metric: model/params, goal: minimize}}], "
        "reference_point: {model/params: 1}, budget: {trials: 1, epochs_per_trial: 1}}"
    )
    with pytest.raises(ConfigError, match=f"^{tmp_path / file}: {said}"):
        resolved(SweepSpec.load(tmp_path / "s.yaml"), DistillationWorkload)


def test_a_probe_s_scores_may_be_objectives_and_constraints_of_a_config_that_has_it():
    config = {"distillation": {"method": "none"}, "data": {"probes": {"abroad": "demo-abroad"}}}
    probed = sweep("probe/abroad/pesq_wb", config=config, constraints=["probe/abroad/gain_db >= -1"])
    assert resolved(probed, DistillationWorkload).config["data"]["probes"] == {"abroad": "demo-abroad"}
    balanced = sweep("probe/abroad/gain_db", config=config)  # as val/gain_db
    for spec in (sweep("probe/abroad/pesq_wb"), sweep("probe/home/pesq_wb", config=config), balanced):
        with pytest.raises(
            ConfigError, match=r"objectives: must name a metric that can be used there, but got 'probe/"
        ):
            resolved(spec, DistillationWorkload)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (sweep("val/pesq"), "did you mean 'val/pesq_wb'"),
        (sweep("val/dnsmos"), "config.training.metrics: must hold dnsmos, which an objective or a constraint uses"),
        (sweep(config={"training": {"metrics": ["pesq"]}}), "must hold optional metrics (dnsmos), but got 'pesq'"),
        (sweep("val/gain_db"), "val/gain_db"),  # best at zero: neither more nor less of it is better
        (sweep(constraints=["model/param <= 1"]), "did you mean 'model/params'"),
        (sweep(space={"student.widht": {"values": [0.25]}}), "did you mean 'student.width'"),
        (sweep(space={"student.width": {"values": [0.25, -1]}}), "-1"),
        (sweep(evaluate_first=[{"student.width": 0.3}]), "evaluate_first[0]"),
        (sweep(sampler={"name": "tpe", "options": {"n_startup": 3}}), "sampler.options"),
        (sweep(config={"distillation": {"method": "dkfd"}}), "config.distillation.method"),
        (
            sweep(experiment="x" * 501),
            "experiment: must have at most 500 characters, as MLflow takes them, but has 501",
        ),
        *(
            (
                sweep(storage={"tracking_uri": uri}),
                f"storage.tracking_uri: must be http(s)://HOST, {SQLITE}, but got {uri!r}",
            )
            for uri in (
                *("foo://host", "host:5000", "mlruns", "file:///data/mlruns", "sqlite://", "sqlite:///"),
                *("http://", "https:///x", "http://[::1", "http://a b"),
            )
        ),
        (sweep(storage={"tracking_uri": f"sqlite:///{__file__}"}), "must be a SQLite database, but is another file"),
        (sweep(storage={"tracking_uri": "sqlite:////dev"}), "storage.tracking_uri: must be a file, but is a folder"),
    ],
)
def test_a_wrong_sweep_is_refused_in_one_line(spec, said):
    with pytest.raises(ConfigError) as caught:
        resolved(spec, DistillationWorkload)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_address_in_the_environment_is_refused_by_its_name_where_the_file_names_none(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "foo://ann:hunter2@host")
    with pytest.raises(ConfigError, match=r"^MLFLOW_TRACKING_URI: must be .* but got 'foo://ann@host'"):
        resolved(sweep(), DistillationWorkload)
    assert resolved(sweep(storage={"tracking_uri": "http://host:5000"}), DistillationWorkload)


def test_paths_beside_the_config_are_seen_from_the_file_in_which_they_stand(tmp_path, monkeypatch):
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    file, asked = tmp_path / "there" / "sweep.yaml", sweep(storage={"tracking_uri": "sqlite:///m.db"})
    file.write_text(dump_yaml({**asked.model_dump(mode="json"), "warm_start": ["../earlier", "~/other"]}))
    found = complete(SweepSpec.load(file), DistillationWorkload)
    assert found.warm_start == (str(tmp_path / "earlier"), str(Path("~/other").expanduser()))
    assert found.storage.tracking_uri == f"sqlite:///{tmp_path}/there/m.db"
    assert complete(found, DistillationWorkload) == found


def test_a_search_over_wider_students_than_the_one_training_starts_from_is_refused(tmp_path):
    config = ExperimentConfig.parse({"student": {"model": "dccrn", "width": 0.125}})
    weights = build_student(config.student).state_dict()
    write_model_folder(tmp_path, config, weights, {}, noisy={}, epochs=1, origin={})
    start = {"training": {"start_from": str(tmp_path)}, "student": {"model": "dccrn", "width": 0.125}}
    rates = {"optimizer.learning_rate": {"min": 1e-4, "max": 1e-3, "log": True}}
    assert resolved(sweep(config=start, space=rates), DistillationWorkload)
    with pytest.raises(
        ConfigError,
        match=r"training\.start_from must name a model at least as wide as the student, .* 2 channels, not 4",
    ):
        resolved(sweep(config=start), DistillationWorkload)


@pytest.mark.parametrize(
    ("widths", "said"),
    [
        ([1.5], r"^config\.training\.slimmable: must hold widths below student\.width 0\.25, but got 1\.5"),
        ([0.125, 0.125], r"^config\.training\.slimmable: must hold widths that take channels away, but 0\.125"),
        ([0.125], r"^space\.student\.width: holds 0\.125, which the config .*must hold widths below student\.width"),
    ],
)
def test_widths_that_cannot_be_slices_are_refused_for_the_config_and_each_value_of_the_space(widths, said):
    with pytest.raises(ConfigError, match=said):
        resolved(sweep(config={"training": {"slimmable": widths}}), DistillationWorkload)


def test_a_search_over_starts_is_checked_for_each_of_them():
    config = {"teacher": {"checkpoint": "own-dccrn"}, "student": {"model": "dccrn", "width": 0.25}}
    starts = {"training.start_from": {"values": [None, "teacher"]}}
    assert resolved(sweep(config=config, space=starts), DistillationWorkload)
    with pytest.raises(ConfigError, match=r"training\.start_from must be a model .* the teacher is no model of ours"):
        resolved(sweep(config={**config, "teacher": {"pretrained": "dtln"}}, space=starts), DistillationWorkload)


class Begun:
    """A sweep as `check_begun` sees it."""

    def __init__(self, spec, begun, path):
        self.spec, self.path = spec, path
        self.ledger = type("Attrs", (), {"attrs": lambda self: {} if begun is None else {BEGUN_WITH: begun}})()


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"space": {"student.width": {"values": [0.0625, 0.125, 0.25]}}}, "space.student.width.values"),
        ({"budget": {"trials": 2, "epochs_per_trial": 4}}, "budget.epochs_per_trial"),
        ({"sampler": {"seed": 1}}, "sampler.seed"),
        ({"constraints": ["model/params <= 5"]}, "constraints"),
        ({"config": {"student": {"model": "dccrn"}, "distillation": {}}}, "config.distillation.method"),
    ],
)
def test_what_set_may_not_change_on_resume_an_editor_may_not_either(tmp_path, change, key):
    """A longer list of choices would move the searched values of finished trials."""
    with pytest.raises(ConfigError, match=r"when this sweep began.*set it back, or begin a new sweep") as caught:
        check_begun(Begun(sweep(**change), sweep().model_dump(mode="json"), tmp_path))
    assert (caught.value.key, caught.value.file) == (key, tmp_path / "sweep.yaml")


def refused(held):
    """The key that a begun sweep may not change, if any."""
    try:
        check_begun(held)
    except ConfigError as error:
        return error.key
    return None


def test_budget_failures_and_resources_may_change(tmp_path):
    changed = sweep(
        budget={"trials": 9, "epochs_per_trial": 1}, resources={"max_concurrent": 1}, failures={"max_retries": 5}
    )
    assert refused(Begun(changed, sweep().model_dump(mode="json"), tmp_path)) is None


def test_a_sweep_of_an_earlier_version_is_taken_as_it_is(tmp_path):
    assert refused(Begun(sweep(), None, tmp_path)) is None


def test_a_sweep_file_that_asks_for_the_same_sweep_asks_for_nothing_else(tmp_path):
    begun = resolved(sweep(), DistillationWorkload)
    held = Begun(begun, begun.model_dump(mode="json"), tmp_path)
    assert check_same(held, sweep(), DistillationWorkload) == {}


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"budget": {"trials": 9, "epochs_per_trial": 1}}, {"budget.trials": 9}),
        ({"budget": {"trials": 1, "epochs_per_trial": 1}}, {}),  # it was extended since, and stays so
        ({"resources": {"max_concurrent": 1}}, {"resources.max_concurrent": 1}),
        ({"failures": {"max_retries": 5}}, {"failures.max_retries": 5}),
    ],
)
def test_a_sweep_file_may_ask_for_more_trials_and_other_resources(tmp_path, change, asked):
    begun = resolved(sweep(), DistillationWorkload)
    held = Begun(begun, begun.model_dump(mode="json"), tmp_path)
    assert check_same(held, sweep(**change), DistillationWorkload) == asked


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "other"}, "name"),
        ({"sampler": {"seed": 1}}, "sampler.seed"),
        ({"config": {"student": {"model": "dccrn"}, "distillation": {"method": "none"}, "seed": 4}}, "config.seed"),
        ({"space": {"student.width": {"values": [0.0625, 0.125, 0.25]}}}, "space.student.width.values"),
    ],
)
def test_another_sweep_is_refused_by_the_key_that_differs(tmp_path, change, key):
    begun = resolved(sweep(), DistillationWorkload)
    held = Begun(begun, begun.model_dump(mode="json"), tmp_path)
    with pytest.raises(ConfigError, match=f"when the sweep in {tmp_path} began; name another --out") as caught:
        check_same(held, sweep(**change), DistillationWorkload)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("first", "since", "now", "asked"),
    [
        ({"hours": 2}, {"hours": 8}, {"hours": 2}, {}),  # it was given more since
        ({"hours": 2}, {"hours": 8}, {"hours": 4}, {}),
        ({"hours": 2}, {"hours": 2}, {"hours": 8}, {"budget.hours": 8.0}),
        ({"trials": 4}, {"hours": 8}, {"trials": 4}, {}),  # it was given the other kind since
        ({"trials": 4}, {"trials": 4}, {"hours": 8}, {"budget.trials": None, "budget.hours": 8.0}),
    ],
)
def test_a_job_that_is_begun_again_takes_no_budget_back(tmp_path, first, since, now, asked):
    begun, held, spec = (sweep(budget={**budget, "epochs_per_trial": 1}) for budget in (first, since, now))
    begun, held = (resolved(one, DistillationWorkload) for one in (begun, held))
    assert check_same(Begun(held, begun.model_dump(mode="json"), tmp_path), spec, DistillationWorkload) == asked


def test_a_searched_key_that_would_miss_one_with_a_dot_is_refused():
    spec = SweepSpec.parse(
        {
            "name": "dots",
            "config": {"x": {"a.b": 1}},
            "space": {"x.a.b": {"values": [10, 20]}},
            "objectives": [{"metric": "val/quality", "goal": "maximize"}],
            "reference_point": {"val/quality": 0.0},
            "budget": {"trials": 2, "epochs_per_trial": 1},
        }
    )
    with pytest.raises(ConfigError, match=r"space\.x\.a\.b: .* has a key 'a\.b' with a dot; rename that one"):
        resolved(spec, Curve)
