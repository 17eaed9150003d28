"""Editors' schemas: the project's own files hold to them, and what the parsers refuse is wrong there, too."""

from pathlib import Path

import jsonschema
import pytest

from dfkd_core.base.documents import read_yaml
from search_spaces.space import SPACES
from sweeps.definition.json_schema import json_schema

SPECS = Path(__file__).parents[3] / "sweeps" / "specs"
VALIDATORS = {kind: jsonschema.Draft202012Validator(json_schema(kind)) for kind in ("sweep", "config", "space")}


@pytest.mark.parametrize("kind", VALIDATORS)
def test_a_schema_is_one(kind):
    of_schemas = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    assert [error.message for error in of_schemas.iter_errors(json_schema(kind))] == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *(("sweep", path) for path in SPECS.glob("*.yaml")),
        *(("config", path) for path in SPECS.glob("configs/**/*.yaml")),
        *(("space", path) for path in SPACES.glob("*.yaml")),
    ],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_shipped_files_hold_to_it(kind, path):
    assert [error.message for error in VALIDATORS[kind].iter_errors(read_yaml(path))] == []


SWEEP = read_yaml(SPECS / "first.yaml")


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("sweep", {**SWEEP, "budgett": {}}),
        ("sweep", {**SWEEP, "name": "With Blanks"}),
        ("sweep", {**SWEEP, "constraints": ["model/params"]}),
        ("sweep", {**SWEEP, "config": {"student": {"model": "dccrn", "widht": 0.5}}}),
        ("sweep", {**SWEEP, "space": {"student.width": {"min": 1}}}),
        ("config", {"student": {"model": "nothing"}}),
        ("config", {"student": {"model": "conv_tasnet", "width": 7}}),
        ("config", {"training": {"epochs": 0}}),
        ("space", {"student.width": {"values": []}}),
        ("space", {"student.width": {"values": [1], "min": 0}}),
    ],
)
def test_what_is_wrong_is_wrong_there(kind, wrong):
    assert not VALIDATORS[kind].is_valid(wrong)


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("sweep", {**SWEEP, "config": {"student": {"width": 0.5}}, "space": {"a.b": {"values": [1, 2]}}}),
        ("config", {"student": {"model": "my.module:Student", "anything": 3}, "teacher": {"checkpoint": None}}),
        ("space", {"student.own": [{"min": 0, "max": 1, "when": {"student.model": "x:Y"}}]}),
    ],
)
def test_what_is_right_is_right_there(kind, right):
    assert [error.message for error in VALIDATORS[kind].iter_errors(right)] == []
