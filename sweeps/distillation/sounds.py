"""What a front sounds like: a few validation mixtures through every model on it, kept as files under front/sounds.

The mixtures are those that trials were scored on: one hard, one middling, one easy by SNR, each in another noise and
of another voice where validation has them, else from a probe that has (`data.probes`); all versions of a mixture carry
one gain, so that levels can be compared.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import read_json
from dfkd_core.errors import DataError, DFKDError
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples, read_audio
from sweeps.fronts.listening import Excerpt, Listening, encoded

if TYPE_CHECKING:
    from dfkd_core.config import ExperimentConfig, TeacherConfig
    from dfkd_core.data.mixtures import MixtureList
    from dfkd_core.training.signals import Signals

SOUNDS = Path("front") / "sounds"
INDEX = "sounds.json"
NUM_MIXTURES = 3
ABOUT = ("noise_families", "speakers")
PEAK = 0.8  # of the noisy version

Rendered = Sequence[Samples | None] | None  # one wave a mixture, None where there is none

_log = logging.getLogger(__name__)


def record_sounds(folder: Path, trials: Sequence[int], config: ExperimentConfig) -> None:
    """Render what is missing for the models in `folder`/trials/; what cannot be rendered is told and left out."""
    try:
        mixtures = _Mixtures(config, folder / SOUNDS / INDEX)
    except (DFKDError, OSError) as error:
        _log.warning("the front's page has no sounds: %s", error)
        return
    versions: dict[str, Callable[[], Rendered]] = {
        "noisy": lambda: list(mixtures.noisy),
        "clean": lambda: mixtures.clean,
        "teacher": lambda: _taught(config.teacher, mixtures),
        **{student_version(trial): partial(_estimates, folder, trial, mixtures) for trial in trials},
    }
    _record_all(folder, mixtures, versions)


def record_reference(folder: Path, name: str, teacher: TeacherConfig, config: ExperimentConfig) -> None:
    """Render a model from elsewhere, unless that was done; what cannot be rendered is told and left out."""
    try:
        mixtures = _Mixtures(config, folder / SOUNDS / INDEX)
    except (DFKDError, OSError) as error:
        _log.warning("the front's page has no sound of %s: %s", name, error)
        return
    _record_all(folder, mixtures, {reference_version(name): lambda: _taught(teacher, mixtures)})


def _record_all(folder: Path, mixtures: _Mixtures, versions: Mapping[str, Callable[[], Rendered]]) -> None:
    target = folder / SOUNDS
    target.mkdir(parents=True, exist_ok=True)
    for version, render in versions.items():
        files = [target / _file(name, version) for name in mixtures.names]
        if all(file.is_file() for file in files):
            continue
        try:
            waves = render()
        except (DFKDError, OSError) as error:  # a failure costs the sound, not the sweep
            _log.warning("the front's page has no sound %r: %s", version, error)
            continue
        for file, gain, wave in zip(files, mixtures.gains, [] if waves is None else waves, strict=False):
            if wave is not None:
                write_atomic(file, encoded(gain * wave, SAMPLE_RATE_HZ, "flac"))
    index = [{"mixture": name, "title": title} for name, title in zip(mixtures.names, mixtures.titles, strict=True)]
    write_atomic(target / INDEX, json.dumps(index).encode())


def read_sounds(folder: Path, trials: Sequence[int], references: Sequence[str] = ()) -> Listening | None:
    """The recorded excerpts of some trials and models from elsewhere; None when no trial was recorded.

    A damaged sound, or one that would lie elsewhere, is told and left out; so are all of them with a damaged index.
    """
    target = folder / SOUNDS
    if not (target / INDEX).is_file():
        return None
    try:
        index = [(_held(str(entry["mixture"])), str(entry["title"])) for entry in read_json(target / INDEX)]
    except (DFKDError, OSError, KeyError, TypeError, ValueError) as error:
        _log.warning("the front's page has no sounds: %s must list mixtures, but %s", target / INDEX, error)
        return None
    excerpts = []
    for mixture, title in index:
        students = {trial: _sound(target / _file(mixture, student_version(trial))) for trial in trials}
        others = {name: _sound(target / _file(mixture, reference_version(name))) for name in references}
        noisy, clean, teacher = (_sound(target / _file(mixture, name)) for name in ("noisy", "clean", "teacher"))
        if noisy is not None:
            heard = {trial: wave for trial, wave in students.items() if wave is not None}
            known = {name: wave for name, wave in others.items() if wave is not None}
            excerpts.append(Excerpt(title, noisy, clean, teacher, heard, known))
    return Listening(excerpts, SAMPLE_RATE_HZ)


def _held(mixture: str) -> str:
    """A mixture's name, which becomes a file's; ValueError when it leads out of the folder."""
    if not re.fullmatch(r"[\w.,+@ -]{1,200}", mixture) or mixture.startswith("."):
        raise ValueError(f"{mixture[:80]!r} is no name of a mixture")
    return mixture


def student_version(trial: int) -> str:
    """How a trial's files are named."""
    return f"t{trial:04d}"


