"""The base of every config: a frozen, typed tree that refuses unknown keys, with one-line errors."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from dfkd_core.errors import ConfigError

LONGEST_VALUE = 120  # characters of a value that an error repeats


class Config(BaseModel):
    """A frozen config; its validators are the only validators."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, mapping: Mapping[str, Any], file: str | Path | None = None) -> Self:
        """Validate a mapping; the first broken rule becomes a one-line ConfigError."""
        try:
            return cls.model_validate(mapping)
        except ValidationError as error:
            raise one_line(error, cls, file) from error

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Pydantic would take `hours: yes` for one hour."""
        if _holds_truth(value):
            taken = _leaves(cls.model_fields[str(info.field_name)].annotation)
            if taken & {int, float} and not taken & {bool, Any}:
                raise ValueError("must hold a number, which true, false, yes, no, on and off are not")
        return value


@dataclass(frozen=True)
class NameIn:
    """`Annotated[str, NameIn(lambda: TABLE)]`: a name of a literal table.

    The table is read when a value is checked: what stands in it may itself need the config.
    """

    table: Callable[[], Iterable[str]]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "enum": list(self.table())}

    def _known(self, value: str) -> str:
        known = list(self.table())
        if value not in known:
            close = difflib.get_close_matches(value, known, n=1, cutoff=0.6)
            remedy = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"must be one of {', '.join(known)}, but got {value!r}{remedy}")
        return value


def holds_text(model: type[BaseModel], key: str) -> bool:
    """Whether the field at a key path takes text and nothing that YAML could read it as: no number, list or mapping."""
    annotations: set[Any] = {model}
    for part in key.split("."):
        below: set[Any] = set()
        for annotation in annotations:
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                below |= _kinds(annotation.model_fields[part].annotation) if part in annotation.model_fields else set()
            elif get_origin(annotation) is dict:
                below |= _kinds(get_args(annotation)[1])
        annotations = below
    return str in annotations and annotations <= {str, type(None)}


def _kinds(annotation: Any) -> set[Any]:
    """The members of an annotation that is perhaps optional, annotated or a union; words of a Literal are text."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin is Literal:
        return {type(word) for word in get_args(annotation)}
    if origin in (Union, UnionType):
        return {kind for member in get_args(annotation) for kind in _kinds(member)}
    return {annotation}


def _leaves(annotation: Any) -> set[Any]:
    """The kinds of value that may stand in an annotation, in its lists and mappings, too."""
    kinds = _kinds(annotation)
    inside = {kind: get_args(kind) for kind in kinds}
    return {kind for kind in kinds if not inside[kind]}.union(*map(_leaves, chain(*inside.values())))


def _holds_truth(value: Any) -> bool:
    """Whether a value is true or false, or holds one."""
    if isinstance(value, list | tuple):
        return any(map(_holds_truth, value))
    return _holds_truth([*value.values()]) if isinstance(value, Mapping) else isinstance(value, bool)


def one_line(error: ValidationError, model: type[BaseModel], file: str | Path | None = None) -> ConfigError:
    """Turn pydantic's report into one line: key path, rule, value, remedy."""
    first = error.errors(include_url=False)[0]
    location, value = first["loc"], first["input"]
    # Union tags, and that a key is meant, appear in pydantic's location in brackets of their own; they are no keys.
    parts = [str(part) for part in location if not str(part).startswith("<") and part != "[key]"]
    key = ".".join(parts)
    if first["type"] == "invalid_key" or (location[-1:] == ("[key]",) and not isinstance(value, str)):
        rule = f"holds a key that YAML reads as {value!r}, where text is meant; put it in quotes"
        return ConfigError(rule, key=".".join(parts[:-1]), file=file)
    if first["type"] == "extra_forbidden":
        remedy = nearest(str(location[-1]), field_names(model, location[:-1]))
        return ConfigError(f"is not a known key; {remedy}", key=key, file=file)
    if first["type"] == "missing":
        return ConfigError("is required, but missing; add it", key=key, file=file)
    rule = first["msg"].removeprefix("Value error, ")
    is_whole = "but got" in rule or isinstance(value, BaseModel) or not location
    if not is_whole:
        rule = rule.replace("Input should be", "must be").replace("Field required", "is required")
        shown = repr(value)
        shown = shown if len(shown) <= LONGEST_VALUE else f"{shown[:LONGEST_VALUE]}..."
        rule = f"{rule}, but got {shown}{_default(model, location)}"
    return ConfigError(rule, key=key, file=file)


def nearest(name: object, known: list[str]) -> str:
    """A remedy for an unknown name: the nearest known one, else all of them."""
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def _default(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """A remedy for a value out of its range or kind: what the field is when nothing is said."""
    fields: Any = model
    for part in location[:-1]:
        fields = _descend(fields, part)
    field = getattr(fields, "model_fields", {}).get(location[-1])
    if field is None or field.is_required() or not isinstance(field.default, str | int | float):
        return ""
    return f"; the default is {field.default}"


def field_names(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at `location` below `model`, so that a typo can be answered with the nearest."""
    fields: Any = model
    for part in location:
        fields = _descend(fields, part)
    return sorted(fields.model_fields) if hasattr(fields, "model_fields") else []


def _descend(model: Any, part: int | str) -> Any:
    if isinstance(part, str) and part.startswith("<"):
        return next((c for c in _classes(model) if f"<{c.__name__}>" == part), None)
    if isinstance(part, int) or not hasattr(model, "model_fields") or part not in model.model_fields:
        return model
    candidates = _classes(model.model_fields[part].annotation)
    return candidates[0] if len(candidates) == 1 else model.model_fields[part].annotation


def _classes(annotation: Any) -> list[Any]:
    """Every config class inside an annotation (optional, list, tagged union)."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ()) or ()
    return [c for argument in inner for c in _classes(argument)]
