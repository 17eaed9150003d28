import pytest

from dfkd_core.base.cache import cache_dir
from dfkd_core.errors import ConfigError
from dfkd_core.metrics import METRICS
from dfkd_core.models import build_student
from dfkd_core.scoring import processes
from dfkd_core.scoring.beside import beside, table
from dfkd_core.scoring.model_scores import evaluate_model
from dfkd_core.scoring.teacher_scores import evaluate_teacher
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


def test_several_processes_score_as_one_does(folder, monkeypatch, tmp_path):
    one = evaluate_model(folder, split="valid", device="cpu")
    monkeypatch.setattr(processes, "PIECE", 1)
    (cache_dir() / "scores").rename(tmp_path / "kept")  # the noisy input's scores are computed again, too
    told = []
    two = evaluate_model(folder, split="valid", device="cpu", jobs=2, progress=lambda *step: told.append(step))
    assert two == one
    assert [step for step in told if step[0] == "score"] == [("score", n, 4) for n in (1, 2, 3, 4)] * 2


def test_others_are_laid_beside_a_model_clip_by_clip(folder, experiment, monkeypatch):
    monkeypatch.setattr("dfkd_core.data.mixtures.NUM_TEST", 4)
    config = experiment()
    scores = evaluate_model(folder, split="valid", device="cpu")
    other = evaluate_teacher(config.teacher, config.data, split="valid")
    noisy, taught = beside(scores, [other])
    assert noisy.mean == pytest.approx(scores.noisy.mean) and taught.name == other.name
    gains = [a.scores["stoi"] - b.scores["stoi"] for a, b in zip(scores.model.clips, other.model.clips, strict=True)]
    assert taught.gain["stoi"] == pytest.approx(sum(gains) / len(gains))
    assert taught.gain_interval["stoi"] == scores.model.crossing.interval(gains)
    assert any(line.startswith(other.name) for line in table(scores, [other]))
    with pytest.raises(ConfigError, match="--against: must be scored on the same clips"):
        beside(scores, [evaluate_teacher(config.teacher, config.data, split="test")])