def reference_version(name: str) -> str:
    """How the files of a model from elsewhere are named; a trial's and the teacher's are named otherwise."""
    return f"ref-{file_name(name)}"


def file_name(name: str) -> str:
    """A model's name as part of a file's."""
    return re.sub(r"[^a-zA-Z0-9.-]+", "-", name)


def chosen_mixtures(
    snr_db: ArrayLike, families: Sequence[str], speakers: Sequence[str], probed: Sequence[bool] = ()
) -> NDArray[np.int64]:
    """A mixture of each third by SNR, the hardest first: of three noise families and three speakers where there are.

    In a third the one nearest to its middle is taken whose noise has not been heard, else whose voice has not; one of a
    probe (`probed`) only where validation has none of that kind.
    """
    order, chosen = np.argsort(snr_db, kind="stable"), list[int]()
    further = probed or [False] * len(families)
    for third in np.array_split(order, NUM_MIXTURES):
        noises, voices = {families[i] for i in chosen}, {speakers[i] for i in chosen}
        from_middle = np.abs(np.arange(len(third)) - len(third) // 2)
        heard = [(families[i] in noises, speakers[i] in voices, further[i]) for i in third.tolist()]
        for best in sorted(range(len(third)), key=lambda k: (*heard[k], from_middle[k]))[:1]:
            chosen.append(int(third[best]))
    return np.array(chosen, dtype=np.int64)


class _Mixtures:
    """The mixtures to listen to, and the gain that makes each loud enough; those of `index`, once it is written."""

    def __init__(self, config: ExperimentConfig, index: Path) -> None:
        from dfkd_core.teachers.teacher_cache import ListedMixture
        from dfkd_core.training.signals import Signals

        signals = Signals(config, needs_teacher=False)
        lists = {"": signals.validation, **_probes(signals)}
        held = [(probe, listed, i) for probe, listed in lists.items() for i in range(len(listed))]
        places = {listed.name(i): place for place, (_, listed, i) in enumerate(held)}
        families, speakers = ([getattr(listed, name)[i] for _, listed, i in held] for name in ABOUT)
        snr_db = np.concatenate([listed.snr_db for listed in lists.values()])
        chosen = chosen_mixtures(snr_db, families, speakers, [probe != "" for probe, _, _ in held])
        with suppress(DFKDError, OSError, KeyError, TypeError, ValueError):  # none yet, or damaged
            kept = [places[entry["mixture"]] for entry in read_json(index)]
            chosen = np.array(kept, dtype=np.int64) if kept else chosen
        found = [held[place] for place in chosen]
        pairs = [listed.batch(np.array([i])) for _, listed, i in found]
        known = [listed.reference == "clean" for _, listed, _ in found]
        self.noisy = np.concatenate([noisy for noisy, _ in pairs])
        self.clean = [reference[0] if clean else None for (_, reference), clean in zip(pairs, known, strict=True)]
        self.listed = [ListedMixture(listed, i) for _, listed, i in found]
        self.names = [listed.name(i) for _, listed, i in found]
        self.titles = [
            (f"{probe}: " if probe else "")
            + listed.noise_families[i]
            + (f", {listed.snr_db[i]:.0f} dB" if clean else "")
            for (probe, listed, i), clean in zip(found, known, strict=True)
        ]
        self.gains = PEAK / np.maximum(np.abs(self.noisy).max(axis=1), 1e-6)


def _probes(signals: Signals) -> dict[str, MixtureList]:
    """Further corpora to take an excerpt from; what cannot be opened is told and left out."""
    try:
        return signals.probes
    except (DFKDError, OSError) as error:
        _log.warning("the front's page has no sounds of its probes: %s", error)
        return {}


def _taught(config: TeacherConfig, mixtures: _Mixtures) -> Rendered:
    from dfkd_core.teachers import open_teacher

    teacher, found = open_teacher(config), list[Samples | None]()
    if teacher is None:
        return None
    for noisy, listed in zip(mixtures.noisy, mixtures.listed, strict=True):
        try:
            found.append(teacher(noisy[None], [listed])[0])
        except DataError as error:  # a folder of estimates holds those of validation alone
            _log.warning("the front's page lacks a sound: %s", error)
            found.append(None)
    return found


def _estimates(folder: Path, trial: int, mixtures: _Mixtures) -> Rendered:
    from dfkd_core.teachers import open_network

    return list(open_network(folder / "trials" / f"{trial:04d}")(mixtures.noisy))


def _file(mixture: str, version: str) -> str:
    return f"{mixture}-{version}.flac"


def _sound(file: Path) -> Samples | None:
    if not file.is_file():
        return None
    try:
        return read_audio(file)
    except (DFKDError, OSError) as error:
        _log.warning("the front's page lacks a sound: %s", error)
        return None
