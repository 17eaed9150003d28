"""A model's probes: scored as training scored them, or left out with the reason."""

from dataclasses import replace

import pytest

from dfkd_core.data.manifest import manifest_of, read_manifest, write_manifest
from dfkd_core.scoring.probe_scores import evaluate_with_probes, probe_lines
from dfkd_core.trained.model_record import read_record
from dfkd_core.training.train_run import train_model


@pytest.fixture
def listed(tiny_corpus, tmp_path):
    """Writes a manifest of clips of the tiny corpus's test split that are in the splits given."""

    def write(name, *splits):
        corpus = read_manifest(tiny_corpus)
        clips = [c for c in corpus.select(split="test") if c.path != "clean/test1.wav"]  # its voice is train0's
        found = [replace(c, path=str(corpus.path(c)), split=splits[0]) for c in clips]
        if "test" in splits:  # other voices than validation's
            found += [replace(c, path=str(corpus.path(c)), split="test") for c in corpus.select(split="valid")]
        write_manifest(manifest_of(tmp_path, found), tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.fixture
def trained(experiment, listed, tmp_path):
    """A model folder with two probes, one of them without a test split."""
    probes = {"abroad": listed("abroad.csv", "valid"), "street": listed("street.csv", "valid", "test")}
    train_model(experiment({"training.epochs": 1, "data.probes": probes}), tmp_path / "m")
    return tmp_path / "m"


def test_on_validation_probes_have_the_scores_that_training_found(trained):
    scores = evaluate_with_probes(trained, split="valid", whole=True)
    known = read_record(trained).metrics
    assert set(scores.probes) == {"abroad", "street"} and not scores.left_out
    for name, probe in scores.to_json()["probes"].items():
        assert probe == pytest.approx({m: known[f"probe/{name}/{m}"] for m in probe}, rel=1e-4)
    assert "probe abroad, valid split, 4 mixtures" in probe_lines(scores)


def test_a_probe_without_the_split_or_a_place_is_left_out_with_the_reason(trained, monkeypatch, tmp_path):
    monkeypatch.setattr("dfkd_core.data.mixtures.NUM_TEST", 4)
    scores = evaluate_with_probes(trained, whole=True)
    assert set(scores.probes) == {"street"} and set(scores.left_out) == {"abroad"}
    assert {clip.speaker for clip in scores.probes["street"].model.clips} == {"valid-clean0", "valid-clean1"}
    said = probe_lines(scores)
    assert "probe street, test split, 4 mixtures" in said and "the test split is empty" in said[-1]
    (tmp_path / "street.csv").unlink()
    gone = evaluate_with_probes(trained, whole=True)
    assert not gone.probes and "there is no such place" in gone.to_json()["probes_left_out"]["street"]


def test_of_another_corpus_no_probe_is_scored(trained, tiny_corpus):
    scores = evaluate_with_probes(trained, data=tiny_corpus, split="valid")
    assert "probes" not in scores.to_json()
    assert probe_lines(scores)[-1] == "probe street is left out: another corpus than the model's own is scored"
