"""What there is to know of a trained model, for programs: metrics.json, and the names of the files beside it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from dfkd_core.base.documents import read_json
from dfkd_core.base.schema import Config
from dfkd_core.errors import CheckpointError, ConfigError

CONFIG, WEIGHTS, METRICS, CARD = "config.yaml", "model.safetensors", "metrics.json", "README.md"
SCHEMA_VERSION = 1


class ModelRecord(Config):
    """The content of metrics.json.

    sha256: of model.safetensors. sizes: as `complexity` counts them. metrics: by name, `val/...` and others.
    noisy: validation scores of the unprocessed mixtures, of a probe by the names of its metrics.
    origin: hashes and names of data and teacher.
    runtimes: what exports have measured, by runtime; not in the file before the first export. intervals: 95 %, of
    metrics that are means over clips; not in the file where they were not told. better: in words, that what training
    began with was better than what it made of it, and which of the two this is; not in the file where it was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    schema_version: int = SCHEMA_VERSION
    sha256: str
    sizes: dict[str, float | None]
    metrics: dict[str, float | None]
    noisy: dict[str, float | None]
    epochs: int
    origin: dict[str, Any]
    torch_version: str
    runtimes: dict[str, dict[str, float]] = {}
    intervals: dict[str, tuple[float, float]] = {}
    better: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values; a size or score that is not finite becomes null."""
        plain = self.model_dump(
            exclude={name for name in ("runtimes", "intervals", "better") if not getattr(self, name)}
        )
        for table in (plain["sizes"], plain["metrics"], plain["noisy"]):
            table.update({name: None for name, value in table.items() if value is None or not math.isfinite(value)})
        return plain


def read_record(folder: Path) -> ModelRecord:
    """What metrics.json says of the model; CheckpointError when it is missing, damaged, or of a newer version."""
    path = folder / METRICS
    try:
        content = read_json(path)
        version = content.get("schema_version") if isinstance(content, dict) else None
        if isinstance(version, int) and version > SCHEMA_VERSION:
            rule = f"must have schema_version {SCHEMA_VERSION} or less, but has {version}: a newer dfkd-sweeps wrote it"
            raise CheckpointError(f"{path}: {rule}; update this one")
        return ModelRecord.parse(content, path)
    except (OSError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{path}: must describe the model, but is missing or damaged; restore it") from error
