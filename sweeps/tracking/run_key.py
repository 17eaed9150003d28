"""Which MLflow run of a sweep: its name, and the tags by which it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

SWEEP = "sweep"
TRIAL = "trial"


@dataclass(frozen=True)
class RunKey:
    """The sweep's own run (no number) or a child: a trial, or a later training of it (`confirm`, `final`) by seed."""

    kind: str
    number: int | None = None
    seed: int | None = None

    @property
    def text(self) -> str:
        """`sweep`, `trial/7`, `confirm/7/2`."""
        return "/".join(str(part) for part in (self.kind, self.number, self.seed) if part is not None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text` back."""
        kind, *numbers = text.split("/")
        return cls(kind, *map(int, numbers))

    def run_name(self, sweep: str) -> str:
        """`first`, `first/t0007`, `first/t0007/confirm-2`."""
        if self.number is None:
            return sweep
        later = "" if self.kind == TRIAL else "/" + "-".join(self.text.split("/")[::2])
        return f"{sweep}/t{self.number:04d}{later}"

    def tags(self, sweep_id: str) -> dict[str, str]:
        """The tags that no other run carries together."""
        tags = {"dfkd.sweep_id": sweep_id, "dfkd.kind": self.kind}
        if self.number is not None:
            tags["dfkd.trial_number"] = str(self.number)
        if self.seed is not None:
            tags["dfkd.seed"] = str(self.seed)
        return tags

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """Return the key of a run with these tags, None when they are nobody's of ours."""
        kind, number, seed = (tags.get(f"dfkd.{name}") for name in ("kind", "trial_number", "seed"))
        if kind is None or (kind != SWEEP and number is None):
            return None
        if kind == SWEEP:
            return cls(SWEEP)
        # A trial's own seed may be tagged too; only later trainings are told apart by it.
        return cls(kind, int(number or 0), int(seed) if seed is not None and kind != TRIAL else None)


PARENT = RunKey(SWEEP)


def label(run: int | RunKey) -> str:
    """`trial 7`, `trial 7 seed 2`: a trial by its number, or a later training of it."""
    if isinstance(run, int):
        return f"trial {run}"
    return f"trial {run.number}" + ("" if run.seed is None else f" seed {run.seed}")
