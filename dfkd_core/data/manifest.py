"""A corpus as a manifest: which file is what, in which split, whose voice or which family of noise."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from dfkd_core.base.documents import read_content, real_path
from dfkd_core.base.outputs import write_output
from dfkd_core.errors import DataError, Unreadable

Kind = Literal["clean", "noise", "noisy", "impulse_response"]
Split = Literal["train", "valid", "test"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SPLITS: tuple[Split, ...] = get_args(Split)
COLUMNS = ("path", "kind", "split", "label", "licence", "seconds")
MANIFEST_NAME = "manifest.csv"
EMPTY = "is empty; give it clean and noise audio, or noisy recordings"  # of a split
MAX_TRIMMED = 160  # samples at 16 kHz by which the files of a pair may differ in length: 10 ms
_PAIRED: tuple[Kind, Kind] = ("clean", "noisy")
_FILEID = re.compile(r"(?:^|_)fileid_(\d+)$")

Known = TypeVar("Known", bound=str)


@dataclass(frozen=True, slots=True)
class Clip:
    """One audio file; `label` is its speaker, or its family of noise."""

    path: str  # relative to the manifest's root, or absolute
    kind: Kind
    split: Split
    label: str
    licence: str
    seconds: float

    @property
    def stem(self) -> str:
        """The file name without folder and suffix."""
        return Path(self.path).stem

    @property
    def pair(self) -> str:
        """What a noisy file has in common with its clean one: the name without suffix, or the number in it."""
        return fileid_of(self.stem) or unicodedata.normalize("NFC", self.stem)


@dataclass(frozen=True)
class Manifest:
    """The clips of a corpus, sorted by path, below one root folder."""

    root: Path
    clips: tuple[Clip, ...]
    notes: tuple[str, ...] = field(default=(), compare=False)  # what a scan has to tell of it

    @cached_property
    def sha256(self) -> str:
        """Hash of the rows; the place of the root plays no part."""
        return rows_sha256(self.clips)

    def select(self, kind: Kind | None = None, split: Split | None = None) -> list[Clip]:
        """The clips of a kind, of a split, or of both."""
        return [c for c in self.clips if kind in (None, c.kind) and split in (None, c.split)]

    def path(self, clip: Clip) -> Path:
        """Where a clip lies."""
        return self.root / clip.path

    def summary(self) -> list[str]:
        """For each split and kind a line: clips, hours, speakers or families."""
        lines = []
        for split, kind in product(SPLITS, KINDS):
            clips = self.select(kind, split)
            if clips:
                hours, labels = sum(clip.seconds for clip in clips) / 3600, len({clip.label for clip in clips})
                lines.append(f"{split} {kind.replace('_', ' ')}: {len(clips)} clips, {hours:.2f} h, {labels} labels")
        return lines


def fileid_of(stem: str) -> str:
    """`fileid_12` of `book_3_reader_6_snr5_fileid_12` and of `clean_fileid_12`, as DNS's synthesiser names; else ""."""
    found = _FILEID.search(stem)
    return f"fileid_{int(found[1])}" if found else ""


