"""Folder layouts that are known by their names: how each one's files become entries of a manifest."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from dfkd_core.data.manifest import MANIFEST_NAME, SPLITS, Kind, Split, fileid_of
from dfkd_core.data.scanning import Entry, audio_files
from dfkd_core.data.splits import (
    HELD_OUT_SHARE,
    MIN_LABELS,
    by_hash,
    level_of_splits,
    split_labels,
    split_named,
    words_of,
)
from dfkd_core.errors import DataError

MANIFEST: Final = "manifest"
VOICEBANK_VALID = frozenset({"p226", "p287"})  # one man, one woman, held out of training as is usual
FED: tuple[Split, Split] = ("train", "valid")  # of a corpus that is trained on
NUM_HELD_OUT = 2  # speakers, where a corpus of pairs has no split to validate on
RECORDINGS = ("noisy", "real_recordings", "blind_test_set", "noisy_blind_testset*")  # the last three are DNS's

ACCEPTED = (
    "manifest (manifest.csv with path, kind, split, label, licence, seconds), "
    "voicebank-demand (clean_trainset_28spk_wav, noisy_trainset_28spk_wav, clean_testset_wav, noisy_testset_wav), "
    "dns (clean or clean_fullband, noise or noise_fullband, impulse_responses, at the top or in datasets/), "
    "noisy-only (noisy/, real_recordings/ or blind_test_set/ without clean speech to train on), "
    "clean-noise (clean/ and noise/), clean-noisy (clean/ and noisy/ with files of the same names), "
    "each with train/ valid/ test/ below or above, or none"
)

Label = Callable[[tuple[str, ...], str], str]  # of the folders that a file lies in, and its name without suffix


@dataclass(frozen=True)
class Found:
    """The entries of a corpus, and what is worth a word: what was left out, what was held out.

    lacks: of training and validation those that cannot be fed, each with the first thing missing, in words.
    """

    entries: list[Entry]
    notes: list[str] = field(default_factory=list)
    lacks: Mapping[Split, str] = field(default_factory=dict)

    @property
    def fit_for(self) -> tuple[Split, ...]:
        """Training and validation; validation alone where there is clean speech for it and nothing to train on."""
        is_heard = any(entry.kind == "clean" and entry.split == "valid" for entry in self.entries)
        is_trained_on = any(entry.split == "train" for entry in self.entries)
        return FED if is_trained_on or not is_heard else ("valid",)


@dataclass(frozen=True)
class Layout:
    """A name for the command line, how to know it, and how to read it."""

    name: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], Found]
    takes_any: bool = False  # folder, when it is asked for by name


def recognise(root: Path, name: str = "auto") -> Layout:
    """The layout of that name, or the first that matches; DataError says what is missing and what is accepted."""
    if name != "auto" and name not in LAYOUTS:
        raise DataError(f"layout must be one of auto, {', '.join(LAYOUTS)}, but got {name!r}")
    candidates = list(LAYOUTS.values()) if name == "auto" else [LAYOUTS[name]]
    for layout in candidates:
        if layout.matches(root) or (layout.takes_any and name == layout.name):
            return layout
    what = "no known layout" if name == "auto" else f"not the layout {name}"
    raise DataError(f"{root}: {what}; accepted are {ACCEPTED}")


def label_of(folders: tuple[str, ...], stem: str) -> str:
    """The first subfolder, else the file name up to its first `_` or `-`; a leading one is no end of it."""
    part = folders[0] if folders else re.split(r"[_-]", stem.lstrip("_-"), maxsplit=1)[0] or stem
    return as_label(part)


def as_label(name: str) -> str:
    """A name as text that is the same however a file system writes it: composed, what is no UTF-8 replaced."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return sys.intern(unicodedata.normalize("NFC", shown))  # kept once, however many clips have it


