"""Whose split a folder is: by the names that people give to splits, else dealt by label."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from dfkd_core.data.manifest import Kind, Split
from dfkd_core.errors import DataError

MIN_LABELS: Final = 3  # one for each split
HELD_OUT_SHARE: Final = 0.1
DEEPEST: Final = 3  # folders between a kind's and the one that names a split

WORDS: Final[dict[str, Split]] = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "devel", "development", "cv", "dt"), "valid"),
    **dict.fromkeys(("test", "testing", "tst", "tt", "eval", "evaluation", "et"), "test"),
}
SHORT: Final = frozenset({"tr", "cv", "dt", "tt", "et", "val", "dev", "trn", "tst"})  # may be a name, too
_LIKE: Final = re.compile(r"^(train|valid|test)\w*$|^(val|dev|eval)(set)?s?$|^hold_?out$|^held_?out$|^unseen$")
SAY: Final = "name them train/, valid/ and test/, or list the files in a manifest.csv"


def words_of(name: str) -> list[str]:
    """The words of a folder's name: `Test_set`, `train-clean-100` -> test set, train clean."""
    return [word for word in re.split(r"[^a-z]+", name.lower()) if word]


def split_named(name: str) -> Split | None:
    """The split that a folder's name means, in any case and with the usual suffixes; None where it means none or two.

    train-clean-100, Training, trainset_28spk_wav -> train; dev-other, validation -> valid; test_set, TestData -> test.
    """
    found = {
        WORDS[word]
        for raw in words_of(name)
        for word in (raw, raw.removesuffix("set"), raw.removesuffix("data"))
        if word in WORDS
    }
    return found.pop() if len(found) == 1 else None


def level_of_splits(folders: Iterable[tuple[str, ...]], kind: Kind, where: str) -> int | None:
    """Which level of folders names splits, of the folders (from the outermost) that each file of a kind lies in.

    A level names them when all of its names do, or when two of them do (below the first, two that can be no label).
    One alone beside other folders is refused, unless it may be a label: `train` is a family of noise, too, and `Val` a
    person. So is what looks like a split and is not understood. None: no level names them.
    """
    paths = list(folders)
    for depth in range(DEEPEST):
        names = sorted({path[depth] for path in paths if len(path) > depth})
        understood = {name: split for name in names if (split := split_named(name)) is not None}
        others = [name for name in names if name not in understood]
        like = [name for name in others if any(_LIKE.match(word) for word in words_of(name))]
        is_whole = bool(names) and not others and all(len(path) > depth for path in paths)
        if is_whole and (not depth or len(set(understood.values())) > 1):
            return depth
        sure = {name: split for name, split in understood.items() if not SHORT.intersection(words_of(name))}
        if len(set((sure if depth else understood).values())) > 1:
            if like:
                raise DataError(f"{where}: {like[0]}/ looks like a split and is not understood; {SAY}")
            return depth
        if not depth and kind != "noise" and (like or sure):
            first = (like or [*sure])[0]
            beside = next((name for name in names if name not in (like or sure)), "files")
            raise DataError(f"{where}: {first}/ looks like a split, but beside it lie {beside}; {SAY}")
    return None


def split_labels(labels: Iterable[str], where: str) -> dict[str, Split]:
    """A tenth of the labels each to valid and test, by their hash; no label is in two splits."""
    ordered = by_hash(labels)
    if ordered and len(ordered) < MIN_LABELS:
        raise DataError(
            f"{where}: needs {MIN_LABELS} speakers or noise families to fill train, valid and test, "
            f"but has {len(ordered)} ({', '.join(ordered)}); add some, or sort the files into train/ valid/ test/"
        )
    held_out = max(1, round(HELD_OUT_SHARE * len(ordered)))
    valid, test = ordered[:held_out], ordered[held_out : 2 * held_out]
    return {label: "valid" if label in valid else "test" if label in test else "train" for label in ordered}


def by_hash(labels: Iterable[str]) -> list[str]:
    """The labels in an order of chance, the same on every machine: names are sorted by sex, site or date in many."""
    return sorted(set(labels), key=lambda label: hashlib.sha256(label.encode()).hexdigest())
