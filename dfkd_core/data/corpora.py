"""A corpus as a manifest, from whatever a user names: a folder of a known layout, a manifest file, the demo."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.cache import cache_dir
from dfkd_core.base.documents import read_json, real_path, typed_path
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.layouts import ACCEPTED, FED, LAYOUTS, MANIFEST, recognise
from dfkd_core.data.leaks import require_no_leaks
from dfkd_core.data.manifest import EMPTY, MANIFEST_NAME, Manifest, Split, manifest_of, read_manifest, write_rows
from dfkd_core.data.pairs import require_pairs
from dfkd_core.data.scanning import Entry, audio_files, entries_sha256, read_headers
from dfkd_core.errors import DataError

ONLY_JUDGES = "nothing to train on: a probe (data.probes), or a corpus for `dfkd evaluate --data`"
LOWEST_FULL_HZ = 16_000  # rate under which a file has no full band
FETCHED = ("demo", "demo-abroad")  # corpora that are known by name

_log = logging.getLogger(__name__)


def scan(directory: str | Path, layout: str = "auto", *, progress: Progress = silent) -> Manifest:
    """Turn a folder of a known layout into a manifest; DataError says what is missing and what is accepted.

    A folder that has a manifest is read by that; its `notes` say which files are not in it, or that there is nothing to
    train on. DataError, too: files that cannot be used, one recording in two splits, pairs that are none.
    """
    manifest = _opened(real_path(typed_path(directory)), layout, progress)
    if layout == "auto" and (manifest.root / MANIFEST_NAME).is_file():
        listed = {real_path(manifest.path(clip)) for clip in manifest.clips}
        missing = [path for path in audio_files(manifest.root) if real_path(path) not in listed]
        note = f"{MANIFEST_NAME}, which is there already, is read as it is: {len(manifest.clips)} clips"
        if missing:
            layouts = (one for one in LAYOUTS.values() if one.name != MANIFEST)
            known = next((one.name for one in layouts if one.matches(manifest.root)), "NAME")
            first = missing[0].relative_to(manifest.root)
            note += f"; {len(missing)} audio files are not in it, such as {first}; --layout {known} scans anew"
        manifest = manifest_of(manifest.root, manifest.clips, [note, *manifest.notes])
    return manifest


def open_corpus(corpus: str, *, splits: tuple[Split, ...] = FED, progress: Progress = silent) -> Manifest:
    """The manifest of what a config names: a fetched corpus ("demo", "demo-abroad"), a folder or a manifest file.

    splits: what it is opened for; of a probe, validation alone. Errors as `scan`, and a DataError where one of them
    cannot be fed; what was found out once is kept until a file changes.
    """
    from dfkd_core.data import demo

    place = typed_path(corpus, "data.corpus")
    if corpus in FETCHED:
        manifest = demo.demo_corpus(progress=progress) if corpus == "demo" else demo.demo_abroad(progress=progress)
    elif place.is_file():
        manifest = _checked(read_manifest(place), progress)
    elif place.is_dir():
        manifest = _opened(real_path(place), "auto", progress, splits)
    else:
        known = ", ".join(FETCHED)
        raise DataError(f"{corpus}: must be {known}, a folder or a manifest file, but there is no such place")
    held = {clip.split for clip in manifest.clips}
    if lacking := [split for split in splits if split not in held]:
        raise DataError(f"{manifest.root}: the {lacking[0]} split {EMPTY}")
    return manifest


def is_here(corpus: str) -> bool:
    """Whether `open_corpus` fetches nothing."""
    from dfkd_core.data import demo

    return corpus not in FETCHED or demo.is_fetched(corpus)


def _opened(root: Path, layout: str, progress: Progress, splits: tuple[Split, ...] | None = None) -> Manifest:
    """Without `splits` those must be there that `Found.fit_for` names."""
    if not root.is_dir():
        raise DataError(f"{root}: must be a folder; check the path")
    chosen = recognise(root, layout)
    if chosen.name == MANIFEST:
        return _checked(read_manifest(root / MANIFEST_NAME), progress)
    found = chosen.read(root)
    for split in splits or found.fit_for:
        if split in found.lacks:
            raise DataError(f"{root}: the {split} split {found.lacks[split]}; accepted are {ACCEPTED}")
    notes = [*found.notes, *([ONLY_JUDGES] if found.fit_for != FED else [])]
    # unchanged files are not opened twice, since every trial asks again
    known = cache_dir() / "scans" / f"{entries_sha256(root, found.entries)}.csv"
    if known.is_file():
        scanned = read_manifest(known, root)
    else:
        clips, rates = read_headers(root, found.entries, progress)
        if len(clips) == len(found.entries):  # damaged files are named on every call
            write_rows(clips, known)
            write_atomic(known.with_suffix(".json"), json.dumps(rates).encode())
        scanned = manifest_of(root, clips)
    return _checked(manifest_of(root, scanned.clips, [*notes, *_rates(known.with_suffix(".json"))]), progress)


def _rates(place: Path) -> list[str]:
    """The rates that a scan has met, as a note, where they are not those of the models."""
    try:
        rates: Counter[str] = Counter(read_json(place))
    except (OSError, ValueError, TypeError):
        return []
    counts = ", ".join(f"{rate} Hz {count}" for rate, count in sorted(rates.items(), key=lambda item: int(item[0])))
    low = sum(count for rate, count in rates.items() if int(rate) < LOWEST_FULL_HZ)
    under = f"; {low} under 16000 Hz hold nothing above half their rate" if low else ""
    return [f"files by rate: {counts}{under}"] if set(rates) != {"16000"} else []


def _checked(manifest: Manifest, progress: Progress) -> Manifest:
    """The manifest, whose splits share no recording and whose pairs are pairs."""
    rows = [Entry(manifest.path(clip), clip.kind, clip.split, clip.label) for clip in manifest.clips]
    kept = cache_dir() / "scans" / f"{entries_sha256(manifest.root, rows)}.checked.csv"
    if kept.is_file():
        return manifest_of(manifest.root, read_manifest(kept, manifest.root).clips, manifest.notes)
    require_no_leaks(manifest)
    checked = require_pairs(manifest, progress)
    for note in checked.notes:
        _log.info("%s: %s", manifest.root, note)
    write_rows(checked.clips, kept)
    return checked