class _Reader:
    """Collects the entries of a corpus, and what was passed over."""

    def __init__(self, root: Path) -> None:
        self.root, self.entries, self.notes = root, list[Entry](), list[str]()
        self._others: Counter[str] = Counter()

    def add(self, kind: Kind, folder: Path, label: Label = label_of, split: Split | None = None) -> None:
        """The files of a folder: in one split, or in the splits that folders name, or else split by label."""
        paths = list(audio_files(folder, self._others))
        places = [path.relative_to(folder).parts[:-1] for path in paths]
        level = None if split else level_of_splits(set(places), kind, str(folder))
        aside: Counter[str] = Counter()
        # each file's folders without the one that names its split
        below = [
            place if level is None or len(place) <= level else (*place[:level], *place[level + 1 :]) for place in places
        ]
        # folders that all files lie in, such as LibriSpeech/, tell nobody from anybody
        while all(len(place) > 1 for place in below) and len({place[0] for place in below}) == 1:
            below = [place[1:] for place in below]
        labels = [label(folders, path.stem) for path, folders in zip(paths, below, strict=True)]
        dealt = split_labels(labels, f"{folder}") if split is None and level is None else {}
        for path, place, name in zip(paths, places, labels, strict=True):
            of_folder = split if level is None else split_named(place[level]) if len(place) > level else None
            if (of_file := of_folder or dealt.get(name)) is not None:
                self.entries.append(Entry(str(path), kind, of_file, name))
            else:
                aside[folder.joinpath(*place[: (level or 0) + 1]).relative_to(self.root).as_posix()] += 1
        for name, count in sorted(aside.items()):
            self.notes.append(f"left out: {name}/, which names no split beside folders that do (files: {count})")

    def hold_out(self, wanted: frozenset[str] = frozenset()) -> None:
        """Give a corpus that has named splits, but none to validate on, labels of its training split for that."""
        for kind in ("clean", "noise"):
            labels: dict[Split, set[str]] = {split: set() for split in SPLITS}
            for entry in self.entries:
                if entry.kind == kind:
                    labels[entry.split].add(entry.label)
            if not labels["train"] or labels["valid"]:
                continue
            at_least = NUM_HELD_OUT if kind == "clean" and len(labels["train"]) > NUM_HELD_OUT + 1 else 1
            num = max(at_least, round(HELD_OUT_SHARE * len(labels["train"])))
            chosen = wanted & labels["train"] or set(by_hash(labels["train"])[:num])
            if len(labels["train"]) <= len(chosen):
                continue
            kinds = (kind, "noisy") if kind == "clean" else (kind,)
            self.entries = [
                replace(entry, split="valid")
                if entry.kind in kinds and entry.split == "train" and entry.label in chosen
                else entry
                for entry in self.entries
            ]
            self.notes.append(f"no split to validate on: {', '.join(sorted(chosen))} are held out of training ({kind})")

    def found(self) -> Found:
        """What was collected, with the files that were not looked at, counted by suffix."""
        if self._others:
            counts = ", ".join(f"{suffix} {count}" for suffix, count in sorted(self._others.items()))
            self.notes.append(f"not looked at, by suffix: {counts}")
        return Found(self.entries, self.notes)

    def complete(self, noise: Kind) -> Found:
        """The entries, and which splits cannot be fed with them; DataError: one kind is nowhere."""
        present = {(entry.kind, entry.split) for entry in self.entries}
        kinds: tuple[Kind, Kind] = ("clean", noise)
        lacks: dict[Split, str] = {}
        for kind in kinds:
            if kind not in {entry.kind for entry in self.entries}:
                raise DataError(f"{self.root}: no {kind} audio found; accepted are {ACCEPTED}")
            for split in FED:
                if (kind, split) not in present:
                    lacks.setdefault(split, f"has no {kind} audio")
        return replace(self.found(), lacks=lacks)


# --- clean/ with noise/ or noisy/ -------------------------------------------------------------------------

_KINDS: Final[dict[str, Kind]] = {"clean": "clean", "noise": "noise", "noises": "noise", "noisy": "noisy"}
_FILLERS: Final = frozenset({"wav", "wavs", "flac", "audio", "speech", "set", "spk", "k", "khz", "hz", "data"})


