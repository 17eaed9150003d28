"""A chosen point of a front as an experiment config that trains at full length, with where it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import dump_yaml, read_json_object, read_yaml
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.outputs import write_output
from dfkd_core.errors import ConfigError
from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.trained.model_record import METRICS
from sweeps.fronts.choose import Choice
from sweeps.fronts.front import Front, FrontPoint
from sweeps.record.sweep_folder import SPEC, require_not_own

RECORDED_TAGS = ("git_commit", "data_hash", "teacher_hash", "tracking_uri", "experiment", "parent_run_id")
ORIGIN = ("data_hash", "teacher_hash", "start_hash", "start")  # of a trial's model; no start where weights were drawn


def export_config(folder: Path, front: Front, choice: Choice, tags: Mapping[str, str | None]) -> dict[str, Any]:
    """The trial's resolved config with the base config's epochs, and a `provenance` block.

    `tags` are the sweep's own: commit, hashes of data and teacher, and where MLflow has it.
    """
    point, sweep = choice.point, read_yaml(folder / SPEC)
    config = with_base_epochs(read_yaml(folder / point.config), sweep["config"])
    expected = {
        **point.values,
        **{k: v for k, v in point.metrics.items() if k.startswith(("val/", "val_teacher/", "probe/", "model/"))},
    }
    table = ClipTable.read((folder / point.config).parent)
    scores = table.scores if table else {}
    spans = {name: table.crossing.interval(scores[name]) for name in expected if name in scores} if table else {}
    config["provenance"] = {
        "sweep": front.name,
        "sweep_id": front.sweep_id,
        "trial": point.trial,
        "run_id": point.run_id,
        **{tag: tags.get(tag) for tag in RECORDED_TAGS},
        **_origin(folder / point.config),
        "epochs_per_trial": sweep["budget"]["epochs_per_trial"],
        "expected": expected,
        "expected_interval": {n: list(span) for n, span in spans.items() if all(map(math.isfinite, span))},
        "repeated": {n: {"mean": point.mean[n], "interval": list(span)} for n, span in point.interval.items()},
        "chosen": choice.why,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return config


def _origin(config: Path) -> dict[str, str | None]:
    """What the trial's own record says of data, teacher and start, which the search may have chosen; {} without one."""
    record = config.parent / METRICS
    origin = read_json_object(record).get("origin") if record.exists() else None
    return {key: origin[key] for key in ORIGIN if key in origin} if isinstance(origin, dict) else {}


def with_base_epochs(config: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the length that the base config gives; configs without `training` stay as they are."""
    if "training" not in config:
        return config
    epochs = (base.get("training") or {}).get("epochs")
    if epochs is not None:
        return with_overrides(config, {"training.epochs": epochs})
    training = {key: value for key, value in config["training"].items() if key != "epochs"}
    return {**config, "training": training}  # the default length then applies, as it does to the base config


def export_choices(
    folder: Path, front: Front, choices: Sequence[Choice], out: Path, tags: Mapping[str, str | None], *, several: bool
) -> list[Path]:
    """Write the one config to the file `out`, or where `several` may come into the folder `out` as NAME-t0007.yaml."""
    require_not_own(out, "-o")
    if not several and not out.is_dir():
        files = [out]
    else:
        if out.is_file():
            rule = f"must be a folder when several points are exported, but {str(out)!r} is a file"
            raise ConfigError(rule, key="-o")
        files = [out / config_name(front, choice.point) for choice in choices]
    texts = [dump_yaml(export_config(folder, front, choice, tags)) for choice in choices]
    for file, text in zip(files, texts, strict=True):
        write_output(file, text.encode(), "-o")
    return files


def config_name(front: Front, point: FrontPoint) -> str:
    """The file name of an exported point."""
    return f"{front.name}-t{point.trial:04d}.yaml"
