"""Folder layouts that are known by their names: how each one's files become entries of a manifest."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dfkd_core.data.manifest import MANIFEST_NAME, SPLITS, Kind, Split
from dfkd_core.data.scanning import Entry, audio_files
from dfkd_core.errors import DataError

MANIFEST: Final = "manifest"
VOICEBANK_VALID = frozenset({"p226", "p287"})  # one man, one woman, held out of training as is usual
MIN_LABELS = 3  # one for each split
HELD_OUT_SHARE = 0.1

ACCEPTED = (
    "manifest (manifest.csv with path, kind, split, label, licence, seconds), "
    "voicebank-demand (clean_trainset_28spk_wav, noisy_trainset_28spk_wav, clean_testset_wav, noisy_testset_wav), "
    "dns (clean or clean_fullband, noise or noise_fullband, impulse_responses, at the top or in datasets/), "
    "noisy-only (noisy/, real_recordings/ or blind_test_set/ without clean speech to train on), "
    "clean-noise (clean/ and noise/, each with train/ valid/ test/ or none), "
    "clean-noisy (clean/ and noisy/ with files of the same names)"
)


@dataclass(frozen=True)
class Layout:
    """A name for the command line, how to know it, and how to read it."""

    name: str
    matches: Callable[[Path], bool]
    entries: Callable[[Path], list[Entry]]
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


# --- VoiceBank+DEMAND -------------------------------------------------------------------------------------


def _voicebank_folders(root: Path) -> dict[tuple[Kind, str], Path]:
    """(kind, trainset or testset) -> folder; both the 28- and the 56-speaker release are known."""
    found: dict[tuple[Kind, str], Path] = {}
    for kind in ("clean", "noisy"):
        for part in ("trainset", "testset"):
            folders = sorted(root.glob(f"{kind}_{part}*"))
            if folders:
                found[kind, part] = folders[0]
    return found


def _is_voicebank(root: Path) -> bool:
    return ("clean", "trainset") in _voicebank_folders(root)


def _voicebank(root: Path) -> list[Entry]:
    """Speakers are the names' first part; two of the training set are the validation split."""
    folders = _voicebank_folders(root)
    wanted: list[tuple[Kind, str]] = [("clean", "trainset"), ("noisy", "trainset")]
    for kind, part in wanted:
        if (kind, part) not in folders:
            raise DataError(f"{root}: {kind}_{part}_28spk_wav is missing; accepted are {ACCEPTED}")
    entries = []
    for (kind, part), folder in folders.items():
        for path in audio_files(folder):
            speaker = path.stem.partition("_")[0]
            held_out: Split = "valid" if speaker in VOICEBANK_VALID else "train"
            entries.append(_entry(path, kind, "test" if part == "testset" else held_out, speaker))
    return _complete(root, entries, noise="noisy")


# --- recordings -------------------------------------------------------------------------------------------

RECORDINGS = ("noisy", "real_recordings", "blind_test_set", "noisy_blind_testset*")  # the last three are DNS's


def _recordings(root: Path) -> Path | None:
    """The folder of recordings, at the top or where DNS has it."""
    tops = [root, root / "test_set", *sorted(root.glob("datasets*")), *sorted(root.glob("datasets*/test_set"))]
    return next((f for top in tops for name in RECORDINGS for f in sorted(top.glob(name)) if f.is_dir()), None)


def _is_noisy_only(root: Path) -> bool:
    clean = root / "clean"
    trains_on_clean = clean.is_dir() and not (_named_splits(clean) and not (clean / "train").is_dir())
    return _recordings(root) is not None and not trains_on_clean


def _noisy_only(root: Path) -> list[Entry]:
    """Recordings to train on; validation and test by recordings, or by clean/ with noise/ or noisy files of its own."""
    folder = _recordings(root) or root
    held_out = [*_kind_entries("clean", root / "clean", _label), *_kind_entries("noise", root / "noise", _label)]
    if _named_splits(folder):
        recordings = list(_kind_entries("noisy", folder, _label))
    elif held_out:
        recordings = [_entry(path, "noisy", "train", _label(folder, path)) for path in audio_files(folder)]
    else:
        recordings = list(_kind_entries("noisy", folder, _place(folder)))
    return _complete_recordings(root, [*recordings, *held_out])


def _place(folder: Path) -> Callable[[Path, Path], str]:
    """Labels of recordings: as `_label` where that tells three apart, else each recording by itself."""
    told = {_label(folder, path) for path in audio_files(folder)}
    return _label if len(told) >= MIN_LABELS else lambda _, path: path.stem


def _complete_recordings(root: Path, entries: list[Entry]) -> list[Entry]:
    present = {(entry.kind, entry.split) for entry in entries}
    if ("noisy", "train") not in present:
        raise DataError(f"{root}: the train split has no recordings; accepted are {ACCEPTED}")
    judged = ("noisy", "valid") in present or {("clean", "valid"), ("noise", "valid")} <= present
    if not judged:
        raise DataError(
            f"{root}: the valid split has neither recordings nor clean speech with noise; accepted are {ACCEPTED}"
        )
    return entries


# --- clean and noise folders, DNS Challenge ---------------------------------------------------------------


def _has_clean_and_noise(root: Path) -> bool:
    return (root / "clean").is_dir() and (root / "noise").is_dir()


