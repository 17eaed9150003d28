"""Any model teaches: a model folder, an ONNX file, a folder of estimates or a known public model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dfkd_core.errors import ConfigError
from dfkd_core.schema import nearest
from dfkd_core.teachers.base import Teacher

if TYPE_CHECKING:
    import torch

    from dfkd_core.config import TeacherConfig

__all__ = ["PRETRAINED", "Teacher", "open_network", "open_teacher"]


def open_teacher(config: TeacherConfig) -> Teacher | None:
    """The teacher that a config names, or None; ConfigError or DataError when it is missing or unfit."""
    if config.checkpoint is not None:
        return _open_checkpoint(Path(config.checkpoint).expanduser())
    if config.estimates is not None:
        from dfkd_core.teachers.wav_folder import WavFolderTeacher

        return WavFolderTeacher(Path(config.estimates))
    if config.pretrained is not None:
        return _open_pretrained(config.pretrained)
    return None


def _dtln() -> Teacher:
    from dfkd_core.data.demo import dtln_folder
    from dfkd_core.teachers.dtln import DTLNTeacher

    return DTLNTeacher(dtln_folder())


PRETRAINED: dict[str, Callable[[], Teacher]] = {
    "dtln": _dtln,
}


def _open_pretrained(name: str) -> Teacher:
    if name not in PRETRAINED:
        rule = f"must be a known public model, but got {name!r}; {nearest(name, sorted(PRETRAINED))}"
        raise ConfigError(rule, key="teacher.pretrained")
    return PRETRAINED[name]()


def open_network(path: Path, device: torch.device | None = None) -> Teacher:
    """A model folder or an ONNX file as a function of waveforms; ONNX files run on the CPU."""
    if path.suffix == ".onnx":
        from dfkd_core.teachers.onnx_file import ONNXTeacher

        return ONNXTeacher(path)
    if path.is_dir():
        from dfkd_core.teachers.trained_model import TrainedTeacher

        return TrainedTeacher(path, device)
    raise ConfigError("must be a model folder or an ONNX file, but there is no such place", file=path)


def _open_checkpoint(path: Path) -> Teacher:
    try:
        return open_network(path)
    except ConfigError as error:
        raise error.at(key="teacher.checkpoint") from error
