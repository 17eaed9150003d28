"""Make one of our own models a shipped teacher.

    python -m dfkd_core.scoring.shipping MODEL_DIR NAME CORPUS_NAME [OTHER_CORPUS ...]

Weights become half-precision numbers, which halves the file; the card says how they were made and how they score, on
the validation and test mixtures of the model's corpus and on the validation mixtures of others.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor, nn

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import dump_yaml
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.scoring.model_scores import evaluate_model
from dfkd_core.scoring.shipped_card import FIRST, how_it_was_made, scores_by_snr
from dfkd_core.teachers.trained_model import FOLDER, model_place
from dfkd_core.trained.model_folder import load_model, read_model_config, write_model_folder
from dfkd_core.trained.model_record import CARD, read_record

LARGEST_BYTES = 5_000_000


def ship(model: Path, name: str, corpus: str, others: Sequence[str] = ()) -> Path:
    """Write the model folder `name` beside the other shipped ones and return it.

    `corpus` stands for the place where the corpus lay; `others` are corpora of which the card tells scores, too.
    ConfigError: the weights take more than 5 MB, or training began with a model that began with another one.
    """
    student, config = load_model(model)
    record, weights, folder = read_record(model), halved(student), FOLDER / name
    if (size := sum(value.nbytes for value in weights.values())) > LARGEST_BYTES:
        raise ConfigError(f"must take at most {LARGEST_BYTES:,} bytes to be shipped, but takes {size:,}", file=model)
    neutral, first = placeless(config, corpus), first_config(config, corpus)
    write_model_folder(
        *(folder, neutral, weights, record.metrics),
        noisy=record.noisy,
        epochs=record.epochs,
        origin=record.origin,
        better=record.better,
    )
    if first is not None:
        write_atomic(folder / FIRST, dump_yaml(first.model_dump(mode="json")).encode())
    scores = {corpus: [evaluate_model(folder, data=config.data.corpus, split=split) for split in ("valid", "test")]}
    scores |= {other: [evaluate_model(folder, data=other, split="valid")] for other in others}
    sections = [(folder / CARD).read_text(), *how_it_was_made(neutral, corpus, first), "", *scores_by_snr(scores)]
    write_atomic(folder / CARD, ("\n".join(sections) + "\n").encode())
    return folder


def placeless(config: ExperimentConfig, corpus: str) -> ExperimentConfig:
    """The config without what tells where files lay on the machine that trained it."""
    data = config.data.model_copy(update={"corpus": corpus})
    training = config.training.model_copy(update={"start_from": None})
    return config.model_copy(update={"data": data, "training": training})


def first_config(config: ExperimentConfig, corpus: str) -> ExperimentConfig | None:
    """The config of the model that training began with, placeless; None where weights were drawn from the seed."""
    if config.training.start_from is None:
        return None
    place = config.teacher.checkpoint if config.training.start_from == "teacher" else config.training.start_from
    first = read_model_config(model_place(str(place)))
    if first.training.start_from is not None:
        raise ConfigError(f"must be trained in two stages at most, but {config.training.start_from} began with another")
    return placeless(first, corpus)


def halved(model: nn.Module) -> dict[str, Tensor]:
    """The model's state with parameters in half precision; running statistics, which are few, stay as they are."""
    parameters = dict(model.named_parameters())
    return {name: value.half() if name in parameters else value for name, value in model.state_dict().items()}


if __name__ == "__main__":
    _model, _name, _corpus, *_others = sys.argv[1:]
    print(ship(Path(_model), _name, _corpus, _others))  # noqa: T201
