"""Models from elsewhere: measured once each, kept as files, read back by the front."""

import json

import numpy as np
import pytest

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.scoring.evaluation import ClipScores, Evaluation
from dfkd_core.scoring.model_scores import ModelScores
from sweeps.distillation import references
from sweeps.distillation.references import measure_own_teacher, measure_references
from sweeps.fronts.reference_models import REFERENCES, ReferenceModel, read_references
from sweeps.workload import FreeDomain


@pytest.fixture
def heard():
    """Which models were recorded for the listening room."""
    return []


@pytest.fixture
def corpora():
    """On which corpora models were scored."""
    return []


@pytest.fixture
def asked(monkeypatch, heard, corpora):
    """Every teacher scores 2.5; the list holds what was asked for: teacher, split and optional metrics."""
    calls = []

    def scored(teacher, data, *, split, optional):
        corpora.append(data.corpus)
        calls.append((teacher.pretrained or teacher.checkpoint, split, tuple(optional)))
        if teacher.checkpoint == "gone.onnx":
            raise DataError("gone")
        clips = Evaluation((ClipScores("a", "s", "n", 5.0, {"pesq_wb": 2.5, "stoi": np.nan}),))
        return ModelScores(teacher.pretrained or "mean of a, b", split, clips, clips)

    monkeypatch.setattr("dfkd_core.scoring.teacher_scores.evaluate_teacher", scored)
    monkeypatch.setattr("dfkd_core.scoring.teacher_scores.teacher_speed", lambda teacher: {"model/rtf_cpu": 0.5})
    monkeypatch.setattr(references, "record_reference", lambda folder, name, *others: heard.append(name))
    return calls


def config(**teacher):
    return ExperimentConfig.parse({"teacher": teacher})


def test_named_models_are_scored_on_the_validation_mixtures_and_kept(asked, heard, tmp_path):
    told = list(measure_references(tmp_path, ["gtcrn", "rnnoise"], config()))
    assert asked == [("gtcrn", "valid", ()), ("rnnoise", "valid", ())]
    assert told == read_references(tmp_path)
    sizes = {
        "model/params": 23_669.0,
        "model/macs_per_s": 76_193_712.0,
        "model/look_ahead_ms": 510 / 16,
        "model/latency_ms": 32.0,
    }
    assert told[0] == ReferenceModel("gtcrn", {"val/pesq_wb": 2.5, **sizes, "model/rtf_cpu": 0.5})
    # its size is not known, an undefined score is none
    assert set(told[1].values) == {"val/pesq_wb", "model/look_ahead_ms", "model/latency_ms", "model/rtf_cpu"}
    assert heard == ["gtcrn", "rnnoise"]


def test_the_sweeps_own_teacher_is_heard_as_the_teacher_and_not_twice(asked, heard, tmp_path):
    assert len(list(measure_references(tmp_path, ["dtln", "gtcrn"], config(pretrained="dtln")))) == 2
    assert heard == ["gtcrn"]


def test_a_call_that_is_cut_keeps_what_was_measured(asked, tmp_path):
    with pytest.raises(ConfigError, match="must be a public model"):
        list(measure_references(tmp_path, ["gtcrn", "nowhere"], config()))
    assert [model.name for model in read_references(tmp_path)] == ["gtcrn"]


def test_optional_metrics_of_the_sweep_are_measured_too(asked, tmp_path):
    list(measure_references(tmp_path, ["dtln"], ExperimentConfig.parse({"training": {"metrics": ["dnsmos"]}})))
    assert asked == [("dtln", "valid", ("dnsmos",))]


def test_the_sweep_s_probes_are_measured_too_and_complete_an_older_file(asked, corpora, tmp_path):
    place = tmp_path / REFERENCES / "gtcrn.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps({"name": "gtcrn", "values": {"val/pesq_wb": 2.5}}))
    assert read_references(tmp_path) == [ReferenceModel("gtcrn", {"val/pesq_wb": 2.5})]
    probed = ExperimentConfig.parse({"data": {"corpus": "home", "probes": {"abroad": "there"}}})
    (model,) = measure_references(tmp_path, ["gtcrn"], probed)
    assert corpora == ["home", "there"]
    assert model.values["probe/abroad/pesq_wb"] == 2.5 and "probe/abroad/stoi" not in model.values
    assert read_references(tmp_path) == [model]


def test_a_folder_of_estimates_says_nothing_of_probes(asked, corpora, tmp_path):
    probed = ExperimentConfig.parse({"data": {"corpus": "home", "probes": {"abroad": "there"}}})
    list(measure_references(tmp_path, [str(tmp_path)], probed))
    assert corpora == ["home"]


def test_a_name_with_odd_characters_is_a_file(asked, tmp_path):
    measure_own_teacher(tmp_path, config(ensemble={"members": [{"pretrained": "dtln"}, {"pretrained": "gtcrn"}]}))
    assert [path.name for path in (tmp_path / REFERENCES).iterdir()] == ["mean-of-a-b.json"]
    assert read_references(tmp_path)[0].name == "mean of a, b"


@pytest.mark.parametrize("teacher", [{}, {"estimates": "wavs"}])
def test_what_knows_no_validation_mixtures_is_not_measured(asked, tmp_path, teacher):
    measure_own_teacher(tmp_path, config(**teacher))
    assert asked == [] and read_references(tmp_path) == []


def test_a_teacher_that_cannot_be_measured_costs_its_mark_and_nothing_else(asked, tmp_path, caplog):
    measure_own_teacher(tmp_path, config(checkpoint="gone.onnx"))
    assert "lacks the teacher's score: gone" in caplog.text and read_references(tmp_path) == []


@pytest.mark.parametrize("damage", ["{", "[]", '{"name": "x"}', '{"name": "x", "values": {"a": "b"}}'])
def test_a_damaged_file_is_told_and_left_out(tmp_path, caplog, damage):
    (tmp_path / REFERENCES).mkdir(parents=True)
    (tmp_path / REFERENCES / "a.json").write_text(damage)
    (tmp_path / REFERENCES / "b.json").write_text(json.dumps({"name": "b", "values": {"val/pesq_wb": 2}}))
    assert [model.name for model in read_references(tmp_path)] == ["b"]
    assert "a.json: must hold a measured model" in caplog.text


def test_another_workload_has_no_references(tmp_path):
    with pytest.raises(ConfigError, match="references: can be measured for sweeps over distillation alone"):
        FreeDomain().measure_references(tmp_path, ["dtln"], {})
