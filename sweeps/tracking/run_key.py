"""Which MLflow run: its name, and the tags by which it is found again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

SWEEP = "sweep"
TRIAL = "trial"
FINAL = "final"
EVALUATION = "evaluation"
SWEEP_ID, MODEL_ID = "dfkd.sweep_id", "dfkd.model_id"  # tags: what a sweep's runs have in common, and a model's


@dataclass(frozen=True)
class RunKey:
    """The run of a whole folder (no number): a sweep's, or that of one model that was trained or evaluated.

    Or a child of a sweep's: a trial, or a later training of it (`confirm`) by seed.
    """

    kind: str
    number: int | None = None
    seed: int | None = None

    @property
    def text(self) -> str:
        """`sweep`, `trial/7`, `confirm/7/2`."""
        return "/".join(str(part) for part in (self.kind, self.number, self.seed) if part is not None)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text` back; ValueError for what is none."""
        if not isinstance(text, str) or not re.fullmatch(r"\w+(/\d{1,18}){0,2}", text, re.ASCII):
            raise ValueError(f"{text!r} is no run")
        kind, *numbers = text.split("/")
        return cls(kind, *map(int, numbers))

    def run_name(self, sweep: str) -> str:
        """`first`, `first/t0007`, `first/t0007/confirm-2`."""
        if self.number is None:
            return sweep
        later = "" if self.kind == TRIAL else "/" + "-".join(self.text.split("/")[::2])
        return f"{sweep}/t{self.number:04d}{later}"

    @property
    def id_tag(self) -> str:
        """The tag that tells the folder."""
        return MODEL_ID if self.number is None and self.kind != SWEEP else SWEEP_ID

    def tags(self, folder_id: str) -> dict[str, str]:
        """The tags that no other run carries together; `folder_id` is the sweep's, or the model's."""
        tags = {self.id_tag: folder_id, "dfkd.kind": self.kind}
        if self.number is not None:
            tags["dfkd.trial_number"] = str(self.number)
        if self.seed is not None:
            tags["dfkd.seed"] = str(self.seed)
        return tags

    @classmethod
    def of_tags(cls, tags: Mapping[str, str]) -> Self | None:
        """Return the key of a run with these tags, None when they are nobody's of ours."""
        kind, number, seed = (tags.get(f"dfkd.{name}") for name in ("kind", "trial_number", "seed"))
        if kind is not None and MODEL_ID in tags:  # whatever sweep and trial its config comes from
            return cls(kind)
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
