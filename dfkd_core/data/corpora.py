"""A corpus as a manifest, from whatever a user names: a folder of a known layout, a manifest file, the demo."""

from __future__ import annotations

from pathlib import Path

from dfkd_core.base.cache import cache_dir
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.layouts import MANIFEST, recognise
from dfkd_core.data.manifest import MANIFEST_NAME, Manifest, manifest_of, read_manifest, write_rows
from dfkd_core.data.scanning import Entry, entries_sha256, read_headers
from dfkd_core.errors import DataError

FETCHED = ("demo", "demo-abroad")  # corpora that are known by name


def scan(directory: str | Path, layout: str = "auto", *, progress: Progress = silent) -> Manifest:
    """Turn a folder of a known layout into a manifest; DataError says what is missing and what is accepted."""
    root = Path(directory).expanduser().resolve()
    if not root.is_dir():
        raise DataError(f"{root}: must be a folder; check the path")
    chosen = recognise(root, layout)
    if chosen.name == MANIFEST:
        return read_manifest(root / MANIFEST_NAME)
    return _with_headers(root, chosen.entries(root), progress)


def open_corpus(corpus: str, *, progress: Progress = silent) -> Manifest:
    """The manifest of what a config names: a fetched corpus ("demo", "demo-abroad"), a folder or a manifest file."""
    if corpus in FETCHED:
        from dfkd_core.data import demo

        return demo.demo_corpus(progress=progress) if corpus == "demo" else demo.demo_abroad(progress=progress)
    place = Path(corpus).expanduser()
    if place.is_file():
        return read_manifest(place)
    if not place.is_dir():
        known = ", ".join(FETCHED)
        raise DataError(f"{corpus}: must be {known}, a folder or a manifest file, but there is no such place")
    return scan(place, progress=progress)


def _with_headers(root: Path, entries: list[Entry], progress: Progress) -> Manifest:
    """The manifest of a scanned folder; unchanged files are not opened twice, since every trial asks again."""
    known = cache_dir() / "scans" / f"{entries_sha256(root, entries)}.csv"
    if known.is_file():
        return read_manifest(known, root)
    clips = read_headers(root, entries, progress)
    if len(clips) == len(entries):  # damaged files are named on every call
        write_rows(clips, known)
    return manifest_of(root, clips)
