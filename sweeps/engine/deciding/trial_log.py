"""A trial's own log: everything that its worker prints or logs, with secrets masked."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Self, TextIO

from sweeps.tracking.credentials import scrub, secrets


class TrialLog:
    """While entered, standard output, standard error and logging go to the file, line by line."""

    def __init__(self, path: Path) -> None:
        self._path, self._hidden = path, secrets()

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._file = self._stack.enter_context(self._path.open("a", encoding="utf-8", errors="replace"))
        masked = _Masked(self._file, self._hidden)
        self._stack.enter_context(redirect_stdout(masked))
        self._stack.enter_context(redirect_stderr(masked))
        handler = logging.StreamHandler(masked)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        self._stack.callback(logging.getLogger().removeHandler, handler)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def note_exception(self, error: BaseException) -> str:
        """Write the traceback; returns one line: type, message and where in the code."""
        try:
            said = str(error)
        except Exception as broken:  # the user's own class
            said = f"it cannot be told ({type(broken).__name__} in its __str__)"
        text = "".join(traceback.format_exception(error))
        self._file.write(scrub(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n", self._hidden))
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
        message = " ".join(said.split())[:500]
        return str(scrub(f"{type(error).__name__}: {message}{where}", self._hidden))


class _Masked:
    """A text stream that masks secrets; the little that `print` and logging ask of a stream."""

    def __init__(self, file: TextIO, hidden: tuple[str, ...]) -> None:
        self._file, self._hidden = file, hidden
        self.encoding = "utf-8"

    def write(self, text: str) -> int:
        self._file.write(scrub(text, self._hidden))
        self._file.flush()
        return len(text)

    def flush(self) -> None:
        self._file.flush()

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.__stdout__, name)
