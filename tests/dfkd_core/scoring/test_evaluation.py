import math

import numpy as np
import pytest

from dfkd_core.base.cache import cache_dir
from dfkd_core.errors import TrainingDiverged
from dfkd_core.metrics import METRICS
from dfkd_core.scoring.confidence import Crossing
from dfkd_core.scoring.evaluation import ClipScores, Evaluation, evaluate, evaluate_noisy, to_json
from dfkd_core.training.signals import Signals


@pytest.fixture
def mixtures(experiment):
    return Signals(experiment({"data.seed": 4}), needs_teacher=False).validation


def clip(**scores):
    return ClipScores("name", "speaker", "family", 5.0, {name: scores.get(name, 1.0) for name in METRICS})


def test_undefined_scores_are_left_out_of_the_mean_and_counted():
    evaluation = Evaluation((clip(pesq_wb=2.0), clip(pesq_wb=math.nan), clip(pesq_wb=3.0)))
    assert evaluation.mean["pesq_wb"] == 2.5
    assert evaluation.undefined == {name: int(name == "pesq_wb") for name in METRICS}


def test_a_score_that_no_clip_has_is_not_a_number():
    assert math.isnan(Evaluation((clip(stoi=math.nan),)).mean["stoi"])


def test_every_mixture_has_a_row_with_its_snr_speaker_and_noise(mixtures):
    evaluation = evaluate(lambda noisy, listed: 0.5 * noisy, mixtures)
    assert [row.name for row in evaluation.clips] == mixtures.names
    assert sorted(row.snr_db for row in evaluation.clips) == [0, 5, 10, 15]
    assert {row.speaker for row in evaluation.clips} == {"valid-clean0", "valid-clean1"}
    assert evaluation.mean["gain_db"] == pytest.approx(-6.02, abs=0.3)


def test_scores_of_the_noisy_input_are_computed_once(mixtures, monkeypatch):
    first = evaluate_noisy(mixtures)
    monkeypatch.setattr("dfkd_core.scoring.evaluation.evaluate", None)
    assert evaluate_noisy(mixtures) == first


def test_damaged_scores_of_the_noisy_input_are_computed_again(mixtures):
    first = evaluate_noisy(mixtures)
    for path in (cache_dir() / "scores").iterdir():
        path.write_text("{}")
    assert evaluate_noisy(mixtures) == first


def test_an_estimate_that_is_not_finite_is_named(mixtures):
    with pytest.raises(TrainingDiverged, match=mixtures.names[0]):
        evaluate(lambda noisy, listed: np.full_like(noisy, np.inf), mixtures)


def test_undefined_scores_become_null_in_json():
    assert to_json(Evaluation((clip(pesq_wb=math.nan),)))[0]["scores"]["pesq_wb"] is None


def test_the_table_of_clips_has_the_metrics_names_and_who_speaks_in_which_noise():
    table = Evaluation((clip(pesq_wb=2.0), clip(pesq_wb=math.nan))).table("val")
    assert (table.names, table.crossing) == (
        ("name", "name"),
        Crossing(("speaker",) * 2, ("family",) * 2, (5.0,) * 2),
    )
    assert set(table.scores) == {f"val/{name}" for name in METRICS}
    assert table.scores["val/pesq_wb"][0] == 2.0 and math.isnan(table.scores["val/pesq_wb"][1])


def test_the_table_names_its_metrics_as_the_means_are_named():
    evaluation = Evaluation((clip(),), reference="teacher")
    assert set(evaluation.table("val").scores) == set(evaluation.metrics("val"))
