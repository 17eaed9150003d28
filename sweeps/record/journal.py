"""Optuna's journal on a file that survives its writers: torn lines are cut, locks die with their holder."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock
from optuna.storages.journal import JournalFileBackend

from dfkd_core.base.documents import open_plain
from dfkd_core.errors import DFKDError

POLL_S = 0.001


class DurableJournal(JournalFileBackend):
    """A journal file whose last line may have been torn by a crash or a full disk.

    Writers exclude each other by an advisory lock, which the kernel releases when its holder dies; Optuna's own
    locks would wait 30 s for a dead one.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            open_plain(path).close()  # nobody may ever write to a pipe in its place
        super().__init__(str(path))
        self._path = path

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Every whole record from a number on; a torn last line is none. DFKDError where the file is damaged."""
        number = log_number_from
        try:
            for log in super().read_logs(log_number_from):
                number += 1
                yield log
        except ValueError as error:
            raise DFKDError(f"{self._path}: line {number + 1} is damaged; restore the file from a backup") from error

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append all of the records or, when the disk is full, none."""
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._locked():
            cut_torn_line(self._path)
            size = self._path.stat().st_size
            try:
                self._write(text.encode())
            except OSError:
                os.truncate(self._path, size)
                raise

    def _write(self, data: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _locked(self) -> FileLock:
        return FileLock(self._path.with_suffix(".lock"), poll_interval=POLL_S)


def cut_torn_line(path: Path) -> None:
    """Truncate a file to the end of its last whole line."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file, end)
        if whole < end:
            file.truncate(whole)


def _end_of_last_line(file: BinaryIO, end: int, block: int = 1 << 16) -> int:
    """The offset behind the last newline before `end`, read backwards from there."""
    while end > 0:
        start = max(0, end - block)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
