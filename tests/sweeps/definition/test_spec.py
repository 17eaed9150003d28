"""The sweep file: what is wrong in it is said in one line, whatever it is."""

import copy
import datetime
import json
from pathlib import Path

import pytest
import yaml
from closed_form import PARAMS, QUALITY, sweep
from hypothesis import given, settings
from hypothesis import strategies as st

from dfkd_core.base.documents import dump_yaml
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import write_model_folder
from sweeps.definition.spec import Budget, SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.checking import changes, complete, resolved
from sweeps.workload import Workload

REAL = {
    "name": "real",
    "config": {
        "student": {"model": "dccrn", "width": 0.25},
        "distillation": {"method": "dfkd"},
        "teacher": {"pretrained": "dtln"},
    },
    "space": {
        "student.width": {"values": [0.125, 0.25]},
        "distillation.split": {"values": ["dynamic", "fixed"]},
        "distillation.cutoff_hz": {"min": 500, "max": 4000, "log": True, "when": {"distillation.split": "fixed"}},
    },
    "objectives": [
        {"metric": "val/pesq_wb", "goal": "maximize"},
        {"metric": PARAMS, "goal": "minimize", "scale": "log"},
    ],
    "reference_point": {"val/pesq_wb": 1.0, PARAMS: 4e6},
    "constraints": ["model/macs_per_s <= 1.0e9"],
    "budget": {"trials": 24, "epochs_per_trial": 6, "hours": None},
    "scheduler": {"name": "pareto_asha", "reduction_factor": 3, "min_epochs": 1},
    "storage": {"ledger": "journal", "shared": None, "tracking_uri": None},
}


def changed(path, value, base=REAL):
    """A copy of a mapping with one node replaced."""
    mapping = copy.deepcopy(base)
    node = mapping
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return mapping


def refused(mapping, tmp_path):
    """The one line with which a file of this mapping is refused."""
    path = tmp_path / "sweep.yaml"
    path.write_text(dump_yaml(mapping))
    with pytest.raises(ConfigError) as caught:
        resolved(SweepSpec.load(path), DistillationWorkload)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("name",), "Über", "name"),
        (("samplr",), {}, "did you mean 'sampler'"),
        (("budget", "trials"), 0, "budget.trials"),
        (("budget", "trials"), 2.5, "budget.trials"),
        (("budget", "epochs_per_trial"), -1, "-1"),
        (("budget", "hours"), 0, "budget.hours"),
        (("budget", "trials"), None, "must have trials or hours, else the sweep never ends"),
        (("budget", "hours"), float("inf"), "finite"),
        (("budget", "hours"), True, "budget.hours: must hold a number, which true, false"),
        (("reference_point", PARAMS), True, "reference_point: must hold a number, which true, false"),
        (("budget", "trals"), 3, "did you mean 'trials'"),
        (("objectives",), [], "objectives"),
        (("objectives", 0, "goal"), "max", "'maximize' or 'minimize'"),
        (("objectives", 1, "metric"), "val/pesq_wb", "each metric once"),
        (("objectives", 0, "metric"), "val/pesq", "'val/pesq' is missing"),
        (("reference_point",), {"val/pesq_wb": 1.0}, PARAMS),
        (("reference_point", "val/stoi"), 1.0, "reference_point.val/stoi"),
        (("reference_point", PARAMS), 0, "above 0 on a log scale"),
        (("reference_point", PARAMS), float("nan"), "finite"),
        (("constraints",), ["model/params < 3"], "'metric <= number'"),
        (("constraints",), ["model/parms <= 3"], "did you mean 'model/params'"),
        (("constraints",), ["model/params <= 1.2.3"], "1.2.3"),
        (("scheduler", "min_epochs"), 6, "scheduler.min_epochs"),
        (("scheduler", "reduction_factor"), 1, "reduction_factor"),
        (("sampler",), {"name": "tpe", "options": {"bad": 1}}, "sampler.options"),
        (("scheduler", "reduction_factor"), 1.0000001, "scheduler.reduction_factor: must be greater than or equal to"),
        (("sampler",), {"seed": -1}, "sampler.seed"),
        (("sampler",), {"seed": 2**32}, "sampler.seed: must be less than 4294967296"),
        (("config", "student", "width"), 1.5, "config.student.width"),
        (("config",), "missing.yaml", "missing.yaml"),
        (("config",), "\0", "config: must be a path"),
        (("space",), "dccrm", "did you mean 'dccrn'"),
        (("space",), "~nobody-at-all/space.yaml", "~nobody-at-all"),
        (("space", "student.width", "values"), [0.25, 7], "space.student.width"),
        (("evaluate_first",), [{"student.width": 0.3}], "evaluate_first[0].student.width"),
        (("evaluate_first",), [{"student.width": 0.25}] * 25, "evaluate_first"),
        (("storage", "ledger"), "sqlite:///x.db", "storage.ledger"),
        (("failures",), {"max_failed_share": 1.5}, "max_failed_share"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line_with_file_key_and_remedy(tmp_path, path, value, told):
    line = refused(changed(path, value), tmp_path)
    assert told in line
    assert "sweep.yaml" in line or "missing.yaml" in line or path[0] in line


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("storage", "ledger"), "storage.ledger"),
        (("storage", "shared"), "storage.shared"),
        (("storage", "tracking_uri"), "storage.tracking_uri"),
        (("config", "data"), "config.data"),
        (("warm_start",), "warm_start"),
        (("experiment",), "experiment"),
    ],
)
def test_a_password_in_any_url_of_the_file_is_refused_without_being_repeated(tmp_path, path, key):
    url = "postgresql://user:hunter2@host/db"
    value = {"data": {"corpus": url}, "warm_start": [url]}.get(path[-1], url)
    line = refused(changed(path, value), tmp_path)
    assert key in line
    assert "hunter2" not in line


