"""What the study trains: its arms, part by part, as written down in docs/study.md before the first run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

SEEDS = (0, 1, 2, 3, 4)
TUNING_SEEDS = (100, 101)  # used for nothing else
RATE_SEEDS = (102, 103, 104)  # likewise
WEIGHTS = (0.3, 1.0, 3.0, 10.0)
BENCH = "bench"  # as a corpus: what DFKD_BENCH names
PARENT = "parent conv_tasnet"  # as a start and a teacher: the model that PARENT_CONFIG trains
PARENT_CONFIG = {
    "student": {"model": "conv_tasnet", "width": 0.5},
    "distillation.method": "none",
    "optimizer.learning_rate": 1.0e-3,
    "training.epochs": 20,
    "seed": 1000,
}
PESQ_TERM = {"loss.pesq": 1.0, "loss.snr": 0.2, "loss.compressed_spectrum": 0.3}

DFKD = {"distillation.method": "dfkd"}
METHODS: dict[str, dict[str, Any]] = {
    "none": {"distillation.method": "none"},
    "output_mse": {"distillation.method": "output_mse"},
    "full_band_cosine": {"distillation.method": "full_band_cosine"},
    "dfkd literal": {**DFKD, "distillation.split": "literal"},
    "dfkd": {**DFKD, "distillation.split": "dynamic"},
    "dfkd cosines": {**DFKD, "distillation.split": "dynamic", "distillation.beta": 1.0},
    "dfkd target clean": {**DFKD, "distillation.target": "clean"},
    "dispatch": {"distillation.method": "dispatch"},
}
TEACHERS: dict[str, dict[str, Any]] = {
    "no teacher": {},
    "own-dccrn": {"teacher.checkpoint": "own-dccrn", "teacher.pretrained": None},
    "dtln": {"teacher.checkpoint": None, "teacher.pretrained": "dtln"},
    "deepfilternet3": {"teacher.checkpoint": None, "teacher.pretrained": "deepfilternet3"},
    "gtcrn": {"teacher.checkpoint": "gtcrn", "teacher.pretrained": None},
    "own conv_tasnet": {"teacher.checkpoint": PARENT, "teacher.pretrained": None},
}
NONE = ("none", "no teacher", None)  # method, teacher, weight
DISTILLED = ("dfkd", "own-dccrn", 1.0)
PUBLIC_STARTS = ((16, "whole"), (8, "sliced"))


@dataclass(frozen=True)
class Arm:
    """One cell of a comparison: a config but for the seed. Arms of equal `label` differ in what `label` names not."""

    student: str  # as tables name it
    start: str  # random, sliced, whole
    method: str
    teacher: str
    weight: float | None = None
    pesq: bool = False
    epochs: int = 3
    note: str = ""  # what `changes` are, where the names above do not say it
    changes: Mapping[str, Any] = field(default_factory=dict)  # key path: value

    @property
    def overrides(self) -> dict[str, Any]:
        """Changes of the demo's config, by key path."""
        weight = {} if self.weight is None else {"distillation.weight": self.weight}
        pesq = PESQ_TERM if self.pesq else {}
        method = METHODS[self.method]
        return {"training.epochs": self.epochs, **TEACHERS[self.teacher], **method, **weight, **pesq, **self.changes}

    @property
    def label(self) -> str:
        """Its row in a table."""
        weight = "" if self.weight is None else f", weight {self.weight:g}"
        source = "" if self.teacher == "no teacher" else f" from {self.teacher}"
        term, note = ", pesq" if self.pesq else "", self.note and f", {self.note}"
        return f"{self.student}, {self.start}: {self.method}{source}{weight}{term}, {self.epochs} epochs{note}"

    def key(self, seed: int) -> str:
        """Identity of one run: of what is trained, not of how the plan calls it."""
        text = json.dumps({**self.overrides, "seed": seed}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def dccrn(width: float, start: str, method: str, teacher: str, weight: float | None, epochs: int = 3) -> Arm:
    """A DCCRN from drawn weights or from a slice of own-dccrn."""
    parent = "own-dccrn" if start == "sliced" else None
    changes = {"student.model": "dccrn", "student.width": width, "training.start_from": parent}
    return Arm(f"dccrn {width:g}", start, method, teacher, weight, epochs=epochs, changes=changes)


def gtcrn(channels: int, start: str, method: str, teacher: str, weight: float | None, *, pesq: bool) -> Arm:
    """A GTCRN from its published weights, or from drawn ones."""
    changes = {
        "student": {"model": "gtcrn", "channels": channels},
        "training.start_from": None if start == "random" else "gtcrn",
        "optimizer.learning_rate": 1.0e-3 if channels == 16 else 3.0e-3,
    }
    return Arm(f"gtcrn {channels}", start, method, teacher, weight, pesq, changes=changes)


def main() -> list[Arm]:
    """Start x distillation at two widths, in the demo's budget."""
    return [dccrn(w, s, *t) for w, s, t in product((0.25, 0.125), ("random", "sliced"), (NONE, DISTILLED))]


def public() -> list[Arm]:
    """GTCRN whole and halved, with and without a PESQ term, not distilled, from itself and from a larger model."""
    ways = (NONE, ("dfkd", "gtcrn", 1.0), ("dfkd", "deepfilternet3", 1.0))
    arms = []
    for pesq in (False, True):
        arms += [gtcrn(*start, *way, pesq=pesq) for start, way in product(PUBLIC_STARTS, ways)]
        arms.append(gtcrn(8, "random", *NONE, pesq=pesq))
    return arms


def dial() -> list[Arm]:
    """Between home and abroad: GTCRN distilled from itself by other weights than 1."""
    ways = [("dfkd", "gtcrn", weight) for weight in (0.3, 10.0)]
    return [gtcrn(*start, *way, pesq=pesq) for start, way, pesq in product(PUBLIC_STARTS, ways, (False, True))]


def tuning() -> list[Arm]:
    """Each method's weight, on seeds of its own."""
    return [dccrn(0.25, "sliced", m, "own-dccrn", w) for m, w in product(METHODS, WEIGHTS) if m != "none"]


def heavier() -> list[Arm]:
    """Whether a weight beyond those of `tuning` gives more."""
    ways = ("full_band_cosine", "dfkd", "dfkd cosines")
    return [dccrn(0.25, "sliced", way, "own-dccrn", 30.0) for way in ways]


def variants() -> list[Arm]:
    """What parts DFKD from a cosine over the full band: its magnitude part, its bands' weights, where it cuts."""
    taught = dccrn(0.25, "sliced", "dfkd", "own-dccrn", 3.0)
    cosines = {"distillation.beta": 1.0}
    fixed = {"distillation.split": "fixed", "distillation.cutoff_hz": 2000.0}
    tried: dict[str, dict[str, Any]] = {
        "cosines alone": cosines,
        "equal weights": {"distillation.weighting": "equal"},
        "cut at 1000 to 4000 Hz": {"distillation.min_cutoff_hz": 1000.0},
        "cut at 2000 Hz": fixed,
        "cosines alone, cut at 2000 Hz": {**cosines, **fixed},
    }
    return [replace(taught, note=note, changes={**taught.changes, **changes}) for note, changes in tried.items()]


def teachers() -> list[Arm]:
    """DFKD from other teachers, from both starts."""
    return [
        dccrn(w, s, "dfkd", t, 1.0)
        for w, s, t in product((0.25, 0.125), ("sliced", "random"), ("dtln", "deepfilternet3"))
    ]


def methods(tuned: Mapping[str, float]) -> list[Arm]:
    """Every method at its own tuned weight; those that are not tuned yet are left for later."""
    known = [(w, m) for w, m in product((0.25, 0.125), METHODS) if m in tuned]
    return [dccrn(w, "sliced", m, "own-dccrn", tuned[m]) for w, m in known]


def slices(tuned: Mapping[str, float]) -> list[Arm]:
    """Which channels stay of the students that `recipe` distils: by the default's rule, then by the others."""
    arms = []
    for arm in methods(tuned):
        if arm.method == "dfkd cosines":
            arms.append(replace(arm, note="channels by weight"))
            for rule in ("activation", "first"):
                changes = {**arm.changes, "training.slice_by": rule}
                arms.append(replace(arm, note=f"channels by {rule}", changes=changes))
    return arms


def recipe(tuned: Mapping[str, float]) -> list[Arm]:
    """What follows from `methods`, between the ends of `main`; no runs of its own."""
    plain = [arm for arm in main() if arm.method == "none"]
    return plain + [arm for arm in methods(tuned) if arm.method == "dfkd cosines"]


def longer() -> list[Arm]:
    """Start x the recipe's distillation, ten times as long."""
    ways = (NONE, ("dfkd cosines", "own-dccrn", 3.0))
    return [dccrn(0.25, start, *way, epochs=30) for start, way in product(("sliced", "random"), ways)]


def at_the_end(tuned: Mapping[str, float]) -> list[Arm]:
    """What is judged on a test split, once, when all parts are whole; no runs of its own."""
    return recipe(tuned) + longer() + [arm for arm in public() if not arm.pesq]


def reverse() -> list[Arm]:
    """The other way round: trained on the corpus that judges the others, and judged by theirs."""
    arms = [dccrn(0.25, start, *way) for start, way in (("random", NONE), ("sliced", NONE), ("sliced", DISTILLED))]
    return [replace(arm, note="trained on bench", changes={**arm.changes, "data.corpus": BENCH}) for arm in arms]


def conv_tasnet() -> list[Arm]:
    """Start and distillation in an architecture whose parent is trained for it."""
    arms = []
    for start, way in (("random", NONE), ("sliced", NONE), ("sliced", ("dfkd", "own conv_tasnet", 1.0))):
        changes = {
            "student": {"model": "conv_tasnet", "width": 0.25},
            "training.start_from": PARENT if start == "sliced" else None,
            "optimizer.learning_rate": 1.0e-3,
        }
        arms.append(Arm("conv_tasnet 0.25", start, *way, changes=changes))
    return arms


def pesq() -> list[Arm]:
    """A PESQ term without DFKD, beside it, beside less of it and after it; without the term, arms of `main`."""
    arms = [arm for arm in main() if arm.start == "sliced" and arm.student == "dccrn 0.25"]
    (taught,) = (arm for arm in arms if arm.method == "dfkd")
    after = {**taught.changes, "distillation.schedule": "two_step"}
    arms += [replace(taught, weight=0.3), replace(taught, note="two steps", changes=after)]
    return [replace(arm, pesq=True) for arm in arms]


def rates() -> list[Arm]:
    """Learning rate and warm-up (a tenth of the steps) of trained starts."""
    starts = (
        (dccrn(0.25, "sliced", "dfkd", "own-dccrn", 1.0), (1.0e-3, 3.0e-3, 6.0e-3)),
        (gtcrn(8, "sliced", "none", "no teacher", None, pesq=False), (1.0e-3, 3.0e-3, 6.0e-3)),
        (gtcrn(16, "whole", "none", "no teacher", None, pesq=False), (3.0e-4, 1.0e-3, 3.0e-3)),
    )
    tried = [
        (arm, rate, warmup)
        for arm, (low, middle, high) in starts
        for rate, warmup in ((low, 0), (middle, 0), (high, 0), (middle, 54), (high, 54))
    ]
    tried.append((starts[1][0], 1.2e-2, 0))
    arms = []
    for arm, rate, warmup in tried:
        changes = {**arm.changes, "optimizer.learning_rate": rate, "optimizer.warmup_steps": warmup}
        arms.append(replace(arm, note=f"rate {rate:g}, warm-up {warmup}", changes=changes))
    return arms


def plan(tuned: Mapping[str, float]) -> Iterator[tuple[str, Arm, int]]:
    """(part, arm, seed) in the order in which they are run: within a part every arm once before a second seed."""
    parts = (
        ("main", main(), SEEDS),
        ("reverse", reverse(), SEEDS),
        ("conv_tasnet", conv_tasnet(), SEEDS),
        ("pesq", pesq(), SEEDS),
        ("rates", rates(), RATE_SEEDS),
        ("tuning", tuning(), TUNING_SEEDS),
        ("variants", variants(), TUNING_SEEDS),
        ("heavier", heavier(), TUNING_SEEDS),
        ("methods", methods(tuned), SEEDS),
        ("recipe", recipe(tuned), SEEDS),
        ("slices", slices(tuned), SEEDS),
        ("teachers", teachers(), SEEDS),
        ("public", public(), SEEDS),
        ("longer", longer(), SEEDS),
        ("dial", dial(), SEEDS[:3]),
    )
    for name, arms, seeds in parts:
        for seed, arm in product(seeds, arms):
            yield name, arm, seed