def _clean_noise(root: Path) -> list[Entry]:
    """clean/ and noise/, with train/ valid/ test/ below, else split by label so that none is in two splits."""
    named = list(_kind_entries("clean", root / "clean", _label)) + list(_kind_entries("noise", root / "noise", _label))
    return _complete(root, named, noise="noise")


def _has_clean_and_noisy(root: Path) -> bool:
    return (root / "clean").is_dir() and (root / "noisy").is_dir()


def _clean_noisy(root: Path) -> list[Entry]:
    """clean/ and noisy/ as clean/ and noise/; a pair has one name, and one label by its place."""
    named = [*_kind_entries("clean", root / "clean", _label), *_kind_entries("noisy", root / "noisy", _label)]
    return _complete(root, named, noise="noisy")


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


def _dns(root: Path) -> list[Entry]:
    """Split by reader and by noise family; Freesound names tell the family, other noises are their own."""
    folders = _dns_folders(root)
    entries = [
        *_kind_entries("clean", folders["clean"], _dns_reader),
        *_kind_entries("noise", folders["noise"], _dns_family),
    ]
    if "impulse_response" in folders:
        entries += _impulse_responses(folders["impulse_response"])
    return _complete(root, entries, noise="noise")


def _impulse_responses(folder: Path) -> Iterator[Entry]:
    """Impulse responses by their room, the folder they lie in; for training, unless subfolders name splits.

    SLR28 keeps recordings of noise beside them.
    """
    for split, below in _named_splits(folder) or [("train", folder)]:
        for path in audio_files(below):
            if "_noise_" not in path.stem and "pointsource_noises" not in path.parts:
                yield _entry(path, "impulse_response", split, path.parent.relative_to(below).as_posix())


def _dns_reader(folder: Path, path: Path) -> str:
    """`book_00000_chp_0009_reader_06709_0_seg_1.wav` was read by reader_06709."""
    _, reader, rest = path.stem.partition("reader_")
    return f"reader_{rest.partition('_')[0]}" if reader else _label(folder, path)


def _dns_family(folder: Path, path: Path) -> str:
    """`door_Freesound_validated_12.wav` belongs to door; AudioSet excerpts are named by their video alone."""
    family, freesound, _ = path.stem.partition("_Freesound")
    return family.rstrip("_0123456789") if freesound else path.stem


def _kind_entries(kind: Kind, folder: Path, label: Callable[[Path, Path], str]) -> Iterator[Entry]:
    """Entries of a folder, in the splits that its subfolders name, or else split by label."""
    if not folder.is_dir():
        return
    named = _named_splits(folder)
    if named:
        for split, below in named:
            for path in audio_files(below):
                yield _entry(path, kind, split, label(below, path))
        return
    labelled = [_entry(path, kind, "train", label(folder, path)) for path in audio_files(folder)]
    splits = split_labels({entry.label for entry in labelled}, f"{folder}")
    for entry in labelled:
        yield replace(entry, split=splits[entry.label])


def _entry(path: Path, kind: Kind, split: Split, label: str) -> Entry:
    """An entry whose label is kept once, however many clips have it."""
    return Entry(str(path), kind, split, sys.intern(label))


def _named_splits(folder: Path) -> list[tuple[Split, Path]]:
    return [(split, folder / split) for split in SPLITS if (folder / split).is_dir()]


def split_labels(labels: Iterable[str], where: str) -> dict[str, Split]:
    """A tenth of the labels each to valid and test, by their hash; no label is in two splits."""
    # by hash and not by name: names are sorted by sex, site or date in many corpora
    ordered = sorted(set(labels), key=lambda label: hashlib.sha256(label.encode()).hexdigest())
    if ordered and len(ordered) < MIN_LABELS:
        raise DataError(
            f"{where}: needs {MIN_LABELS} speakers or noise families to fill train, valid and test, "
            f"but has {len(ordered)} ({', '.join(ordered)}); add some, or sort the files into train/ valid/ test/"
        )
    held_out = max(1, round(HELD_OUT_SHARE * len(ordered)))
    valid, test = ordered[:held_out], ordered[held_out : 2 * held_out]
    return {label: "valid" if label in valid else "test" if label in test else "train" for label in ordered}


def _label(folder: Path, path: Path) -> str:
    """The first subfolder, else the file name up to its first `_` or `-`."""
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else path.stem.replace("-", "_").partition("_")[0]


def _complete(root: Path, entries: list[Entry], noise: Kind) -> list[Entry]:
    """The entries, if training and validation can be fed; DataError names the first thing missing."""
    present = {(entry.kind, entry.split) for entry in entries}
    kinds: tuple[Kind, Kind] = ("clean", noise)
    for kind in kinds:
        if kind not in {entry.kind for entry in entries}:
            raise DataError(f"{root}: no {kind} audio found; accepted are {ACCEPTED}")
        for split in ("train", "valid"):
            if (kind, split) not in present:
                raise DataError(f"{root}: the {split} split has no {kind} audio; accepted are {ACCEPTED}")
    return entries


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(MANIFEST, lambda root: (root / MANIFEST_NAME).is_file(), lambda root: []),
        Layout("voicebank-demand", _is_voicebank, _voicebank),
        Layout("dns", _is_dns, _dns),
        Layout("noisy-only", _is_noisy_only, _noisy_only, takes_any=True),
        Layout("clean-noise", _has_clean_and_noise, _clean_noise),
        Layout("clean-noisy", _has_clean_and_noisy, _clean_noisy),
    )
}
