"""The demo corpus, and a second one to judge on: real speech and noise from Debian packages; a public model teaches."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.cache import cache_dir
from dfkd_core.base.documents import read_json, real_path, typed_path
from dfkd_core.base.outputs import output_folder
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data import debian
from dfkd_core.data.demo_packages import ABROAD, CREDITS, PACKAGES, DemoPackage
from dfkd_core.data.layouts import ACCEPTED
from dfkd_core.data.manifest import MANIFEST_NAME, Clip, Manifest, manifest_of, read_manifest, write_manifest
from dfkd_core.data.pretrained import DTLN, dtln_folder
from dfkd_core.errors import DataError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import write_audio
from dfkd_core.signal.resampling import resample

__all__ = ["credits_text", "demo_corpus", "dtln_folder", "fetch_demo"]

PEAK = 0.99

_log = logging.getLogger(__name__)


def fetch_demo(out: str | Path | None = None, *, progress: Progress = silent) -> Manifest:
    """The demo corpora and their teacher, fetched as far as they are absent or damaged; errors as `demo_corpus`."""
    manifest = demo_corpus(out, progress=progress)
    demo_abroad(progress=progress)
    dtln_folder()
    return manifest


def demo_corpus(out: str | Path | None = None, *, progress: Progress = silent) -> Manifest:
    """The demo corpus in `out`, else in the cache; what an interrupted call left undone is done now.

    DataError in one line: no apt-get here (with the folder layouts that are taken instead), or a
    download failed.
    """
    root = real_path(typed_path(out, "--out")) if out is not None else cache_dir() / "demo"
    return _fetched(root, PACKAGES, progress)


def demo_abroad(*, progress: Progress = silent) -> Manifest:
    """A validation split of other speech and other kinds of noise than the demo's; errors as `demo_corpus`.

    One voice (the demo's test voice, in other prompts), babble and speech-shaped noise made of it: enough to see
    what a training forgets, too little to rank models that are near each other.
    """
    return _fetched(cache_dir() / "demo-abroad", ABROAD, progress)


def is_fetched(corpus: str) -> bool:
    """Whether "demo" or "demo-abroad" lies in the cache, whole."""
    root = cache_dir() / corpus
    return _is_whole(root, [_Place(root, package) for package in (PACKAGES if corpus == "demo" else ABROAD)])


def _fetched(root: Path, packages: Sequence[DemoPackage], progress: Progress) -> Manifest:
    places = [_Place(root, package) for package in packages]
    if not _is_whole(root, places):
        output_folder(root)
        with FileLock(root / ".lock"):
            _fetch_missing(root, places, progress)
    return read_manifest(root / MANIFEST_NAME)


def _is_whole(root: Path, places: Sequence[_Place]) -> bool:
    return all(place.rows() is not None for place in places) and (root / MANIFEST_NAME).is_file()


def credits_text() -> str:
    """Who made the demo corpus and its teacher, and under which licences."""
    return f"{CREDITS}Demo teacher {DTLN.credits}"


def _fetch_missing(root: Path, places: Sequence[_Place], progress: Progress) -> None:
    missing = [place for place in places if place.rows() is None]
    if missing and not debian.available():
        raise DataError(
            "the demo corpus needs apt-get and dpkg-deb, which are not on this machine; "
            f"set data.corpus to a folder instead: {ACCEPTED}"
        )
    # left by a killed call: the lock is held, so nobody works in them
    for leftover in root.glob(".fetch-*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=root, prefix=".fetch-") as temporary:
        source = debian.DebianPackages(Path(temporary))
        for done, place in enumerate(missing):
            progress("fetch demo corpus", done, len(missing))
            place.install(*source.unpack(place.package.name))
        progress("fetch demo corpus", len(missing), len(missing))
    rows = [row for place in places for row in place.rows() or ()]
    clips = (Clip(**{key: value for key, value in row.items() if key != "bytes"}) for row in rows)
    write_atomic(root / "CREDITS.txt", credits_text().encode())
    write_manifest(manifest_of(root, clips), root / MANIFEST_NAME)


@dataclass(frozen=True)
class _Place:
    """Where the clips of a package lie, and the stamp that says what lies there."""

    root: Path
    package: DemoPackage

    @property
    def stamp(self) -> Path:
        """Version and rows of the clips, written last."""
        return self.root / ".stamps" / f"{self.package.name}.json"

    def rows(self) -> list[dict[str, Any]] | None:
        """The rows of the package where its files lie there in full, else None."""
        try:
            rows: list[dict[str, Any]] = read_json(self.stamp)["clips"]
            whole = bool(rows) and all((self.root / row["path"]).stat().st_size == row["bytes"] for row in rows)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return rows if whole else None

    def install(self, tree: Path, version: str) -> None:
        """Decode the unpacked package beside its place, check it, then move it there and stamp it."""
        package = self.package
        partial = tree.with_name(f"{package.name}.decoded")
        digest = hashlib.sha256()
        rows = []
        for clip in package.clips(tree):
            digest.update(f"{clip.name} {clip.rate_hz}\n".encode() + clip.samples.astype("<i2").tobytes())
            samples = resample(clip.samples.astype(np.float32) / np.float32(32768), clip.rate_hz, SAMPLE_RATE_HZ)
            peak = float(np.abs(samples).max())
            if clip.rate_hz != SAMPLE_RATE_HZ and peak > PEAK:  # resampling raised it over full scale
                samples = samples * np.float32(PEAK / peak)
            write_audio(partial / f"{clip.name}.flac", samples)
            row = {
                "path": f"{package.folder}/{clip.name}.flac",
                "kind": clip.kind,
                "split": clip.split,
                "label": clip.label,
                "licence": package.licence,
                "seconds": round(len(clip.samples) / clip.rate_hz, 3),
                "bytes": (partial / f"{clip.name}.flac").stat().st_size,  # by which damage is noticed
            }
            rows.append(row)
        _check(package, version, digest.hexdigest())
        place = self.root / package.folder
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(place)
        self.stamp.parent.mkdir(exist_ok=True)
        write_atomic(self.stamp, json.dumps({"version": version, "clips": rows}).encode())
        shutil.rmtree(tree)


def _check(package: DemoPackage, version: str, sha256: str) -> None:
    """The tested version must decode to the known signals; another version is used, and said to be another."""
    if sha256 == package.sha256:
        return
    if version == package.version:
        raise DataError(f"{package.name} {version}: decoded audio must have SHA-256 {package.sha256}, but has {sha256}")
    _log.warning(
        "%s is version %s, measured was %s: scores may differ from those in the documentation",
        package.name,
        version,
        package.version,
    )