def rows_sha256(clips: Iterable[Clip]) -> str:
    """Hash of what a manifest says of its clips; licences change no signal and play no part."""
    digest = hashlib.sha256()
    for clip in clips:
        row = f"{clip.path}\t{clip.kind}\t{clip.split}\t{clip.label}\t{clip.seconds:.3f}\n"
        digest.update(row.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def manifest_of(root: str | Path, clips: Iterable[Clip], notes: Iterable[str] = ()) -> Manifest:
    """A manifest in canonical order, so that equal corpora have equal hashes; its pairs are complete."""
    ordered = tuple(sorted(clips, key=lambda clip: clip.path))
    check_pairs(ordered)
    return Manifest(real_path(root), ordered, tuple(notes))


def read_manifest(path: str | Path, root: Path | None = None) -> Manifest:
    """Read a CSV with the columns path, kind, split, label, licence, seconds; others are ignored.

    Relative paths are seen from `root`, else from the file's own folder.
    """
    path = Path(path)
    try:
        content = read_content(path)
        # spreadsheets mark the order of bytes, write UTF-16, or part columns by semicolons and tabs
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
        first = text.partition("\n")[0]
        delimiter = max(",;\t", key=first.count)
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        missing = [name for name in COLUMNS if name not in reader.fieldnames]
        if missing:
            raise DataError(
                f"{path}: a manifest needs the columns {', '.join(COLUMNS)}, but lacks {', '.join(missing)}"
            )
        clips = [_clip(row, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, Unreadable, UnicodeDecodeError, csv.Error) as error:
        reason = error.rule if isinstance(error, Unreadable) else getattr(error, "strerror", None) or error
        raise DataError(f"{path}: must be a readable CSV manifest, but {reason}") from error
    if not clips:
        raise DataError(f"{path}: lists no clips; write it again with `dfkd data scan`")
    return manifest_of(root or path.parent, clips)


def write_manifest(manifest: Manifest, path: str | Path) -> None:
    """Write the CSV; clips outside its folder are named by their absolute path."""
    folder = real_path(path).parent
    clips = []
    for clip in manifest.clips:
        file = manifest.path(clip)
        place = file.relative_to(folder) if file.is_relative_to(folder) else file
        clips.append(replace(clip, path=place.as_posix()))
    write_rows(clips, Path(path))


def check_pairs(clips: Sequence[Clip]) -> None:
    """DataError names files that are only clean or only noisy, or share a name, in a split that has both."""
    for split in SPLITS:
        names = {kind: [c.pair for c in clips if c.split == split and c.kind == kind] for kind in _PAIRED}
        clean, noisy = set(names["clean"]), set(names["noisy"])
        if clean and noisy:
            for kind in _PAIRED:
                repeated = sorted(name for name, count in Counter(names[kind]).items() if count > 1)
                if repeated:
                    more = f" and {len(repeated) - 1} others" if len(repeated) > 1 else ""
                    raise DataError(
                        f"{split}: {kind} files are paired by name, but {repeated[0]}{more} is there more than once; "
                        "rename them"
                    )
        if clean and noisy and clean != noisy:
            raise DataError(
                f"{split}: clean and noisy files must have the same names, but {_without(clean - noisy, 'noisy')}"
                f"{' and ' if clean - noisy and noisy - clean else ''}{_without(noisy - clean, 'clean')}"
            )


def without_partners(clips: Sequence[Clip], lost: Collection[tuple[Split, str]]) -> list[Clip]:
    """The clips without those whose partner, a damaged file of that split and name, is lost."""
    paired = {kind for kind in _PAIRED if any(clip.kind == kind for clip in clips)} == set(_PAIRED)
    if not paired:
        return list(clips)
    return [clip for clip in clips if clip.kind not in _PAIRED or (clip.split, clip.pair) not in lost]


def noisy_partners(clips: Sequence[Clip], num_samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each clip the index of the noisy clip of its name, else -1.

    DataError: a pair whose lengths differ by more than 10 ms, which is cut off the longer one.
    """
    noisy = {clip.pair: i for i, clip in enumerate(clips) if clip.kind == "noisy"}
    partners = [noisy.get(clip.pair, -1) if clip.kind == "clean" else -1 for clip in clips]
    for i, partner in enumerate(partners):
        if partner >= 0 and abs(int(num_samples[i]) - int(num_samples[partner])) > MAX_TRIMMED:
            raise DataError(
                f"{clips[i].path} and {clips[partner].path}: a pair must have one length, "
                f"but they have {num_samples[i]} and {num_samples[partner]} samples at 16 kHz"
            )
    return np.array(partners, np.int64)


def _without(names: Iterable[str], missing: str) -> str:
    first = sorted(names)[:3]
    more = len(set(names)) - len(first)
    return f"no {missing} file for {', '.join(first)}{f' and {more} more' if more > 0 else ''}" if first else ""


def write_rows(clips: Iterable[Clip], path: Path) -> None:
    """Write clips as they are, their paths unchanged."""
    text = io.StringIO()
    plain, quoted = (csv.writer(text, lineterminator="\n", quoting=q) for q in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    plain.writerow(COLUMNS)
    for clip in clips:
        row = (clip.path, clip.kind, clip.split, clip.label, clip.licence, f"{clip.seconds:.3f}")
        # the writer leaves a carriage return bare, and the reader ends a line there
        (quoted if any("\r" in part for part in row) else plain).writerow(row)
    write_output(path, text.getvalue().encode("utf-8", "surrogateescape"))


def _clip(row: dict[str, str], where: str) -> Clip:
    kind = _one_of(row["kind"], KINDS, "kind", where)
    split = _one_of(row["split"], SPLITS, "split", where)
    try:
        seconds = float(row["seconds"].replace(",", "."))
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{where}: seconds must be a number, but got {row['seconds']!r}") from error
    if not 0 <= seconds < float("inf"):
        raise DataError(f"{where}: seconds must be a finite number, but got {row['seconds']!r}")
    if not row["path"] or "\0" in row["path"]:
        raise DataError(f"{where}: path must name a file, but got {row['path']!r}")
    return Clip(row["path"], kind, split, sys.intern(row["label"] or ""), row["licence"] or "", seconds)


def _one_of(value: str, known: Sequence[Known], column: str, where: str) -> Known:
    for name in known:
        if name == value:
            return name
    raise DataError(f"{where}: {column} must be one of {', '.join(known)}, but got {value!r}")
