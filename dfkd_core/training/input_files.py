"""The files that the training of a config reads, so that a machine which lacks them can be given them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from dfkd_core.base.cache import cache_dir
from dfkd_core.config import ExperimentConfig, SourceConfig
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import MANIFEST_NAME, Clip, Manifest, Split, rows_sha256, write_rows
from dfkd_core.data.pretrained import PUBLIC_MODELS, WheelModel, public_folder
from dfkd_core.data.scanning import audio_files
from dfkd_core.errors import DataError
from dfkd_core.teachers.trained_model import FOLDER, model_place
from dfkd_core.trained.model_record import CARD, CONFIG, METRICS, WEIGHTS
from dfkd_core.training.parent import TEACHER
from dfkd_core.training.signals import Signals
from dfkd_core.training.total_loss import TotalLoss

Files = dict[str, Path]  # by their path below the place


def input_files(config: ExperimentConfig) -> dict[str, Files]:
    """The files of corpora, teacher and start, by what the config calls the place that they lie below or are.

    Of a corpus training and validation, of a probe validation alone: nobody trains near the test split. What comes
    with the package is left out, and what is kept in the cache folder is told by `cached_files`. DataError: a corpus
    has files outside of its folder.
    """
    found: dict[str, Files] = {config.data.corpus: _corpus(config.data.corpus, ("train", "valid"), config)}
    for corpus in config.data.probes.values():
        found[corpus] = _corpus(corpus, ("valid",), config) | found.get(corpus, {})
    for source in _sources(config):
        if source.checkpoint is not None:
            found[source.checkpoint] = found.get(source.checkpoint, {}) | _model(source.checkpoint)
        if source.estimates is not None and (root := Path(source.estimates)).is_dir():
            held = {path.relative_to(root).as_posix(): path for path in audio_files(root)}
            found[source.estimates] = found.get(source.estimates, {}) | held
    start = config.training.start_from
    if start is not None and start != TEACHER:
        found[start] = found.get(start, {}) | _model(start)
    return {place: files for place, files in found.items() if files}


def cached_files(config: ExperimentConfig) -> Iterator[Path]:
    """Files below the cache folder that hold what is long to compute or fetched from elsewhere, there or not."""
    for source in _sources(config):
        model = PUBLIC_MODELS.get(source.pretrained or "")
        if isinstance(model, WheelModel):
            folder = public_folder(model)
            yield from (folder / name for name in model.files)
    yield from Signals(config, needs_teacher=TotalLoss(config).needs_teacher).estimate_files()


def _sources(config: ExperimentConfig) -> Iterable[SourceConfig]:
    ensemble = config.teacher.ensemble
    return (config.teacher,) if ensemble is None else ensemble.members


def _corpus(corpus: str, splits: tuple[Split, ...], config: ExperimentConfig) -> Files:
    """The clips of some splits, with a manifest of theirs, which is written into the cache folder."""
    manifest = open_corpus(corpus, splits=splits)
    hears_rooms = config.data.impulse_responses > 0
    listed = chain.from_iterable(manifest.select(split=split) for split in splits)
    clips = sorted((c for c in listed if hears_rooms or c.kind != "impulse_response"), key=lambda clip: clip.path)
    files = {clip.path: _below(manifest, clip) for clip in clips}
    rows = cache_dir() / "manifests" / f"{rows_sha256(clips)[:32]}.csv"
    write_rows(clips, rows)
    return {MANIFEST_NAME: rows, **files}


def _below(manifest: Manifest, clip: Clip) -> Path:
    if Path(clip.path).is_absolute() or ".." in Path(clip.path).parts:
        rule = f"must hold its files to be given to another machine, but {clip.path} lies outside"
        raise DataError(f"{manifest.root}: {rule}; move it there")
    return manifest.path(clip)


def _model(model: str) -> Files:
    """The files of a model folder, or an ONNX file under its own name."""
    place = model_place(model)
    if place.is_relative_to(FOLDER):
        return {}
    if place.is_file():
        return {"": place}
    return {name: place / name for name in (CONFIG, WEIGHTS, METRICS, CARD) if (place / name).is_file()}
