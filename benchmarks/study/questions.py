"""What the study asks: which arm is set against which, part by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.study.arms import (
    Arm,
    conv_tasnet,
    longer,
    main,
    methods,
    pesq,
    public,
    rates,
    recipe,
    reverse,
    slices,
    teachers,
)

Question = tuple[str, Arm, Arm]  # its name, the arm asked about, the arm that it is set against


def questions(tuned: Mapping[str, float]) -> dict[str, list[Question]]:
    """The questions of every part."""
    return {
        "main": of_starts(main()),
        "reverse": of_starts(reverse()),
        "conv_tasnet": of_starts(conv_tasnet()),
        "pesq": of_pesq(),
        "rates": of_rates(),
        "methods": of_methods(tuned),
        "recipe": of_recipe(tuned),
        "slices": of_slices(tuned),
        "teachers": of_teachers(),
        "public": of_public(public()),
        "longer": of_starts(longer()),
        "test": [
            *of_recipe(tuned),
            *((f"{name}, {a.epochs} epochs", a, b) for name, a, b in of_starts(longer())),
            *of_public([arm for arm in public() if not arm.pesq]),
        ],
    }


def of_starts(arms: Sequence[Arm]) -> list[Question]:
    """Slice against drawn weights, distillation against none from either, both together; for each student."""
    by = {(arm.student, arm.start, arm.method): arm for arm in arms}
    (method,) = {arm.method for arm in arms} - {"none"}
    asked = []
    for student in dict.fromkeys(arm.student for arm in arms):
        drawn, sliced, distilled = (
            by[student, "random", "none"],
            by[student, "sliced", "none"],
            by[student, "sliced", method],
        )
        if taught := by.get((student, "random", method)):
            asked.append((f"{student}: {method} against none, random", taught, drawn))
        asked += [
            (f"{student}: sliced against random, none", sliced, drawn),
            (f"{student}: {method} against none, sliced", distilled, sliced),
            (f"{student}: sliced {method} against random none", distilled, drawn),
        ]
    return asked


def of_pesq() -> list[Question]:
    """The term against none, beside each amount of DFKD; DFKD against none, each beside the term."""
    none, taught, *others = pesq()
    asked = [(f"{_begun(a)}, {a.method}: a PESQ term against none", a, replace(a, pesq=False)) for a in (none, taught)]
    for arm in (taught, *others):
        way = arm.note or f"weight {arm.weight:g}"
        asked.append((f"{_begun(arm)}, pesq: dfkd, {way}, against none", arm, none))
    return asked


def of_rates() -> list[Question]:
    """Every learning rate and warm-up against the usual one of its student, which is the second of the plan."""
    asked = []
    for student in dict.fromkeys(arm.student for arm in rates()):
        _, usual, *_ = tried = [arm for arm in rates() if arm.student == student]
        asked += [(f"{_begun(a)}: {a.note} against {usual.note}", a, usual) for a in tried if a is not usual]
    return asked


def of_methods(tuned: Mapping[str, float]) -> list[Question]:
    """DFKD against every other method that is tuned, its cosines alone against a cosine over the full band."""
    asked = []
    for student in dict.fromkeys(arm.student for arm in methods(tuned)):
        by = {arm.method: arm for arm in methods(tuned) if arm.student == student}
        pairs = [("dfkd", other) for other in by if other != "dfkd"]
        if "dfkd cosines" in by:
            pairs.append(("dfkd cosines", "full_band_cosine"))
        asked += [(f"{_begun(by[a])}: {a} against {b}", by[a], by[b]) for a, b in pairs]
    return asked


def of_recipe(tuned: Mapping[str, float]) -> list[Question]:
    """A slice distilled by DFKD's cosines, against the slice that is not, and against drawn weights."""
    by = {(arm.student, arm.start, arm.method): arm for arm in recipe(tuned)}
    taught = [arm for arm in recipe(tuned) if arm.method != "none"]
    return [
        (f"{arm.student}: sliced {arm.method} against {start} none", arm, by[arm.student, start, "none"])
        for arm in taught
        for start in ("sliced", "random")
    ]


def of_slices(tuned: Mapping[str, float]) -> list[Question]:
    """Every other rule against the usual one of its student, which is the first of the plan."""
    asked = []
    for student in dict.fromkeys(arm.student for arm in slices(tuned)):
        usual, *others = (arm for arm in slices(tuned) if arm.student == student)
        asked += [(f"{student}: {arm.note} against {usual.note}", arm, usual) for arm in others]
    return asked


def of_teachers() -> list[Question]:
    """DFKD from every other teacher, against none and against DFKD from the parent."""
    by = {(arm.student, arm.start, arm.method): arm for arm in main()}
    asked = []
    for arm in teachers():
        for method, name in (("none", "none"), ("dfkd", "dfkd from own-dccrn")):
            other = by[arm.student, arm.start, method]
            asked.append((f"{_begun(arm)}: dfkd from {arm.teacher} against {name}", arm, other))
    return asked


def of_public(arms: Sequence[Arm]) -> list[Question]:
    """GTCRN: DFKD against none, a slice against drawn weights, both also beside a PESQ term; that term against none."""
    by = {(arm.student, arm.start, arm.teacher, arm.pesq): arm for arm in arms}
    asked = []
    for (student, start, teacher, term), arm in by.items():
        beside = ", pesq" if term else ""
        if teacher != "no teacher":
            plain = by[student, start, "no teacher", term]
            asked.append((f"{_begun(arm)}{beside}: dfkd from {teacher} against none", arm, plain))
        elif start == "sliced":
            drawn = by[student, "random", teacher, term]
            asked.append((f"{student}{beside}: sliced against random, none", arm, drawn))
        if term:
            taught = "none" if teacher == "no teacher" else f"dfkd from {teacher}"
            without = by[student, start, teacher, False]
            asked.append((f"{_begun(arm)}, {taught}: a PESQ term against none", arm, without))
    return asked


def _begun(arm: Arm) -> str:
    return f"{arm.student}, {arm.start}"
