"""What the card of a shipped teacher says beyond that of any model: how to make it again, and its scores by SNR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dfkd_core.config import ExperimentConfig
from dfkd_core.scoring.model_scores import ModelScores

FIRST = "first.yaml"  # beside config.yaml: the config of the model that training began with
METRICS = {"pesq_wb": "PESQ-WB", "estoi": "ESTOI", "si_sdr_db": "SI-SDR dB"}


def how_it_was_made(config: ExperimentConfig, corpus: str, first: ExperimentConfig | None) -> list[str]:
    """Commands and steps; `first` is the config of the model that training began with."""
    stages = {"config.yaml": config} if first is None else {FIRST: first, "config.yaml": config}
    place = f"--set data.corpus={corpus.upper()}"
    begun = "" if first is None else " --set training.start_from=FIRST"
    commands = [] if first is None else [f"    dfkd train {FIRST} --out FIRST {place}"]
    commands.append(f"    dfkd train config.yaml --out MODEL {place}{begun}")
    steps = [f"- {name}: {num_steps(stage):,} steps, seed {stage.seed}" for name, stage in stages.items()]
    return [
        "## How it was made",
        "",
        *commands,
        "",
        *steps,
        "- Names in capitals are absolute paths; here in half precision",
    ]


def num_steps(config: ExperimentConfig) -> int:
    """Updates of a whole training."""
    return config.training.epochs * -(-config.data.num_training_mixtures // config.training.batch_size)


def scores_by_snr(scores: Mapping[str, Sequence[ModelScores]]) -> list[str]:
    """A table of means by SNR, the noisy input's in brackets; `scores` by the name of the corpus."""
    head = ["corpus, split", "SNR dB", *METRICS.values()]
    lines = ["## Scores by SNR", "", _line(head), _line(["---"] * len(head))]
    for title, one in ((f"{corpus}, {one.split}", one) for corpus, splits in scores.items() for one in splits):
        groups = dict(one.by("snr_db"))
        groups["all"] = {name: (one.model.mean[name], one.noisy.mean[name]) for name in METRICS}
        for group, means in groups.items():
            cells = (f"{model:.2f} ({noisy:.2f})" for model, noisy in (means[name] for name in METRICS))
            lines.append(_line([title, group, *cells]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
