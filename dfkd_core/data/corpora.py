"""A corpus as a manifest: which file is what, in which split, whose voice or which family of noise."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from dfkd_core.atomic_files import write_atomic
from dfkd_core.cache import cache_dir
from dfkd_core.data.progress import Progress, silent
from dfkd_core.errors import DataError

if TYPE_CHECKING:
    from dfkd_core.data.scanning import Entry

Kind = Literal["clean", "noise", "noisy", "impulse_response"]
Split = Literal["train", "valid", "test"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SPLITS: tuple[Split, ...] = get_args(Split)
COLUMNS = ("path", "kind", "split", "label", "licence", "seconds")
MANIFEST_NAME = "manifest.csv"

Name = TypeVar("Name", bound=str)


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
        """The file name without folder and suffix: what pairs a noisy file with its clean one."""
        return Path(self.path).stem


@dataclass(frozen=True)
class Manifest:
    """The clips of a corpus, sorted by path, below one root folder."""

    root: Path
    clips: tuple[Clip, ...]

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


def rows_sha256(clips: Iterable[Clip]) -> str:
    """Hash of what a manifest says of its clips; licences change no signal and play no part."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.path}\t{clip.kind}\t{clip.split}\t{clip.label}\t{clip.seconds:.3f}\n".encode())
    return digest.hexdigest()


def manifest_of(root: str | Path, clips: Iterable[Clip]) -> Manifest:
    """A manifest in canonical order, so that equal corpora have equal hashes; its pairs are complete."""
    from dfkd_core.data.pairs import check_pairs

    ordered = tuple(sorted(clips, key=lambda clip: clip.path))
    check_pairs(ordered)
    return Manifest(Path(root).resolve(), ordered)


def read_manifest(path: str | Path, root: Path | None = None) -> Manifest:
    """Read a CSV with the columns path, kind, split, label, licence, seconds; others are ignored.

    Relative paths are seen from `root`, else from the file's own folder.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            _require_columns(path, reader.fieldnames or ())
            clips = [_clip(row, f"{path}, line {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: must be a readable CSV manifest, but {error}") from error
    if not clips:
        raise DataError(f"{path}: lists no clips; write it again with `dfkd data scan`")
    return manifest_of(root or path.parent, clips)


def write_manifest(manifest: Manifest, path: str | Path) -> None:
    """Write the CSV; clips outside its folder are named by their absolute path."""
    path = Path(path).resolve()
    place = {clip.path: _relative(manifest.path(clip), path.parent) for clip in manifest.clips}
    _write_rows([replace(clip, path=place[clip.path]) for clip in manifest.clips], path)


def scan(directory: str | Path, layout: str = "auto", *, progress: Progress = silent) -> Manifest:
    """Turn a folder of a known layout into a manifest; DataError says what is missing and what is accepted."""
    from dfkd_core.data.layouts import MANIFEST, recognise

    root = Path(directory).expanduser().resolve()
    if not root.is_dir():
        raise DataError(f"{root}: must be a folder; check the path")
    chosen = recognise(root, layout)
    if chosen.name == MANIFEST:
        return read_manifest(root / MANIFEST_NAME)
    return _with_headers(root, chosen.entries(root), progress)


def open_corpus(corpus: str, *, progress: Progress = silent) -> Manifest:
    """The manifest of what a config names: "demo" (fetched when absent), a folder or a manifest file."""
    if corpus == "demo":
        from dfkd_core.data.demo import demo_corpus

        return demo_corpus(progress=progress)
    place = Path(corpus).expanduser()
    if place.is_file():
        return read_manifest(place)
    if not place.is_dir():
        raise DataError(f"{corpus}: must be 'demo', a folder or a manifest file, but there is no such place")
    return scan(place, progress=progress)


def _with_headers(root: Path, entries: list[Entry], progress: Progress) -> Manifest:
    """The manifest of a scanned folder; unchanged files are not opened twice, since every trial asks again."""
    from dfkd_core.data.scanning import entries_sha256, read_headers

    known = cache_dir() / "scans" / f"{entries_sha256(root, entries)}.csv"
    if known.is_file():
        return read_manifest(known, root)
    clips = read_headers(root, entries, progress)
    if len(clips) == len(entries):  # damaged files are named on every call
        _write_rows(clips, known)
    return manifest_of(root, clips)


def _write_rows(clips: Iterable[Clip], path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for clip in clips:
        writer.writerow((clip.path, clip.kind, clip.split, clip.label, clip.licence, f"{clip.seconds:.3f}"))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text.getvalue().encode())


def _clip(row: dict[str, str], where: str) -> Clip:
    kind = _one_of(row["kind"], KINDS, "kind", where)
    split = _one_of(row["split"], SPLITS, "split", where)
    try:
        seconds = float(row["seconds"])
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: seconds must be a number, but got {row['seconds']!r}") from error
    return Clip(row["path"], kind, split, row["label"], row["licence"], seconds)


def _one_of(value: str, known: Sequence[Name], column: str, where: str) -> Name:
    for name in known:
        if name == value:
            return name
    raise DataError(f"{where}: {column} must be one of {', '.join(known)}, but got {value!r}")


def _require_columns(path: Path, present: Sequence[str]) -> None:
    missing = [name for name in COLUMNS if name not in present]
    if missing:
        raise DataError(f"{path}: a manifest needs the columns {', '.join(COLUMNS)}, but lacks {', '.join(missing)}")


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()
