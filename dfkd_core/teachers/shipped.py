"""Our own teachers, which come with the package: model folders that are known by name."""

from __future__ import annotations

from pathlib import Path

from dfkd_core.trained.model_folder import WEIGHTS

FOLDER = Path(__file__).parent / "shipped"


def shipped_names() -> list[str]:
    """The names, sorted; none where no teacher was good enough to be shipped."""
    return sorted(weights.parent.name for weights in FOLDER.glob(f"*/{WEIGHTS}"))


def model_place(model: str | Path) -> Path:
    """Where a model lies: the folder of a shipped name, unless such a path exists; else the path itself."""
    path = Path(model).expanduser()
    return FOLDER / path if not path.exists() and str(path) in shipped_names() else path
