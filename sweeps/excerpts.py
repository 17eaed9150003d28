"""What the points of a front sound like: a few fixed validation clips through each of their models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from dfkd_core.config import ExperimentConfig
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.mixtures import MixtureList, validation_list
from dfkd_core.model_folder import load_model
from dfkd_core.teachers import open_teacher
from dfkd_core.teachers.base import Waveforms
from sweeps.listening import Excerpt, Listening

SNRS_DB = (0.0, 5.0, 10.0)  # one clip each: hard, middling, easy


def excerpts(config: ExperimentConfig, models: Mapping[int, Path]) -> Listening:
    """One validation clip at each of SNRS_DB as noisy, clean, teacher and, by trial number, the models' estimates."""
    mixtures = validation_list(AudioStore.open(open_corpus(config.data.corpus)), config.data)
    indices = clip_indices(mixtures)
    names = [mixtures.names[index] for index in indices]
    noisy, clean = mixtures.batch(indices)
    teacher = open_teacher(config.teacher)
    taught = teacher(noisy, names) if teacher else None
    students = {trial: _enhanced(folder, noisy) for trial, folder in models.items()}
    return Listening(
        [
            Excerpt(
                name=f"{mixtures.snr_db[index]:g} dB, {mixtures.noise_families[index]}",
                noisy=noisy[row],
                clean=clean[row],
                teacher=None if taught is None else taught[row],
                students={trial: estimate[row] for trial, estimate in students.items()},
            )
            for row, index in enumerate(indices)
        ]
    )


def clip_indices(mixtures: MixtureList) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The first clip at each SNR, as far as there is one."""
    found = [np.flatnonzero(np.isclose(mixtures.snr_db, snr_db))[:1] for snr_db in SNRS_DB]
    return np.concatenate(found).astype(np.int64)


@torch.inference_mode()
def _enhanced(folder: Path, noisy: Waveforms) -> Waveforms:
    model, _ = load_model(folder)
    return np.asarray(model(torch.from_numpy(noisy)).numpy(), dtype=np.float32)
