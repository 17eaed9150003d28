"""Our own trained models as teachers: a model folder, or the name of one that comes with the package."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dfkd_core.base.documents import typed_path
from dfkd_core.base.shipped import FOLDER, shipped_names
from dfkd_core.teachers.base import Listed, Waveforms
from dfkd_core.trained.model_folder import load_model, model_sha256

__all__ = ["FOLDER", "TrainedTeacher", "model_place", "shipped_names"]


class TrainedTeacher:
    """The model of a model folder, as `dfkd train` and every trial of a sweep write it."""

    def __init__(self, folder: Path, device: torch.device | None = None) -> None:
        self.folder, self.device = folder, device or torch.device("cpu")
        self.name = folder.name
        self.sha256 = model_sha256(folder)

    @cached_property
    def network(self) -> nn.Module:
        """The model in evaluation mode, loaded on first use."""
        return load_model(self.folder)[0].requires_grad_(False).to(self.device)

    def __call__(self, noisy: Waveforms, listed: Sequence[Listed] = ()) -> Waveforms:
        """Estimates (batch, time) of noisy (batch, time) at 16 kHz."""
        with torch.inference_mode():
            signal = torch.from_numpy(np.ascontiguousarray(noisy)).to(self.device)
            estimate: Waveforms = self.network(signal).cpu().numpy()
        return estimate


def model_place(model: str | Path) -> Path:
    """Where a model lies: the folder of a shipped name, unless such a path exists; else the path itself."""
    path = typed_path(model)
    return FOLDER / path if not path.exists() and str(path) in shipped_names() else path
