"""Fetch and unpack Debian packages without root: apt-get's sources, our own folders."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from dfkd_core.errors import DataError

TIMEOUT_S = 900


class DebianPackages:
    """Downloads into one working folder; package lists are fetched there when the system has none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lists: list[str] = []  # options that name our own package lists, once they are needed

    def unpack(self, package: str) -> tuple[Path, str]:
        """Download a package, unpack it, and return the folder and the version.

        DataError in one line: apt-get or dpkg-deb is missing, or the download fails.
        """
        archive = self._download(package)
        tree = self._folder / package
        _run(["dpkg-deb", "-x", str(archive), str(tree)], self._folder)
        version = _run(["dpkg-deb", "-f", str(archive), "Version"], self._folder).strip()
        archive.unlink()
        return tree, version

    def _download(self, package: str) -> Path:
        try:
            self._apt("download", package)
        except DataError:
            if self._lists:
                raise
            self._fetch_lists()
            self._apt("download", package)
        found = sorted(self._folder.glob(f"{package}_*.deb"))
        if not found:
            raise DataError(f"apt-get download {package}: gave no package file")
        return found[0]

    def _fetch_lists(self) -> None:
        """Package lists of our own: the system's may be empty, and need root to change."""
        for name in ("lists/partial", "cache"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        lists, cache = self._folder / "lists", self._folder / "cache"
        self._lists = ["-o", f"Dir::State::lists={lists}/", "-o", f"Dir::Cache={cache}/"]
        self._apt("update")

    def _apt(self, *arguments: str) -> None:
        # the sandbox user of apt could not write into a private folder
        _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", *self._lists, *arguments], self._folder)


def available() -> bool:
    """Whether this machine can fetch Debian packages."""
    return all(shutil.which(program) for program in ("apt-get", "dpkg-deb"))


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    except subprocess.CalledProcessError as error:
        reasons = [line for line in error.stderr.splitlines() if line.startswith("E:")] or error.stderr.splitlines()
        raise DataError(
            f"{_in_words(command)}: {reasons[-1] if reasons else f'exit status {error.returncode}'}"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{_in_words(command)}: {error}") from error
    return done.stdout


def _in_words(command: list[str]) -> str:
    return f"{command[0]} {command[-1]}"
