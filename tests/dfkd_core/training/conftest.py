"""Model folders after an epoch of the tiny experiment, each trained once and only read."""

import pytest
import tiny_corpus as tiny

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.training.train_run import train_model


@pytest.fixture(scope="session")
def one_epoch(tiny_corpus, tiny_teacher, tiny_cache):
    """Trains the tiny experiment into a folder, changed at the key paths given: `one_epoch(folder, {"seed": 1})`."""

    def train(folder, changes):
        mapping = with_overrides(tiny.experiment(tiny_corpus, tiny_teacher), {**changes, "training.epochs": 1})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DFKD_CACHE", str(tiny_cache))
            return train_model(ExperimentConfig.parse(mapping), folder)

    return train


@pytest.fixture(scope="session")
def before(one_epoch, tmp_path_factory):
    """The folder of a model, and what its training said of it."""
    folder = tmp_path_factory.mktemp("trained") / "before"
    return folder, one_epoch(folder, {})


@pytest.fixture(scope="session")
def trained_folder(before):
    return before[0]


@pytest.fixture(scope="session")
def wide_folder(one_epoch, tmp_path_factory):
    """The folder of a model twice as wide."""
    folder = tmp_path_factory.mktemp("trained") / "wide"
    one_epoch(folder, {"student.width": 0.125})
    return folder
