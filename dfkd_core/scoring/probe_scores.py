"""A finished model's scores on the probes of its config, beside those on the corpus that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from dfkd_core.base.progress import Progress, silent
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.scoring.model_scores import ModelScores, evaluate_model
from dfkd_core.trained.model_folder import read_model_config


def evaluate_with_probes(
    folder: Path,
    *,
    data: str | Path | None = None,
    split: str = "test",
    optional: Sequence[str] = (),
    whole: bool = False,
    progress: Progress = silent,
    jobs: int | None = 1,
) -> ModelScores:
    """As `evaluate_model`, and the probes of the model's config on the same split; errors as there.

    Of a probe's validation the mixtures that training scored are taken, whole files of none. A probe that has no such
    split, no clean speech in it, or cannot be read is left out with the reason; all are where `data` is given.
    """
    score = partial(evaluate_model, folder, split=split, optional=optional, progress=progress, jobs=jobs)
    scores, config, found, left_out = score(data=data, whole=whole), read_model_config(folder).data, {}, {}
    if data is not None:
        return replace(scores, left_out=dict.fromkeys(config.probes, "another corpus than the model's own is scored"))
    for name, corpus in config.probes.items():
        try:
            probe = score(data=corpus, whole=whole and split != "valid")
        except (ConfigError, DataError, OSError) as error:
            left_out[name] = str(error)
            continue
        if probe.model.reference == "clean":
            found[name] = replace(probe, name=f"probe {name}")
        else:
            left_out[name] = "its clean speech is not known"
    return replace(scores, probes=found, left_out=left_out)


def probe_lines(scores: ModelScores) -> list[str]:
    """Lines for a terminal: a table for each probe, a line for each that was left out."""
    lines = [line for probe in scores.probes.values() for line in ("", *probe.table())]
    left_out = [f"probe {name} is left out: {reason}" for name, reason in scores.left_out.items()]
    return [*lines, *(["", *left_out] if left_out else [])]