def _places(root: Path) -> list[tuple[Kind, Split | None, Path]]:
    """The folders of each kind: clean/, clean_test/, test/clean/ and the like, with the split that their names mean."""
    found: list[tuple[Kind, Split | None, Path]] = []

    def kind_named(name: str) -> Kind | None:
        words = words_of(name)
        kinds = {_KINDS[word] for word in words if word in _KINDS}
        rest = [word for word in words if word not in _KINDS and word not in _FILLERS and not split_named(word)]
        return kinds.pop() if len(kinds) == 1 and not rest else None

    for child in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        split, kind = split_named(child.name), kind_named(child.name)
        below = (
            sorted(path for path in child.iterdir() if path.is_dir() and path.name.lower() in _KINDS) if split else []
        )
        if below:
            found += [(_KINDS[path.name.lower()], split, path) for path in below]
        elif kind is not None:
            found.append((kind, split, child))
    return found


def _has(*kinds: Kind) -> Callable[[Path], bool]:
    return lambda root: set(kinds) <= {kind for kind, _, _ in _places(root)}


def _is_clean_and_noise(root: Path) -> bool:
    """DNS's synthesiser keeps the noise, too, beside pairs that it names by number."""
    if not _has("clean", "noise")(root):
        return False
    firsts = (next(audio_files(folder), None) for kind, _, folder in _places(root) if kind == "noisy")
    return not any(first is not None and fileid_of(first.stem) for first in firsts)


def _read_pair_of(other: Kind) -> Callable[[Path], Found]:
    """clean/ with noise/, or with noisy/ of the same names; a pair has one label by its place."""

    def read(root: Path) -> Found:
        reader, places = _Reader(root), _places(root)
        # pairs named by number have the reader whom the noisy file's name tells, else no speaker but themselves
        noisy = [folder for kind, _, folder in places if kind == "noisy" and other == "noisy"]
        stems = [path.stem for folder in noisy for path in audio_files(folder) if fileid_of(path.stem)]
        readers = {fileid_of(stem): _dns_reader((), stem) for stem in stems if "reader_" in stem}

        def label(folders: tuple[str, ...], stem: str) -> str:
            fileid = fileid_of(stem) if stems else ""
            return readers.get(fileid, fileid) or label_of(folders, stem)

        for kind, split, folder in places:
            if kind in ("clean", other):
                reader.add(kind, folder, label, split)
        if stems and not readers:
            reader.notes.append("names tell no speakers: one and the same voice may be in two splits")
        reader.hold_out(VOICEBANK_VALID)
        return reader.complete(other)

    return read


# --- VoiceBank+DEMAND -------------------------------------------------------------------------------------


def _voicebank(root: Path) -> Found:
    """Speakers are the names' first part; two of the training set are the validation split (28 or 56 speakers)."""
    reader = _Reader(root)
    for kind, part in (("clean", "trainset"), ("noisy", "trainset"), ("clean", "testset"), ("noisy", "testset")):
        folders = sorted(root.glob(f"{kind}_{part}*"))
        if not folders and part == "trainset":
            raise DataError(f"{root}: {kind}_{part}_28spk_wav is missing; accepted are {ACCEPTED}")
        for folder in folders[:1]:
            of_kind: Kind = "clean" if kind == "clean" else "noisy"
            reader.add(of_kind, folder, lambda _, stem: label_of((), stem), "train" if part == "trainset" else "test")
    reader.hold_out(VOICEBANK_VALID)
    return reader.complete("noisy")


# --- recordings -------------------------------------------------------------------------------------------


def _recordings(root: Path) -> Path | None:
    """The folder of recordings, at the top or where DNS has it."""
    tops = [root, root / "test_set", *sorted(root.glob("datasets*")), *sorted(root.glob("datasets*/test_set"))]
    return next((f for top in tops for name in RECORDINGS for f in sorted(top.glob(name)) if f.is_dir()), None)


def _is_noisy_only(root: Path) -> bool:
    clean = [(split, folder) for kind, split, folder in _places(root) if kind == "clean"]
    below = [split_named(f.name) for split, folder in clean if split is None for f in folder.iterdir() if f.is_dir()]
    named = [split for split in (*(split for split, _ in clean), *below) if split]
    trains_on_clean = bool(clean) and not (named and "train" not in named)
    return _recordings(root) is not None and not trains_on_clean


