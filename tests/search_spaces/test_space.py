"""A space: conditions, alternatives, checks against a schema, and one code path for sampling and replay."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfkd_core.base.documents import read_yaml
from dfkd_core.base.key_paths import value_at
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from search_spaces.space import SPACES, Space, changed_values, find_space

SPLITS = {
    "student.width": {"values": [0.125, 0.25, 0.5]},
    "distillation.cutoff_hz": {"min": 500, "max": 4000, "log": True, "when": {"distillation.split": "fixed"}},
    "distillation.split": {"values": ["dynamic", "fixed", "literal"]},
    "distillation.min_cutoff_hz": {"min": 100, "max": 800, "when": {"distillation.split": ["dynamic", "literal"]}},
}
ALTERNATIVES = {
    "student.model": {"values": ["dccrn", "dptnet"]},
    "student.width": [
        {"values": [0.25, 0.5, 1.0], "when": {"student.model": "dccrn"}},
        {"min": 0.1, "max": 0.2, "when": {"student.model": "dptnet"}},
    ],
}


def study(seed=0):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))


def drawn(space, num=50):
    source = study()
    return [space.suggest(source.ask()) for _ in range(num)]


def accept(config):
    """A schema that takes anything."""


def test_a_conditional_key_is_drawn_exactly_when_its_parent_has_one_of_the_values():
    for point in drawn(Space.parse(SPLITS)):
        assert ("distillation.cutoff_hz" in point) == (point["distillation.split"] == "fixed")
        assert ("distillation.min_cutoff_hz" in point) == (point["distillation.split"] != "fixed")


def test_parents_come_first_whatever_the_order_of_the_file():
    keys = Space.parse(SPLITS).keys
    assert keys.index("distillation.split") < keys.index("distillation.cutoff_hz")


def test_a_grandchild_is_drawn_only_below_both_its_ancestors():
    space = Space.parse(
        {
            "c": {"min": 0, "max": 1, "when": {"b": 2}},
            "b": {"values": [1, 2], "when": {"a": "on"}},
            "a": {"values": ["on", "off"]},
        }
    )
    for point in drawn(space):
        assert ("c" in point) == (point["a"] == "on" and point.get("b") == 2)


def test_a_single_value_is_active_and_leaves_no_choice():
    start = {"values": ["parent"], "when": {"student.model": "dccrn"}}
    space = Space.parse({**ALTERNATIVES, "start": start})
    assert space.num_free({"student.model": "dccrn", "student.width": 0.5, "start": "parent"}) == 2
    assert space.num_free({"student.model": "dptnet", "student.width": 0.15}) == 2


def test_alternatives_are_parameters_of_their_own():
    """A sampler must not mix the values of one alternative into the model of another."""
    source, space = study(), Space.parse(ALTERNATIVES)
    for _ in range(20):
        point = space.suggest(trial := source.ask())
        assert set(trial.params) == {
            "student.model",
            "student.width#0" if point["student.model"] == "dccrn" else "student.width#1",
        }
        assert point["student.width"] in (0.25, 0.5, 1.0) or 0.1 <= point["student.width"] <= 0.2


@pytest.mark.parametrize(
    ("space", "rule"),
    [
        ({}, "at least one key"),
        ({"a": 3}, "must be {min, max} or {values}"),
        ({"a": []}, "at least one"),
        ({"a": {"values": [1], "when": 3}}, "must map"),
        ({"a": {"values": [1], "when": {"b": 1}}}, "'b' is not searched"),
        ({"a": {"values": [1], "when": {3: 1}}}, "not searched"),
        ({"a": {"values": [1, 2]}, "b": {"values": [1], "when": {"a": 3}}}, "never"),
        ({"a": {"values": [1, 2]}, "b": {"values": [1], "when": {"a": []}}}, "never"),
        ({"a": {"min": 0, "max": 1}, "b": {"values": [1], "when": {"a": 0.5}}}, "values that are drawn, but a is any"),
        (
            {
                "a": {"values": ["p", "q"]},
                "b": [{"values": ["x"], "when": {"a": "p"}}, {"values": ["z"], "when": {"a": "q"}}],
                "k": {"values": [1, 2], "when": {"a": "p", "b": "z"}},
            },
            "can never hold: b is 'z' only where a is 'q'",
        ),
        ({"a": {"values": [["x"], '["x"]', "y"]}}, "must differ as they are written, too"),
        ({"a": {"values": [1], "when": {"b": 1}}, "b": {"values": [1], "when": {"a": 1}}}, "cycle"),
        ({"a": {"values": [1], "when": {"a": 1}}}, "cycle"),
        (
            {"a": {"values": [1, 2], "prior": 3}},
            r"a\.prior.*must hold values that the space may draw, but.*one of \[1, 2\]",
        ),
        ({"a": {"min": 1, "max": 2, "prior": [1.5, 2.5]}}, r"a\.prior.*but: must be in \[1, 2\], but got 2.5"),
        ({"a": {"min": 1, "max": 2, "prior": []}}, "at least one value"),
        ({"p": {"values": [1, 2]}, "a": [{"values": [1]}, {"values": [2], "when": {"p": 1}}]}, "overlap"),
        (
            {"p": {"values": [1, 2]}, "a": [{"values": [1], "when": {"p": [1, 2]}}, {"values": [2], "when": {"p": 2}}]},
            "overlap",
        ),
        (
            {"p": {"values": [1, 2]}, "a": [{"values": [1], "when": {"p": 1}}, {"values": [2], "when": {"p": 1.0}}]},
            "overlap",
        ),
    ],
)
def test_a_space_that_breaks_a_rule_is_refused_at_its_key(space, rule):
    with pytest.raises(ConfigError, match=rule) as caught:
        Space.parse(space, "sweep.yaml")
    assert caught.value.key.startswith("space")
    assert str(caught.value).startswith("sweep.yaml: space")


def test_a_key_that_the_schema_does_not_know_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match=r"did you mean 'student\.width'"):
        Space.parse({"student.widht": {"values": [1]}}).check({}, {"student.width"}, accept)


@pytest.mark.parametrize("key", ["training.epochs", "training.patience"])
def test_what_a_sweep_decides_itself_is_no_dimension(key):
    with pytest.raises(ConfigError, match=r"is decided by the sweep file's .*; leave it out of the space"):
        Space.parse({key: {"values": [1, 3]}}).check({}, {key}, accept)


def test_every_value_both_ends_and_one_between_are_shown_to_the_schema_below_fitting_parents():
    seen = []
    Space.parse({**SPLITS, **ALTERNATIVES}).check({"seed": 1}, (), seen.append)
    widths = {(c["student"].get("model"), c["student"]["width"]) for c in seen if "width" in c.get("student", {})}
    assert widths > {("dccrn", w) for w in (0.25, 0.5, 1.0)} | {("dptnet", w) for w in (0.1, 0.2)} and len(widths) == 6
    cutoffs = {
        (c["distillation"]["split"], c["distillation"]["cutoff_hz"])
        for c in seen
        if "cutoff_hz" in c.get("distillation", {})
    }
    assert cutoffs > {("fixed", 500.0), ("fixed", 4000.0)} and len(cutoffs) == 3


def test_the_parents_shown_to_the_schema_are_the_alternative_that_holds_the_value():
    space = Space.parse({**ALTERNATIVES, "deep": {"values": [1], "when": {"student.width": 0.15}}})
    seen = []
    space.check({}, (), seen.append)
    (deep,) = [config for config in seen if "deep" in config]
    assert deep["student"] == {"model": "dptnet", "width": 0.15}


def test_a_range_of_numbers_over_a_key_of_whole_ones_is_refused_with_the_way_to_draw_these():
    def refuse(config):
        ExperimentConfig.parse(config)

    for entry in ({"min": 1, "max": 8}, {"min": 1, "max": 8, "step": 0.5}):
        with pytest.raises(ConfigError, match="`int: true` draws whole numbers"):
            Space.parse({"training.batch_size": entry}).check({}, (), refuse)
    for entry in ({"min": 1, "max": 8, "int": True}, {"min": 2, "max": 8, "step": 2}):
        Space.parse({"training.batch_size": entry}).check({}, (), refuse)


def test_a_value_that_the_schema_refuses_is_named():
    def refuse(config):
        if config["student"]["width"] < 0:
            raise ConfigError("must be above 0", key="student.width")

    with pytest.raises(
        ConfigError, match=r"space.student.width: holds -1, which the config refuses: student.width must"
    ):
        Space.parse({"student.width": {"values": [0.5, -1]}}).check({}, (), refuse)


@given(seed=st.integers(0, 10_000), which=st.sampled_from([SPLITS, ALTERNATIVES, {**SPLITS, **ALTERNATIVES}]))
@settings(max_examples=60, deadline=None)
def test_a_point_that_was_drawn_is_drawn_again_from_its_encoding(seed, which):
    source, space = study(seed), Space.parse(which)
    point = space.suggest(source.ask())
    source.enqueue_trial(space.encode(point))
    assert space.suggest(source.ask()) == point


def test_a_given_point_may_leave_keys_to_the_sampler():
    source, space = study(), Space.parse(SPLITS)
    source.enqueue_trial(space.encode({"student.width": 0.5}))
    point = space.suggest(source.ask())
    assert point["student.width"] == 0.5
    assert "distillation.split" in point


@pytest.mark.parametrize(
    ("point", "rule"),
    [
        ({"student.widht": 0.5}, "did you mean 'student.width'"),
        ({"student.width": 0.3}, "must be one of"),
        ({"distillation.split": "dynamic", "distillation.cutoff_hz": 900}, "not an active key"),
        ({"distillation.split": "fixed", "distillation.cutoff_hz": 9}, r"must be in \[500, 4000\]"),
    ],
)
def test_a_given_point_outside_the_space_is_refused(point, rule):
    with pytest.raises(ConfigError, match=rule) as caught:
        Space.parse(SPLITS).encode(point, "evaluate_first[2]")
    assert caught.value.key.startswith("evaluate_first[2].")


PARTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.dates()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["min", "max", "log", "int", "step", "values", "when", "prior", "a", "b"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c.d", ""]), PARTS, max_size=4))
@settings(max_examples=400, deadline=None)
def test_any_mapping_is_a_space_or_is_refused_in_one_line(mapping):
    try:
        space = Space.parse(mapping)
        space.check({}, (), accept)
    except ConfigError as error:
        assert "\n" not in str(error)
    else:
        drawn(space, 2)


def test_every_shipped_space_parses():
    for path in SPACES.glob("*.yaml"):
        assert Space.parse(read_yaml(find_space(path.stem, SPACES))).keys


def test_a_space_is_found_by_shipped_name_or_by_path(tmp_path):
    (tmp_path / "mine.yaml").write_text("x: {min: 1e-3, max: 1.0}\n")
    assert find_space("mine.yaml", tmp_path) == tmp_path / "mine.yaml"
    assert find_space("dccrn", tmp_path) == SPACES / "dccrn.yaml"
    with pytest.raises(ConfigError, match="did you mean 'dccrn'"):
        find_space("dccrm", tmp_path)


def test_values_priors_and_conditions_are_changed_alike_and_what_is_no_space_stays():
    mapping = {
        "a": {"values": ["x", None], "prior": "x"},
        "b": [{"values": ["y"], "when": {"a": "x"}}, {"min": 0, "max": 1, "when": {"a": [None]}}],
        "c": "x",
        "d": {"values": "x", "when": 3},
    }
    assert changed_values(mapping, lambda key, value: f"{key}/{value}") == {
        "a": {"values": ["a/x", "a/None"], "prior": "a/x"},
        "b": [{"values": ["b/y"], "when": {"a": "a/x"}}, {"min": 0, "max": 1, "when": {"a": ["a/None"]}}],
        "c": "x",
        "d": {"values": "d/x", "when": 3},
    }


TEMPERATURE = {"values": [0.5, 1, 2]}
CUTOFF = {"min": 500, "max": 4000, "log": True}
WEIGHTING = {"values": ["equal", "dynamic"]}
KNOWN_KEYS = {"distillation.temperature", "distillation.weighting", "distillation.cutoff_hz", "distillation.split"}


def based(**distillation):
    return {"distillation": {"method": "dfkd", "split": "dynamic", "weighting": "equal", **distillation}}


@pytest.mark.parametrize(
    ("space", "base", "words"),
    [
        (
            {"distillation.temperature": TEMPERATURE},
            based(),
            "read only with distillation.weighting dynamic, but distillation.weighting is equal; change that, or leave",
        ),
        (
            {"distillation.temperature": TEMPERATURE, "distillation.weighting": WEIGHTING},
            based(),
            "distillation.weighting may be equal; give it `when: {distillation.weighting: ...}`",
        ),
        ({"distillation.cutoff_hz": CUTOFF}, based(), "read only with distillation.split fixed"),
        (
            {"distillation.cutoff_hz": {**CUTOFF, "when": {"distillation.weighting": "equal"}}}
            | {"distillation.weighting": WEIGHTING},
            based(),
            "read only with distillation.split fixed",
        ),
        ({"distillation.temperature": TEMPERATURE}, based(method="output_mse"), "distillation.method dfkd or dispatch"),
    ],
)
def test_a_dimension_that_nothing_would_read_is_refused(space, base, words):
    with pytest.raises(ConfigError) as caught:
        Space.parse(space).check(base, KNOWN_KEYS, accept)
    assert words in str(caught.value)
    assert caught.value.key in {f"space.{key}" for key in space}


@pytest.mark.parametrize(
    ("space", "base"),
    [
        ({"distillation.temperature": TEMPERATURE}, based(weighting="dynamic")),
        ({"distillation.cutoff_hz": CUTOFF}, based(split="fixed")),
        (
            {
                "distillation.weighting": WEIGHTING,
                "distillation.temperature": {**TEMPERATURE, "when": {"distillation.weighting": "dynamic"}},
            },
            based(),
        ),
    ],
)
def test_a_dimension_that_is_read_wherever_it_is_drawn_is_taken(space, base):
    judged = []
    Space.parse(space).check(base, KNOWN_KEYS, judged.append)
    assert all(len({value_at(config, key) for config in judged} - {value_at(base, key)}) > 0 for key in space)


def test_conditions_that_can_hold_together_are_taken():
    whole = {"min": 1, "max": 3, "int": True}
    both = [{"values": ["z"], "when": {"a": "p"}}, {"values": ["z"], "when": {"a": "q"}}]
    space = Space.parse(
        {
            "a": {"values": ["p", "q"]},
            "n": whole,
            "b": both,
            "k": {"values": [1, 2], "when": {"a": "p", "b": "z", "n": 2}},
        }
    )
    assert any("k" in point for point in drawn(space, 60))
