"""Any model teaches: a model folder, an ONNX file, a folder of estimates, a known public model, or several of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dfkd_core.base.documents import typed_path
from dfkd_core.base.schema import nearest
from dfkd_core.errors import BRING_BACK, ConfigError
from dfkd_core.teachers.base import Teacher

if TYPE_CHECKING:
    import torch

    from dfkd_core.config import SourceConfig, TeacherConfig

__all__ = ["PRETRAINED", "Teacher", "open_network", "open_teacher"]


def open_teacher(config: TeacherConfig) -> Teacher | None:
    """The teacher that a config names, or None; ConfigError or DataError when it is missing or unfit."""
    if config.ensemble is None:
        return _open_source(config, "teacher")
    from dfkd_core.teachers.ensemble import EnsembleTeacher

    ensemble = config.ensemble
    opened = [_open_source(m, f"teacher.ensemble.members.{i}") for i, m in enumerate(ensemble.members)]
    members = [member for member in opened if member is not None]
    return EnsembleTeacher(members, ensemble.snr_db if ensemble.combine == "by_snr" else None)


def require_teacher(config: TeacherConfig) -> None:
    """The errors of `open_teacher`, without fetching: a public model's name is enough."""
    members = config.ensemble.members if config.ensemble is not None else (config,)
    for index, source in enumerate(members):
        if source.pretrained not in PRETRAINED:
            _open_source(source, f"teacher.ensemble.members.{index}" if config.ensemble is not None else "teacher")


def _open_source(config: SourceConfig, key: str) -> Teacher | None:
    if config.checkpoint is not None:
        try:
            return open_network(typed_path(config.checkpoint))
        except ConfigError as error:
            raise error.at(key=f"{key}.checkpoint") from error
    if config.estimates is not None:
        from dfkd_core.teachers.wav_folder import WavFolderTeacher

        return WavFolderTeacher(Path(config.estimates))
    if config.pretrained is None:
        return None
    if config.pretrained not in PRETRAINED:
        rule = f"must be a known public model, but got {config.pretrained!r}; "
        raise ConfigError(rule + nearest(config.pretrained, sorted(PRETRAINED)), key=f"{key}.pretrained")
    return PRETRAINED[config.pretrained]()


def _dtln() -> Teacher:
    from dfkd_core.data.pretrained import DTLN, public_folder
    from dfkd_core.teachers.dtln import DTLNTeacher

    return DTLNTeacher(public_folder(DTLN))


def _deepfilternet3() -> Teacher:
    from dfkd_core.data.pretrained import DEEPFILTERNET3, public_folder
    from dfkd_core.teachers.deepfilternet3 import DeepFilterNet3Teacher

    return DeepFilterNet3Teacher(public_folder(DEEPFILTERNET3))


def _gtcrn() -> Teacher:
    from dfkd_core.data.pretrained import GTCRN
    from dfkd_core.teachers.trained_model import FOLDER

    return open_network(FOLDER / GTCRN.name)


def _rnnoise() -> Teacher:
    from dfkd_core.data.pretrained import RNNOISE, public_folder
    from dfkd_core.teachers.rnnoise import RNNoiseTeacher

    return RNNoiseTeacher(public_folder(RNNOISE) / "rnnoise")


PRETRAINED: dict[str, Callable[[], Teacher]] = {
    "dtln": _dtln,
    "deepfilternet3": _deepfilternet3,
    "gtcrn": _gtcrn,
    "rnnoise": _rnnoise,
}


def open_network(path: str | Path, device: torch.device | None = None) -> Teacher:
    """A model folder, a shipped name or an ONNX file as a function of waveforms; ONNX files run on the CPU."""
    from dfkd_core.teachers.trained_model import TrainedTeacher, model_place, shipped_names

    path = model_place(path)
    if path.suffix.lower() == ".onnx" and not path.is_dir():
        from dfkd_core.live.onnx_core import is_streaming
        from dfkd_core.teachers.onnx_file import ONNXTeacher
        from dfkd_core.teachers.streaming_graph import StreamingGraph

        return StreamingGraph(path) if is_streaming(path) else ONNXTeacher(path)
    if path.is_dir():
        return TrainedTeacher(path, device)
    shipped = f" (shipped: {', '.join(shipped_names())})" if shipped_names() else ""
    lack = "it is a file of another name (.onnx is asked for)" if path.is_file() else "there is no such place"
    rule = f"must be a model folder, a shipped name{shipped} or an ONNX file, but {lack}"
    raise ConfigError(f"{rule}; {BRING_BACK}", file=path)