@pytest.mark.parametrize("option", ["password=hunter2", "sslmode=require&sslpassword=hunter2", "Access_Token=hunter2"])
def test_a_secret_among_a_url_s_options_is_refused_without_being_repeated(tmp_path, option):
    line = refused(changed(("storage", "ledger"), f"postgresql://user@host/db?{option}"), tmp_path)
    assert "storage.ledger" in line and "must not hold a password" in line
    assert "hunter2" not in line


def test_a_config_holds_what_json_can_hold(tmp_path):
    """It travels to workers as JSON, and a resume reads it from YAML: all must see the same."""
    with pytest.raises(ConfigError, match="config must hold text, numbers"):
        SweepSpec.parse(sweep(config={"day": datetime.date(2024, 1, 1)}))
    assert SweepSpec.parse(sweep(config={"pair": (1, 2), "by": {3: "x"}})).config["by"] == {"3": "x"}


def test_pydantics_own_report_does_not_repeat_a_password():
    with pytest.raises(Exception, match="must not hold a password") as caught:
        SweepSpec.model_validate(sweep(storage={"tracking_uri": "https://user:hunter2@host"}))
    assert "hunter2" not in str(caught.value)


def test_what_is_written_is_read_back_the_same(tmp_path):
    spec = SweepSpec.model_validate(REAL)
    path = tmp_path / "sweep.yaml"
    path.write_text(dump_yaml(spec.model_dump(mode="json")))
    assert SweepSpec.load(path).model_dump() == spec.model_dump()


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(json.dumps(sweep()).replace('"max": 1.0', '"max": 1e0').replace('"min": 0.05', '"min": 5e-2'))
    assert SweepSpec.load(path).space["size"] == {"min": 0.05, "max": 1.0, "log": True}


def test_config_and_space_are_seen_from_the_sweep_file(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "base.yaml").write_text("{student: {width: 0.5}, data: {corpus: ../audio}}")
    (tmp_path / "mine.yaml").write_text("student.width: {values: [0.25, 0.5]}")
    path = tmp_path / "sweep.yaml"
    path.write_text(dump_yaml(REAL | {"config": "configs/base.yaml", "space": "mine.yaml"}))
    spec = resolved(SweepSpec.load(path), DistillationWorkload)
    assert spec.config["data"]["corpus"] == str(tmp_path / "audio")
    assert spec.space == {"student.width": {"values": [0.25, 0.5]}}


@pytest.mark.parametrize("inline", [True, False])
def test_searched_paths_are_seen_from_the_file_that_names_them(tmp_path, monkeypatch, inline):
    config = ExperimentConfig.parse(REAL["config"])
    weights = build_student(config.student).state_dict()
    write_model_folder(tmp_path / "start", config, weights, {}, noisy={}, epochs=1, origin={})
    for name in ("spaces", "sweeps", "elsewhere"):
        (tmp_path / name).mkdir()
    space = {
        "training.start_from": {"values": [None, "../start"], "prior": "../start"},
        "training.slice_by": {"values": ["first", "weight"], "when": {"training.start_from": ["../start"]}},
    }
    (tmp_path / "spaces" / "mine.yaml").write_text(dump_yaml(space))
    first = [{"training.start_from": "../start", "training.slice_by": "first"}]
    path = tmp_path / "sweeps" / "sweep.yaml"
    path.write_text(dump_yaml({**REAL, "space": space if inline else "../spaces/mine.yaml", "evaluate_first": first}))
    monkeypatch.chdir(tmp_path / "elsewhere")
    spec, start = resolved(SweepSpec.load(path), DistillationWorkload), str(tmp_path / "start")
    assert spec.space["training.start_from"] == {"values": [None, start], "prior": start}
    assert spec.space["training.slice_by"]["when"] == {"training.start_from": [start]}
    assert spec.evaluate_first[0]["training.start_from"] == start


def test_only_distillation_knows_which_values_are_paths(tmp_path):
    spec = SweepSpec.parse(sweep(space={"training.start_from": {"values": ["a/b", "c"]}}))
    assert complete(spec, Workload).space == {"training.start_from": {"values": ["a/b", "c"]}}


