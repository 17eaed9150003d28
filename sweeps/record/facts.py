"""What a ledger records of a sweep itself, held to its kinds: a record may have been edited, or be damaged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Served(BaseModel):
    """What is told of a node that was given what it lacked."""

    node: str
    num_bytes: Annotated[int, Field(ge=0)]
    seconds: Seconds


FACTS: dict[str, Any] = {  # by the name, or what it begins with; others hold what their own readers check
    "data_hash": str | None,
    "teacher_hash": str | None,
    "start_hash": str | None,
    "git_commit": str | None,
    "dashboard": str | None,
    "begun_with": dict[str, Any],
    "usage": dict[Literal["worked_s", "room_s"], Seconds],
    "spent_s": Seconds,
    "filled_hours": Seconds,
    "kept_out": dict[str, str],
    "served/": Served,
    "warm_start": Annotated[int, Field(ge=0)],
    "seeds_per_point": Annotated[int, Field(ge=1)],
    "pairs": list[Annotated[list[int], Field(min_length=2, max_length=2)]],
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {key: TypeAdapter(kind) for key, kind in FACTS.items()}


def fault_of_facts(facts: Mapping[str, Any]) -> str | None:
    """The first fact of another kind than it is written as, in words; None when all are well."""
    for key, value in facts.items():
        adapter = _ADAPTERS.get(f"{key.partition('/')[0]}/" if "/" in key else key)
        if adapter is None:
            continue
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join([key, *map(str, first["loc"])])
            rule = first["msg"].replace("Input should be", "must be")
            return f"{place} of the ledger {rule}, but is {str(first['input'])[:80]!r}"
    return None
