"""Small corpora whose signals are known; a teacher and an experiment small enough to train on in a second."""

import shutil

import numpy as np
import pytest
import tiny_corpus as tiny

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.manifest import Clip, manifest_of, write_manifest
from dfkd_core.signal.audio import write_audio

RATE = 16_000


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


def talking(seconds, seed, pauses=True):
    """Noise in bursts of 0.7 s with pauses of 0.3 s: active and silent frames that are known."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(0, 0.1, round(seconds * RATE))
    if pauses:
        samples *= (np.arange(len(samples)) / RATE) % 1.0 < 0.7
    return np.clip(samples, -0.9, 0.9).astype(np.float32)


def humming(seconds, seed):
    """Steady noise with a tone, different for each seed."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (100 + 37 * seed) * time_s)
    return (0.1 * tone + 0.05 * np.random.default_rng(seed).normal(size=len(time_s))).astype(np.float32)


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """Three speakers of three clips and three noise families in every split: root and clips."""
    root, clips = tmp_path_factory.mktemp("planted"), []
    for split in ("train", "valid", "test"):
        for number in range(9):
            label = f"{split}-speaker{number // 3}"
            clips.append(_write(root, f"clean/{split}/{label}_{number}.flac", "clean", split, label, number))
        for number in range(6):
            label = f"{split}-family{0 if number < 4 else number - 3}"
            clips.append(_write(root, f"noise/{split}/{label}_{number}.flac", "noise", split, label, number))
    return root, clips


@pytest.fixture
def corpus(planted, tmp_path):
    """A copy of the planted corpus, with its manifest, that a test may change."""
    root, clips = planted
    shutil.copytree(root, tmp_path / "corpus")
    manifest = manifest_of(tmp_path / "corpus", clips)
    write_manifest(manifest, manifest.root / "manifest.csv")
    return manifest


def _write(root, path, kind, split, label, number):
    seconds = 1.5 + 1.1 * number if kind == "clean" else 0.8 + 1.3 * number
    seed = 1000 * ["train", "valid", "test"].index(split) + number
    write_audio(root / path, talking(seconds, seed) if kind == "clean" else humming(seconds, seed))
    return Clip(path, kind, split, label, "CC0-1.0", round(seconds, 3))


@pytest.fixture
def store(corpus):
    """The decoded corpus."""
    return AudioStore.open(corpus)