def test_overrides_beat_the_file(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(dump_yaml(REAL))
    assert SweepSpec.load(path, {"budget.trials": 3, "sampler.name": "random"}).budget.trials == 3
    with pytest.raises(ConfigError, match="below 'name'"):
        SweepSpec.load(path, {"name.first": 3})


def test_hours_alone_are_a_budget():
    budget = Budget(epochs_per_trial=6, hours=8)
    assert str(budget) == "8 h of trials x 6 epochs"
    assert str(Budget(trials=24, epochs_per_trial=6, hours=8)) == "24 trials x 6 epochs within 8 h"
    assert budget.most_trials > 10**9


@pytest.mark.parametrize("key", ["sampler.seed", "space.x", "budget.epochs_per_trial", "budget", "objectives", "name"])
def test_a_resume_changes_how_much_is_searched_and_with_what_never_what(key):
    """Another number of epochs would make finished trials partial ones."""
    with pytest.raises(ConfigError, match="cannot change on resume") as caught:
        changes({key: 1})
    assert caught.value.key == key


def test_a_resume_may_extend_the_budget():
    extended = {"budget.trials": 40, "budget.hours": 2, "resources.max_concurrent": 1, "failures.max_retries": 3}
    assert changes(extended) == extended


def test_reference_costs_are_minimised_and_on_scale():
    spec = SweepSpec.model_validate(sweep(reference_point={QUALITY: 0.25, PARAMS: 1.0}))
    assert spec.reference_costs == (-0.25, 0.0)


JUNK = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.dates(), st.binary(max_size=3)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(max_size=3), st.integers()), inner, max_size=3)
    ),
    max_leaves=5,
)


def nodes(mapping, path=()):
    """The path of every node of a nested mapping."""
    pairs = mapping.items() if isinstance(mapping, dict) else enumerate(mapping)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from nodes(value, (*path, key))


@given(
    path=st.sampled_from(list(nodes(REAL))), value=JUNK, key=st.one_of(st.none(), st.text(max_size=3), st.integers())
)
@settings(max_examples=400, deadline=None)
def test_a_file_with_any_node_replaced_is_read_or_refused_in_one_line(path, value, key):
    mapping = changed(path if key is None or isinstance(path[-1], int) else (*path[:-1], key), value)
    try:
        resolved(SweepSpec.parse(mapping), DistillationWorkload)
    except ConfigError as error:
        assert "\n" not in str(error)


TEXT = yaml.safe_dump(REAL)


@given(cut=st.integers(0, len(TEXT)), width=st.integers(0, 12), insert=st.text(max_size=6))
@settings(max_examples=300, deadline=None)
def test_a_damaged_text_is_read_or_refused_in_one_line(tmp_path_factory, cut, width, insert):
    path = tmp_path_factory.getbasetemp() / "damaged.yaml"
    path.write_text(TEXT[:cut] + insert + TEXT[cut + width :], errors="surrogatepass")
    try:
        resolved(SweepSpec.load(path), DistillationWorkload)
    except ConfigError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "a: *b", "&a [*a]", "a: 2024-13-45", "? [1]\n: 2", "!!python/object:os.system x", "a: !!binary 3",
     "[" * 2000, "x: 0x_", "x: " + "9" * 5000, "\tx: 1", "name: a\nname: b", "- - -",
     "x: 1:99:99", "\x00", "\ufeffa: 1"],
)  # fmt: skip
def test_odd_yaml_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        SweepSpec.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_block_given_twice_is_refused_rather_than_half_forgotten(tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text("name: a\nspace: dccrn\nspace: dptnet\n")
    with pytest.raises(ConfigError, match="'space' appears twice at line 3"):
        SweepSpec.load(path)


def test_a_sweep_says_in_a_few_lines_what_it_searches_for_what_and_with_how_much():
    spec = SweepSpec.load(Path(__file__).parents[3] / "sweeps" / "specs" / "first.yaml")
    told = spec.description
    assert "maximize `val/pesq_wb`, minimize `model/params` (log)" in told
    assert f"{spec.budget.trials} trials x {spec.budget.epochs_per_trial} epochs" in told
    assert all(f"`{key}`" in told for key in spec.space) and "`front/front.html`" in told


@pytest.mark.parametrize(("length", "is_right"), [(200, True), (201, False), (300, False)])
def test_a_name_that_no_folder_could_have_is_refused(length, is_right):
    if is_right:
        assert SweepSpec.parse(sweep(name="n" * length))
        return
    with pytest.raises(ConfigError, match="200 characters") as caught:
        SweepSpec.parse(sweep(name="n" * length))
    assert caught.value.key == "name" and len(str(caught.value)) < 300


@pytest.mark.parametrize("resources", [{"cpus_per_trial": 0}, {"cpus_per_trial": 1e-5}, {"gpus_per_trial": 1e-5}])
def test_a_trial_that_asks_for_nothing_that_can_be_given_is_refused(resources):
    with pytest.raises(ConfigError, match=r"resources.*per_trial must .* set "):
        SweepSpec.parse({**REAL, "resources": resources})
