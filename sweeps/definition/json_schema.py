"""JSON schemas of the files that people write, for editors that complete and check them while one types."""

from __future__ import annotations

from typing import Any

from dfkd_core.config import ExperimentConfig, key_paths
from sweeps.definition.spec import SweepSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = {"type": "number"}
_FLAG = {"type": "boolean"}
_ANY_VALUES = {"type": "array", "minItems": 1}
_DISTRIBUTION = {
    "anyOf": [
        {
            "description": "one of these values",
            "type": "object",
            "properties": {"values": _ANY_VALUES, "when": {"type": "object"}, "prior": {}},
            "required": ["values"],
            "additionalProperties": False,
        },
        {
            "description": "a number from min to max; log excludes step and needs min above 0",
            "type": "object",
            "properties": {
                **dict.fromkeys(("min", "max", "step"), _NUMBER),
                **dict.fromkeys(("log", "int"), _FLAG),
                "when": {"type": "object"},
                "prior": {},
            },
            "required": ["min", "max"],
            "additionalProperties": False,
        },
    ]
}


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a `sweep` file, of an experiment `config` or of a search `space`."""
    return {"$schema": _DIALECT, **{"sweep": _sweep, "config": _config, "space": _space}[kind]()}


def _config() -> dict[str, Any]:
    """A student fits one architecture's fields; only one's own is named by module and class."""
    schema = ExperimentConfig.model_json_schema()
    schema["$defs"]["CustomStudentConfig"]["properties"]["model"]["pattern"] = ":"
    student = schema["properties"]["student"]
    student["anyOf"] = student.pop("oneOf")
    return schema


def _space() -> dict[str, Any]:
    """Known key paths are completed; students of one's own have others, too."""
    entry = {"$ref": "#/$defs/Entry"}
    alternatives = {"description": "alternatives with disjoint `when`", "type": "array", "items": _DISTRIBUTION}
    return {
        "title": "Search space",
        "type": "object",
        "properties": dict.fromkeys(sorted(key_paths({})), entry),
        "additionalProperties": entry,
        "minProperties": 1,
        "$defs": {"Entry": {"anyOf": [_DISTRIBUTION, alternatives]}},
    }


def _sweep() -> dict[str, Any]:
    """`config` and `space` name a file or stand inline; a constraint is text."""
    schema, config, space = SweepSpec.model_json_schema(), _config(), _space()
    schema["$defs"] |= config.pop("$defs") | space.pop("$defs") | {"Config": config, "Space": space}
    del schema["$defs"]["Constraint"]
    bound = {"type": "string", "pattern": r"^\S+\s*(<=|>=)\s*\S+$", "examples": ["model/macs_per_s <= 1.0e9"]}
    schema["properties"] |= {
        "config": {"anyOf": [{"type": "string", "description": "path from this file"}, {"$ref": "#/$defs/Config"}]},
        "space": {"anyOf": [{"type": "string", "description": "shipped name, or path"}, {"$ref": "#/$defs/Space"}]},
        "constraints": {"type": "array", "items": bound, "default": []},
    }
    return schema
