"""Make one of our own models a shipped teacher: `python -m dfkd_core.teachers.shipping MODEL_DIR NAME CORPUS_NAME`.

Weights become half-precision numbers, which halves the file; the card says how they were made.
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import Tensor, nn

from dfkd_core.errors import ConfigError
from dfkd_core.model_folder import load_model, read_record, write_model_folder
from dfkd_core.teachers.shipped import FOLDER

LARGEST_BYTES = 5_000_000


def ship(model: Path, name: str, corpus: str) -> Path:
    """Write the model folder `name` beside the other shipped ones and return it.

    `corpus` stands for the place where the corpus lay. ConfigError: the weights take more than 5 MB.
    """
    student, config = load_model(model)
    record, weights = read_record(model), halved(student)
    if (size := sum(value.nbytes for value in weights.values())) > LARGEST_BYTES:
        raise ConfigError(f"must take at most {LARGEST_BYTES:,} bytes to be shipped, but takes {size:,}", file=model)
    neutral = config.model_copy(update={"data": config.data.model_copy(update={"corpus": corpus})})
    folder = FOLDER / name
    write_model_folder(
        folder, neutral, weights, record.metrics, noisy=record.noisy, epochs=record.epochs, origin=record.origin
    )
    return folder


def halved(model: nn.Module) -> dict[str, Tensor]:
    """The model's state with parameters in half precision; running statistics, which are few, stay as they are."""
    parameters = dict(model.named_parameters())
    return {name: value.half() if name in parameters else value for name, value in model.state_dict().items()}


if __name__ == "__main__":
    print(ship(Path(sys.argv[1]), *sys.argv[2:4]))  # noqa: T201