def _noisy_only(root: Path) -> Found:
    """Recordings to train on; validation and test by recordings, or by clean/ with noise/ or noisy files of its own."""
    reader, folder = _Reader(root), _recordings(root) or root
    for kind in ("clean", "noise"):
        if (root / kind).is_dir():
            reader.add("clean" if kind == "clean" else "noise", root / kind)
    places = {path.relative_to(folder).parts[:-1] for path in audio_files(folder)}
    has_splits = level_of_splits(places, "noisy", str(folder)) is not None
    if reader.entries and not has_splits:
        reader.add("noisy", folder, split="train")
    else:
        # labels where they tell three apart, else each recording by itself
        labels = {label_of(path.relative_to(folder).parts[:-1], path.stem) for path in audio_files(folder)}
        alone = not has_splits and len(labels) < MIN_LABELS
        reader.add("noisy", folder, (lambda _, stem: as_label(stem)) if alone else label_of)
    present = {(entry.kind, entry.split) for entry in reader.entries}
    lacks: dict[Split, str] = {}
    if ("noisy", "train") not in present:
        lacks["train"] = "has no recordings"
    if ("noisy", "valid") not in present and not {("clean", "valid"), ("noise", "valid")} <= present:
        lacks["valid"] = "has neither recordings nor clean speech with noise"
    return replace(reader.found(), lacks=lacks)


# --- DNS Challenge ----------------------------------------------------------------------------------------


def _dns_folders(root: Path) -> dict[Kind, Path]:
    """DNS 2020 to 2022: clean and noise, or clean_fullband and noise_fullband, in datasets*/ or at the top."""
    tops = [*sorted(root.glob("datasets*")), root]
    found: dict[Kind, Path] = {}
    names: list[tuple[Kind, str]] = [("clean", "clean"), ("noise", "noise"), ("impulse_response", "impulse_responses")]
    for kind, name in names:
        folders = [f for top in tops for f in (top / name, top / f"{name}_fullband") if f.is_dir()]
        if folders:
            found[kind] = folders[0]
    return found


def _is_dns(root: Path) -> bool:
    folders = _dns_folders(root)
    plain = folders.get("clean") == root / "clean" and "impulse_response" not in folders
    return {"clean", "noise"} <= folders.keys() and not plain


def _dns(root: Path) -> Found:
    """Split by reader and by noise family; Freesound names tell the family, other noises are their own.

    Impulse responses by their room, the folder they lie in; for training, unless folders name splits. SLR28 keeps
    recordings of noise beside them.
    """

    def family(_: tuple[str, ...], stem: str) -> str:
        # `door_Freesound_validated_12.wav` belongs to door; AudioSet excerpts are named by their video alone
        name, freesound, _rest = stem.partition("_Freesound")
        return as_label(name.rstrip("_0123456789") if freesound else stem)

    folders, reader = _dns_folders(root), _Reader(root)
    reader.add("clean", folders["clean"], _dns_reader)
    reader.add("noise", folders["noise"], family)
    if (rooms := folders.get("impulse_response")) is not None:
        named = [
            (split, path) for path in sorted(rooms.iterdir()) if path.is_dir() and (split := split_named(path.name))
        ]
        for split, below in named or [("train", rooms)]:
            for path in audio_files(below):
                if "_noise_" not in path.stem and "pointsource_noises" not in path.parts:
                    room = as_label(path.parent.relative_to(below).as_posix())
                    reader.entries.append(Entry(str(path), "impulse_response", split, room))
    return reader.complete("noise")


def _dns_reader(folders: tuple[str, ...], stem: str) -> str:
    """`book_00000_chp_0009_reader_06709_0_seg_1.wav` was read by reader_06709."""
    _, reader, rest = stem.partition("reader_")
    return as_label(f"reader_{rest.partition('_')[0]}") if reader else label_of(folders, stem)


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(MANIFEST, lambda root: (root / MANIFEST_NAME).is_file(), lambda root: Found([])),
        Layout("voicebank-demand", lambda root: any(root.glob("clean_trainset*")), _voicebank),
        Layout("dns", _is_dns, _dns),
        Layout("noisy-only", _is_noisy_only, _noisy_only, takes_any=True),
        Layout("clean-noise", _is_clean_and_noise, _read_pair_of("noise")),
        Layout("clean-noisy", _has("clean", "noisy"), _read_pair_of("noisy")),
    )
}
