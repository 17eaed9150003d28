"""A list of mixtures as a file: one JSON line each, with everything that it is made of."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dfkd_core.base.documents import parse_json, read_content
from dfkd_core.base.outputs import output
from dfkd_core.base.progress import Progress, silent
from dfkd_core.data.activity import FRAMES_PER_S
from dfkd_core.data.audio_store import AudioPart, AudioStore
from dfkd_core.data.augmentation import EFFECT, NO_RESPONSE, TALKER, Augmentation
from dfkd_core.data.mixture_list import FAMILIES, LISTED, MixtureList
from dfkd_core.data.noise_variation import VARIATION
from dfkd_core.data.segments import PIECE, Segments
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio

FORMAT = 1
_CODES = {name: code for code, name in FAMILIES.items()}

Row = Mapping[str, Any]


def write_mixtures(mixtures: MixtureList, path: str | Path) -> None:
    """Write a head, then a line for each mixture; in flat memory.

    The head: split, epoch, length, hashes of the signals, `target_reflections` (null: no augmentation). A line: name,
    pieces of speech (clip, start in it, place in the mixture, length), noise (a clip, or `paired`, `recorded`,
    `babble`) and its start, SNR, level, impulse response, clipping under the peak, talkers of babble (clip, start),
    speed and filter of the noise. Times are in frames of 10 ms; null: none, or not known.
    """
    path, augmentation = Path(path), mixtures.augmentation
    head = {
        "format": FORMAT,
        "split": mixtures.split,
        "epoch": mixtures.epoch,
        "num_frames": mixtures.num_frames,
        "frames_per_s": FRAMES_PER_S,
        "signals": mixtures.part.sha256,
        "impulse_responses": augmentation.responses.sha256 if augmentation and augmentation.responses else None,
        "target_reflections": augmentation.target if augmentation else None,
    }
    with output(path, "--out") as file:
        file.write(f"{json.dumps(head)}\n".encode())
        for index in range(len(mixtures)):
            file.write(f"{json.dumps(_row(mixtures, index))}\n".encode())


def _row(mixtures: MixtureList, index: int) -> dict[str, Any]:
    clips = mixtures.part.clips
    noise, start, snr_db, level_dbfs = mixtures.table[index].tolist()
    first, last = mixtures.segments.first[index : index + 2]
    row = {
        "name": mixtures.name(index),
        "speech": [[clips[clip].path, *rest] for clip, *rest in mixtures.segments.pieces[first:last].tolist()],
        "num_active": int(mixtures.segments.num_active[index]),
        "noise": FAMILIES.get(noise) or clips[noise].path,
        "noise_start": start,
        "snr_db": _null(snr_db),
        "level_dbfs": _null(level_dbfs),
    }
    augmentation = mixtures.augmentation
    if augmentation is None:
        return row
    response, clip_db = augmentation.effects[index].tolist()
    responses, variations = augmentation.responses, augmentation.variations
    speed, coefficients = (None, None) if variations is None else (v.tolist() for v in variations[index])
    return row | {
        "impulse_response": None if responses is None or response == NO_RESPONSE else responses.clips[response].path,
        "clip_db": _null(clip_db),
        "talkers": [[clips[clip].path, start] for clip, start in augmentation.talkers_of(index).tolist()],
        "noise_speed": speed,
        "noise_filter": coefficients,
    }


def read_mixtures(path: str | Path, store: AudioStore) -> MixtureList:
    """The list that a file describes, over the signals of a corpus.

    DataError: it is no such file, it was listed for other signals, or it names a clip that the corpus lacks.
    """
    try:
        head, *rows = [parse_json(line) for line in read_content(path).splitlines()]
        if head["format"] != FORMAT:
            raise ValueError(f"its format is {head['format']}")
        part = store.part(head["split"])
        responses = store.impulse_responses(head["split"]) if head["impulse_responses"] else None
        for name, signals in (("signals", part), ("impulse_responses", responses)):
            if signals is not None and signals.sha256 != head[name]:
                raise DataError(f"{path}: was listed for other {name.replace('_', ' ')} than those of {part.where}")
        clips = _Clips(part, str(path))
        pieces = [[(clips[path], *rest) for path, *rest in row["speech"]] for row in rows]
        segments = Segments(
            np.array([piece for speech in pieces for piece in speech], PIECE),
            _first(pieces),
            np.array([row["num_active"] for row in rows], np.int64),
        )
        listed = [(clips.noise(r["noise"]), r["noise_start"], _nan(r["snr_db"]), _nan(r["level_dbfs"])) for r in rows]
        table, augmentation = np.array(listed, LISTED), None
        if head["target_reflections"] is not None:
            rooms = _Clips(responses, str(path)) if responses else clips
            effects = [(rooms[row["impulse_response"]], _nan(row["clip_db"])) for row in rows]
            talkers = [[(clips[path], start) for path, start in row["talkers"]] for row in rows]
            varied = [(row["noise_speed"], tuple(row["noise_filter"])) for row in rows if row.get("noise_speed")]
            augmentation = Augmentation(
                np.array(effects, EFFECT),
                np.array([talker for voices in talkers for talker in voices], TALKER),
                _first(talkers),
                responses,
                head["target_reflections"],
                np.array(varied, VARIATION) if varied else None,
            )
        return MixtureList(part, head["split"], head["num_frames"], segments, table, head["epoch"], augmentation)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: must be a list of mixtures, but {error!r}; write it again") from error


def render_mixtures(mixtures: MixtureList, folder: str | Path, progress: Progress = silent) -> None:
    """Write noisy/NAME.wav and clean/NAME.wav of every mixture in 32 bit; clean is left out where it is not known.

    A teacher's estimates of noisy/ under the same names are what `teacher.estimates` reads.
    """
    for index in range(len(mixtures)):
        signals = dict(zip(("noisy", "clean"), mixtures.render(index), strict=True))
        for kind in ("noisy", "clean") if mixtures.has_clean else ("noisy",):
            write_audio(Path(folder, kind, f"{mixtures.name(index)}.wav"), signals[kind], subtype="FLOAT")
        progress("render mixtures", index + 1, len(mixtures))


class _Clips:
    """Numbers of the clips of a part by their path."""

    def __init__(self, part: AudioPart, where: str) -> None:
        self._numbers = {clip.path: number for number, clip in enumerate(part.clips)}
        self._lack = f"{where}: names a clip that {part.where} lacks:"

    def __getitem__(self, path: str | None) -> int:
        if path is None:
            return NO_RESPONSE
        if path not in self._numbers:
            raise DataError(f"{self._lack} {path}")
        return self._numbers[path]

    def noise(self, name: str) -> int:
        """The number of a clip, or what stands for it."""
        return _CODES[name] if name in _CODES else self[name]


def _first(groups: Sequence[Sequence[object]]) -> Any:
    return np.concatenate([[0], np.cumsum([len(group) for group in groups], dtype=np.int64)]).astype(np.int64)


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
