"""Folder layouts that are known by their names: how each one's files become entries of a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dfkd_core.data.corpora import MANIFEST_NAME, SPLITS, Kind, Split
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
    "clean-noise (clean/ and noise/, each with train/ valid/ test/ or none)"
)


@dataclass(frozen=True)
class Layout:
    """A name for the command line, how to know it, and how to read it."""

    name: str
    matches: Callable[[Path], bool]
    entries: Callable[[Path], list[Entry]]


def recognise(root: Path, name: str = "auto") -> Layout:
    """The layout of that name, or the first that matches; DataError says what is missing and what is accepted."""
    if name != "auto" and name not in LAYOUTS:
        raise DataError(f"layout must be one of auto, {', '.join(LAYOUTS)}, but got {name!r}")
    candidates = list(LAYOUTS.values()) if name == "auto" else [LAYOUTS[name]]
    for layout in candidates:
        if layout.matches(root):
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
            entries.append(Entry(path, kind, "test" if part == "testset" else held_out, speaker))
    return _complete(root, entries, noise="noisy")


# --- clean and noise folders, DNS Challenge ---------------------------------------------------------------


def _has_clean_and_noise(root: Path) -> bool:
    return (root / "clean").is_dir() and (root / "noise").is_dir()


def _clean_noise(root: Path) -> list[Entry]:
    """clean/ and noise/, with train/ valid/ test/ below, else split by label so that none is in two splits."""
    named = list(_kind_entries("clean", root / "clean", _label)) + list(_kind_entries("noise", root / "noise", _label))
    return _complete(root, named, noise="noise")


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
    labels: dict[Kind, Callable[[Path, Path], str]] = {
        "clean": _dns_reader,
        "noise": _dns_family,
        "impulse_response": _label,
    }
    entries = [
        entry for kind, folder in _dns_folders(root).items() for entry in _kind_entries(kind, folder, labels[kind])
    ]
    return _complete(root, entries, noise="noise")


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
    named = [split for split in SPLITS if (folder / split).is_dir()]
    if named:
        for split in named:
            for path in audio_files(folder / split):
                yield Entry(path, kind, split, label(folder / split, path))
        return
    labelled = [(path, label(folder, path)) for path in audio_files(folder)]
    splits = split_labels({name for _, name in labelled}, f"{folder}")
    for path, name in labelled:
        yield Entry(path, kind, splits[name], name)


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
        Layout("clean-noise", _has_clean_and_noise, _clean_noise),
    )
}
