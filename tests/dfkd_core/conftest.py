"""A corpus, a teacher and an experiment small enough to train on in a second."""

import pytest
import tiny_corpus as tiny

from dfkd_core.config import ExperimentConfig, with_overrides


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory):
    """A manifest of two speakers and two noise families in every split."""
    return tiny.write_corpus(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory):
    """An ONNX file that returns 0.9 of its input."""
    return tiny.write_teacher(tmp_path_factory.mktemp("teacher") / "gain.onnx")


@pytest.fixture(scope="session")
def tiny_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def experiment(tiny_corpus, tiny_teacher, tiny_cache, monkeypatch):
    """Makes the tiny experiment's config, changed at the key paths given: `experiment({"seed": 1})`."""
    monkeypatch.setenv("DFKD_CACHE", str(tiny_cache))
    base = tiny.experiment(tiny_corpus, tiny_teacher)
    return lambda changes=None: ExperimentConfig.parse(with_overrides(base, changes or {}))
