"""The Debian packages of the demo corpus: which clips each one holds, and how they are decoded."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from dfkd_core.data.manifest import Kind, Split
from dfkd_core.errors import DataError

MIN_SPEECH_S = 2.0
MIN_EFFECT_S = 1.5
MIN_LAYER_S, MIN_SHORT_PROMPT_S = 0.6, 1.0
ABROAD_NOISE_S = 40
G722_BYTES_PER_S = 8_000
G722_RATE_HZ = 16_000
BY_SA, BY = "CC-BY-SA-3.0", "CC-BY-3.0"


@dataclass(frozen=True)
class DemoClip:
    """A decoded clip: where it belongs, and its samples as the package holds them, (time,) int16."""

    name: str
    kind: Kind
    split: Split
    label: str
    samples: NDArray[np.int16]
    rate_hz: int


@dataclass(frozen=True)
class DemoPackage:
    """A package, its licence and the version that was measured."""

    name: str
    folder: str  # below the corpus's root
    licence: str
    version: str
    clips: Callable[[Path], Iterator[DemoClip]]

    @property
    def sha256(self) -> str:
        """Hash of everything that the measured version decodes to."""
        return SHA256[self.folder]


def _voice(label: str, split: Split) -> Callable[[Path], Iterator[DemoClip]]:
    """Prompts over two seconds, spoken by one voice."""

    def clips(tree: Path) -> Iterator[DemoClip]:
        sounds = tree / "usr/share/asterisk/sounds"
        for path in sorted(sounds.rglob("*.g722")):
            _, *parts = path.relative_to(sounds).with_suffix("").parts
            if "silence" not in parts and path.stat().st_size > MIN_SPEECH_S * G722_BYTES_PER_S:
                yield DemoClip("-".join(parts), "clean", split, label, decode_g722(path), G722_RATE_HZ)

    return clips


def _abroad(tree: Path) -> Iterator[DemoClip]:
    """Short prompts of a voice that only the test split has, and two kinds of noise that are in no other corpus.

    Prompts over a second speak; the shorter ones, laid over each other, are babble (6 layers) and steady noise with
    the spectrum of speech (96 layers, half of them backwards). Integer arithmetic, the same everywhere.
    """
    sounds = tree / "usr/share/asterisk/sounds"
    layers: list[NDArray[np.int16]] = []
    for path in sorted(sounds.rglob("*.g722")):
        _, *parts = path.relative_to(sounds).with_suffix("").parts
        seconds = path.stat().st_size / G722_BYTES_PER_S
        if "silence" in parts or not MIN_LAYER_S < seconds <= MIN_SPEECH_S:
            continue
        if seconds > MIN_SHORT_PROMPT_S:
            yield DemoClip("-".join(parts), "clean", "valid", "maxim", decode_g722(path), G722_RATE_HZ)
        else:
            layers.append(decode_g722(path))
    for family, num_layers, seed in (("babble", 6, 0), ("speech-shaped", 96, 1)):
        rng = np.random.default_rng(seed)
        total = np.zeros(ABROAD_NOISE_S * G722_RATE_HZ, np.int64)
        for layer in range(num_layers):
            order = np.argsort(rng.random(len(layers)), kind="stable")
            ordered = np.concatenate([layers[i] for i in order])
            signal = np.resize(np.roll(ordered, int(rng.random() * len(ordered))), len(total))
            total += signal[::-1] if family != "babble" and layer % 2 else signal
        peak = int(np.abs(total).max())
        quieter: NDArray[np.int16] = (total * 16_384 // max(peak, 16_384)).astype(np.int16)
        yield DemoClip(family, "noise", "valid", family, quieter, G722_RATE_HZ)


def _music(tree: Path) -> Iterator[DemoClip]:
    """Five tracks: the first three, by one artist, train; the fourth validates; the fifth tests."""
    splits: tuple[Split, ...] = ("train", "train", "train", "valid", "test")
    tracks = sorted((tree / "usr/share/asterisk/moh").glob("*.g722"))
    if len(tracks) != len(splits):
        raise DataError(f"the music package must hold {len(splits)} tracks, but holds {len(tracks)}")
    for path, split in zip(tracks, splits, strict=True):
        yield DemoClip(path.stem, "noise", split, "music", decode_g722(path), G722_RATE_HZ)


def _effects(tree: Path) -> Iterator[DemoClip]:
    """Sound effects over 1.5 s: even numbers train, odd ones test; a repeated recording is taken once."""
    heard: set[bytes] = set()
    catalogue = (tree / "usr/share/games/openttd/baseset/opensfx/opensfx.cat").read_bytes()
    for number, (samples, rate_hz) in enumerate(riff_waves(catalogue)):
        if len(samples) <= MIN_EFFECT_S * rate_hz or samples.tobytes() in heard:
            continue
        heard.add(samples.tobytes())
        split: Split = "test" if number % 2 else "train"
        yield DemoClip(f"effect-{number:02d}", "noise", split, "effects", samples, rate_hz)


def decode_g722(path: Path) -> NDArray[np.int16]:
    """Raw 64 kbit/s G.722 to 16 kHz int16, (time,); the codec is integer arithmetic, the same everywhere."""
    import av

    try:
        with av.open(str(path), format="g722") as container:
            frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
    except av.FFmpegError as error:
        raise DataError(f"{path}: cannot be decoded as G.722 ({error})") from error
    decoded: NDArray[np.int16] = np.concatenate(frames)
    return decoded


def riff_waves(catalogue: bytes) -> Iterator[tuple[NDArray[np.int16], int]]:
    """Every WAV inside a larger file, as (samples, rate in Hz), in its order."""
    for match in re.finditer(b"RIFF(?s:.{4})WAVEfmt ", catalogue):
        size = int.from_bytes(catalogue[match.start() + 4 : match.start() + 8], "little")
        wave = io.BytesIO(catalogue[match.start() : match.start() + 8 + size])
        samples, rate_hz = soundfile.read(wave, dtype="int16", always_2d=True)
        yield np.ascontiguousarray(samples[:, 0]), int(rate_hz)


def _prompts(language: str, licence: str, voice: str, split: Split) -> DemoPackage:
    name = f"asterisk-core-sounds-{language}-g722"
    return DemoPackage(name, f"clean/{language}", licence, "1.6.1-1", _voice(voice, split))


SHA256 = {  # by folder
    "clean/en": "1484335f2faa06581cb8ac6fd3351186689d1fb0f2e40419e788892cef1120f0",
    "clean/es": "f5203df5ff52a797ec7547cfbaf8e5c0ef473c07fac6e371e89d58598d455ebc",
    "clean/it": "56d2ea9313f8eca39084bb48b6f4b0e7f4da7255131c1ccbb4f677c137d62ac6",
    "clean/fr": "902b0012d94abc31a0c2c878a5e52449f5d2da6373f1c513b25c2bc381d8a364",
    "clean/ru": "e9d1c0493ca232b1edaa11587a743eea2fe387b1d7dbbfcd1237f2bd818062e3",
    "abroad": "378a8d623cd76473670cfef5d35a700f48197362235799f1aec4e69185e59503",
    "noise/music": "297f20dd97e2f35651e719fd5fe42628f3ad07f272e6c1cd3e9a875c885c19af",
    "noise/effects": "6c2f818980ea47a0fe4e46d227de824e5896a9e50a5ebd35fd881f114357b81e",
}

# en and es are one woman: both train, so that no voice is in two splits
PACKAGES = (
    _prompts("en", BY_SA, "allison", "train"),
    _prompts("es", BY_SA, "allison", "train"),
    _prompts("it", BY, "carlo", "train"),
    _prompts("fr", BY_SA, "june", "valid"),
    _prompts("ru", BY, "maxim", "test"),
    DemoPackage("asterisk-moh-opsound-g722", "noise/music", BY_SA, "2.03-1.1", _music),
    DemoPackage("openttd-opensfx", "noise/effects", BY_SA, "1.0.3-2", _effects),
)

# another corpus, on which nothing trains: it shows what a short training forgets of other speech
ABROAD = (DemoPackage("asterisk-core-sounds-ru-g722", "abroad", BY, "1.6.1-1", _abroad),)

CREDITS = """\
The demo corpus is made of Debian packages (each with its copyright file):
  asterisk-core-sounds-en, -es   Allison Smith, for Digium, Inc.                          CC-BY-SA-3.0
  asterisk-core-sounds-fr        June Wallack, for Digium, Unlimitel and BGM Informatique   CC-BY-SA-3.0
  asterisk-core-sounds-it        Carlo Flora, translated by Silvia Petrin                   CC-BY-3.0
  asterisk-core-sounds-ru        provided by Maxim Topal, ivrvoice.ru                       CC-BY-3.0
  asterisk-moh-opsound           Paul Shuler (Macroform), Manolo Camp, Reno Project         CC-BY-SA-3.0
  openttd-opensfx                the OpenSFX authors, see its readme                        CC-BY-SA-3.0
Changes: decoded or resampled to 16 kHz, stored as FLAC; repeated effects left out, short prompts too, but in
the corpus demo-abroad, whose noise is made of them.
"""
