import pytest

from dfkd_core.errors import ConfigError
from dfkd_core.metrics import METRICS
from dfkd_core.models import build_student
from dfkd_core.scoring.model_scores import evaluate_model
from dfkd_core.trained.model_folder import write_model_folder


@pytest.fixture
def folder(experiment, tmp_path):
    config = experiment()
    write_model_folder(
        tmp_path / "m", config, build_student(config.student).state_dict(), {}, noisy={}, epochs=0, origin={}
    )
    return tmp_path / "m"


def test_a_model_is_scored_on_the_split_that_is_asked_for(folder):
    scores = evaluate_model(folder, split="valid")
    assert scores.model.mean.keys() == METRICS.keys() and len(scores.model.clips) == 4
    assert {clip.speaker for clip in scores.model.clips} == {"valid-clean0", "valid-clean1"}


def test_another_corpus_may_be_named(folder, tiny_corpus):
    assert evaluate_model(folder, data=tiny_corpus.parent, split="valid").model.clips


def test_an_unknown_split_is_refused(folder):
    with pytest.raises(ConfigError, match="split: must be test or valid, but got 'train'"):
        evaluate_model(folder, split="train")


def test_an_optional_metric_that_is_not_known_is_refused(folder):
    with pytest.raises(ConfigError, match="must be an optional metric, but got 'dnsmoss'; did you mean 'dnsmos'"):
        evaluate_model(folder, split="valid", optional=["dnsmoss"])
