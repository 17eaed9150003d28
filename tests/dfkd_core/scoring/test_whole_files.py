"""Corpora with noisy files of their own are scored whole, as anybody else scores them."""

import numpy as np
import pytest
import torch

from dfkd_core.config import TeacherConfig
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import Clip, manifest_of, write_manifest
from dfkd_core.data.whole_files import WholeFiles
from dfkd_core.enhance import enhance_path
from dfkd_core.errors import DataError
from dfkd_core.models import build_student
from dfkd_core.scoring.model_scores import evaluate_model
from dfkd_core.scoring.teacher_scores import evaluate_teacher
from dfkd_core.signal.audio import read_audio, write_audio
from dfkd_core.trained.model_folder import write_model_folder

SECONDS, SNRS_DB = (4.3, 5.0, 6.1), (0, 10, 5)


def voice(seconds, seed):
    """Bursts of a gliding tone, (time,)."""
    time_s = np.arange(round(16_000 * seconds)) / 16_000
    pitch = 2 * np.pi * (120 + 15 * seed) * (time_s + 0.02 * np.sin(2 * np.pi * time_s))
    return (0.1 * sum(np.sin(k * pitch) / k for k in range(1, 25)) * (time_s % 1.0 < 0.9)).astype(np.float32)


def write_pairs(root, gain=1.0):
    """Three pairs in each split, of three lengths and SNRs, in two families of noise."""
    clips = []
    for first, split in enumerate(("train", "valid", "test")):
        for i, (seconds, snr_db) in enumerate(zip(SECONDS, SNRS_DB, strict=True)):
            clean, hiss = voice(seconds, 3 * first + i), np.random.default_rng(3 * first + i).normal(size=100_000)
            is_active = np.arange(len(clean)) / 16_000 % 1.0 < 0.9
            noise = hiss[: len(clean)] * np.sqrt(np.mean(clean[is_active] ** 2) / 10 ** (snr_db / 10))
            labels = {"clean": f"{split}{i}", "noisy": "rain" if i else "wind"}
            for kind, signal in (("clean", clean), ("noisy", clean + noise)):
                path = f"{kind}/{split}/s{i}.wav"
                write_audio(root / path, (gain * signal).astype(np.float32), subtype="FLOAT")
                clips.append(Clip(path, kind, split, labels[kind], "CC0-1.0", seconds))
    write_manifest(manifest_of(root, clips), root / "manifest.csv")
    return root


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture
def model(experiment, tmp_path):
    config = experiment()
    torch.manual_seed(0)
    student = build_student(config.student)
    write_model_folder(tmp_path / "m", config, student.state_dict(), {}, noisy={}, epochs=0, origin={})
    return tmp_path / "m"


@pytest.fixture
def enhanced(model, pairs, tmp_path):
    list(enhance_path(model, pairs / "noisy", tmp_path / "out", device="cpu"))
    return tmp_path / "out"


def test_every_pair_of_the_split_is_there_whole(pairs, tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    files = WholeFiles(AudioStore.open(open_corpus(str(pairs))).part("test"), "test")
    assert files.names == ["noisy/test/s0", "noisy/test/s1", "noisy/test/s2"]
    assert files.noise_families == ["wind", "rain", "rain"] and files.speakers == ["test0", "test1", "test2"]
    np.testing.assert_allclose(files.snr_db, SNRS_DB, atol=0.5)  # short pauses count as speech
    for index, seconds in enumerate(SECONDS):
        noisy, clean = files.batch([index])
        assert noisy.shape == clean.shape == (1, round(16_000 * seconds))
        np.testing.assert_allclose(noisy[0], read_audio(pairs / f"noisy/test/s{index}.wav"), atol=1e-4)


def test_a_model_is_scored_by_what_enhance_makes_of_the_files(model, pairs, enhanced):
    scores = evaluate_model(model, data=pairs, split="test", device="cpu", whole=True)
    assert scores.whole_files and [clip.name for clip in scores.model.clips] == [f"noisy/test/s{i}" for i in range(3)]
    data = DataConfig(corpus=str(pairs))
    again = evaluate_teacher(TeacherConfig(estimates=str(enhanced)), data, split="test", whole=True)
    for metric, tolerance in (("stoi", 1e-3), ("si_sdr_db", 0.02), ("gain_db", 0.02)):
        assert again.model.mean[metric] == pytest.approx(scores.model.mean[metric], abs=tolerance)
    assert again.noisy == scores.noisy and again.whole_files
    told = scores.to_json()
    assert told["whole_files"] and set(told["by_snr_db"]) == {"0", "5", "10"}
    assert set(told["by_noise_family"]) == {"rain", "wind"}
    assert told["per_clip"][0]["noisy"]["si_sdr_db"] == pytest.approx(0, abs=1)
    assert "3 whole files, all there are" in scores.text()


@pytest.mark.parametrize("db", [-30, -50])
def test_scores_are_the_same_at_every_level(model, pairs, tmp_path, db):
    quiet = write_pairs(tmp_path / "quiet", 10 ** (db / 20))
    first, second = (evaluate_model(model, data=c, split="valid", device="cpu", whole=True) for c in (pairs, quiet))
    for metric in ("stoi", "si_sdr_db", "gain_db"):  # PESQ of what an untrained model says may fall to either side
        assert second.model.mean[metric] == pytest.approx(first.model.mean[metric], abs=0.01)


def test_crops_are_compared_where_whole_files_are_not_asked_for(pairs, tiny_teacher, experiment):
    data = DataConfig(corpus=str(pairs), validation_clips=4)
    scores = evaluate_teacher(TeacherConfig(checkpoint=str(tiny_teacher)), data, split="valid")
    assert len(scores.model.clips) == 4 and not scores.whole_files


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda x: x[:-50], None),
        (lambda x: np.pad(x, (0, 100)), None),
        (lambda x: x[:-400], r"s1\.wav: must be one channel of 80000 samples, but holds 1 channels of 79600"),
        (lambda x: np.stack([x, x]), r"s1\.wav: must be one channel of"),
        (None, r"must hold an estimate of every mixture, but lacks noisy/test/s1\.wav"),
    ],
)
def test_estimates_from_elsewhere_may_lack_a_few_samples(pairs, experiment, tmp_path, change, told):
    for i in range(3):
        signal = read_audio(pairs / f"noisy/test/s{i}.wav")
        if i != 1 or change is not None:
            write_audio(tmp_path / f"theirs/test/s{i}.wav", change(signal) if i == 1 else signal, subtype="FLOAT")

    def score():
        teacher = TeacherConfig(estimates=str(tmp_path / "theirs"))
        return evaluate_teacher(teacher, DataConfig(corpus=str(pairs)), split="test", whole=True)

    if told is None:
        found = score()
        assert found.model.mean["si_sdr_db"] == pytest.approx(found.noisy.mean["si_sdr_db"], abs=0.05)
    else:
        with pytest.raises(DataError, match=told):
            score()
