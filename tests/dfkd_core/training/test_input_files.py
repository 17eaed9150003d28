"""Which files the training of a config reads: enough for another machine, and no more."""

from pathlib import Path

import pytest

from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import manifest_of, read_manifest, write_rows
from dfkd_core.errors import DataError
from dfkd_core.training.input_files import cached_files, input_files
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import prepare


def test_a_corpus_is_its_training_and_validation_clips_with_a_manifest_of_these(experiment, tiny_corpus):
    files = input_files(experiment())[str(tiny_corpus)]
    clips = open_corpus(str(tiny_corpus)).clips
    assert set(files) == {"manifest.csv", *(clip.path for clip in clips if clip.split != "test")}
    listed = read_manifest(files.pop("manifest.csv"), tiny_corpus.parent).clips
    assert listed == tuple(clip for clip in clips if clip.split != "test")
    assert all(path == tiny_corpus.parent / name for name, path in files.items())


def test_of_a_probe_validation_is_read_alone(experiment, tiny_corpus, tmp_path):
    write_rows(open_corpus(str(tiny_corpus)).clips, tmp_path / "manifest.csv")
    for clip in open_corpus(str(tiny_corpus)).clips:
        (tmp_path / clip.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / clip.path).symlink_to(tiny_corpus.parent / clip.path)
    files = input_files(experiment({"data.probes": {"abroad": str(tmp_path)}}))
    assert {name.split("/")[1][:5] for name in files[str(tmp_path)] if name != "manifest.csv"} == {"valid"}


def test_teacher_and_start_are_the_files_of_their_models_and_nothing_beside_them(experiment, tiny_teacher, tmp_path):
    train_model(experiment({"training.epochs": 1}), tmp_path / "before")
    files = input_files(experiment({"training.start_from": str(tmp_path / "before")}))
    assert files[str(tiny_teacher)] == {"": Path(tiny_teacher)}
    assert set(files[str(tmp_path / "before")]) == {"config.yaml", "model.safetensors", "metrics.json", "README.md"}


def test_what_comes_with_the_package_is_not_among_them(experiment, tiny_corpus):
    start = {"teacher": {"checkpoint": "own-dccrn"}, "training.start_from": "teacher"}
    assert set(input_files(experiment(start))) == {str(tiny_corpus)}


def test_a_folder_of_estimates_is_its_audio(experiment, tiny_corpus, tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("deep/a.wav", "notes.txt"):
        (tmp_path / name).touch()
    files = input_files(experiment({"teacher": {"estimates": str(tmp_path)}}))
    assert files[str(tmp_path)] == {"deep/a.wav": tmp_path / "deep" / "a.wav"}


def test_members_of_an_ensemble_are_files_each(experiment, tiny_teacher, tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(Path(tiny_teacher).read_bytes())
    members = [{"checkpoint": str(tiny_teacher)}, {"checkpoint": str(other)}]
    assert {str(tiny_teacher), str(other)} < set(
        input_files(experiment({"teacher": {"ensemble": {"members": members}}}))
    )


def test_a_corpus_whose_files_lie_elsewhere_cannot_be_given(experiment, tiny_corpus, tmp_path):
    clips = open_corpus(str(tiny_corpus)).clips
    outside = [type(c)(str(tiny_corpus.parent / c.path), c.kind, c.split, c.label, c.licence, c.seconds) for c in clips]
    write_rows(manifest_of(tmp_path, outside).clips, tmp_path / "manifest.csv")
    with pytest.raises(DataError, match=r"must hold its files to be given to another machine, but .* lies outside"):
        input_files(experiment({"data.corpus": str(tmp_path / "manifest.csv")}))


def test_estimates_are_told_where_they_will_lie_and_lie_there_once_prepared(experiment, tmp_path, monkeypatch):
    config = experiment()
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path))
    told = list(cached_files(config))
    assert len(told) == config.training.epochs and not any(path.exists() for path in told)
    prepare(config)
    assert sorted(told) == sorted((tmp_path / "teacher").glob("*.f16"))
