"""The few errors a caller can act on. Each message is one line: place, rule, value, remedy."""

from __future__ import annotations

from pathlib import Path

BRING_BACK = "bring it back from where it was made, or name another"  # what to do where a model is gone


class DFKDError(Exception):
    """Base of every error that this project raises on purpose."""


class ConfigError(DFKDError):
    """The user's input breaks a rule: unknown key, value out of range, missing file."""

    def __init__(self, rule: str, *, key: str = "", file: str | Path | None = None) -> None:
        self.rule, self.key, self.file = rule, key, file
        message = ": ".join(str(part) for part in (file, key, rule) if part)
        super().__init__(" ".join(message.splitlines()))

    def at(self, file: str | Path | None = None, key: str = "") -> ConfigError:
        """Return the same error with the file it came from, and its key below `key`."""
        return ConfigError(self.rule, key=".".join(filter(None, (key, self.key))), file=file or self.file)


class DataError(DFKDError):
    """Audio or a corpus cannot be used: unreadable, empty, too short, not finite."""


class CheckpointError(DFKDError):
    """A checkpoint or model folder is missing, corrupt or belongs to another config."""


class Interrupted(DFKDError):
    """The user has ended the work; the message tells how to go on."""

    state = "interrupted"


class TrainingDiverged(DFKDError):
    """A loss or a weight is no longer finite; training on would be noise."""


class Unreadable(ConfigError, ValueError):
    """A file of settings or records is damaged, or no file. Whoever takes damage for absence catches a ValueError."""
