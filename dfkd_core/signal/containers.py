"""What an audio file is written as: container and encoding by suffix and by the file that it stands for."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import soundfile

from dfkd_core.errors import DataError
from dfkd_core.signal.decoders import Decoder

# suffix -> containers of libsndfile that may lie under it, the usual one first, and its usual encoding
WRITTEN: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    ".wav": (("WAV", "WAVEX", "RF64"), "PCM_16"),
    ".flac": (("FLAC",), "PCM_16"),
    ".ogg": (("OGG",), "VORBIS"),
    ".oga": (("OGG",), "VORBIS"),
    ".opus": (("OGG",), "OPUS"),
    ".mp3": (("MP3",), "MPEG_LAYER_III"),
    ".aif": (("AIFF",), "PCM_16"),
    ".aiff": (("AIFF",), "PCM_16"),
    ".aifc": (("AIFF",), "PCM_16"),
    ".au": (("AU",), "PCM_16"),
    ".snd": (("AU",), "PCM_16"),
    ".caf": (("CAF",), "PCM_16"),
    ".w64": (("W64",), "PCM_16"),
    ".rf64": (("RF64",), "PCM_16"),
    ".sph": (("NIST",), "PCM_16"),
    ".voc": (("VOC",), "PCM_16"),
}
READ_ONLY: Final = frozenset({".m4a", ".aac", ".wma", ".amr", ".mka", ".weba", ".mp2", ".ac3", ".ape", ".wv", ".tta"})
AUDIO_SUFFIXES: Final = frozenset(WRITTEN) | READ_ONLY

_BYTES: Final = {"PCM_U8": 1, "PCM_S8": 1, "ULAW": 1, "ALAW": 1, "PCM_16": 2, "PCM_24": 3, "DOUBLE": 8}  # else 4
LARGEST_BYTES: Final = {"WAV": 2**32 - 2**16, "WAVEX": 2**32 - 2**16, "AIFF": 2**31 - 2**16, "AU": 2**32 - 2**16}
OPUS_RATES_HZ: Final = (8_000, 12_000, 16_000, 24_000, 48_000)


def encoding_for(path: Path, like: Decoder | None, num_frames: int | None = None) -> tuple[str, str]:
    """Container and encoding of a file to be written: those of `like` as far as the suffix can hold them.

    What would not fit the four gigabytes that a WAV header tells of becomes RF64. DataError: no format has the suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITTEN:
        known = ", ".join(sorted(WRITTEN))
        raise DataError(f"{path}: cannot be written as audio: {suffix or 'no suffix'} is none of {known}; name one")
    containers, encoding = WRITTEN[suffix]
    container = containers[0]
    if like is not None:
        container = like.container if like.container in containers else container
        # a lossy encoding belongs to its suffix; of others, as fine a one as the container has
        wider = {"FLOAT": "PCM_24", "DOUBLE": "PCM_24", "PCM_32": "PCM_24"}
        lossless = like.encoding.startswith(("PCM", "FLOAT", "DOUBLE"))
        for wanted in (like.encoding, wider.get(like.encoding, "")) if lossless or like.container == container else ():
            if wanted and soundfile.check_format(container, wanted):
                encoding = wanted
                break
        total = (num_frames or 0) * like.num_channels * _BYTES.get(encoding, 4)
        if container in ("WAV", "WAVEX") and total > LARGEST_BYTES[container]:
            container = "RF64"
    return container, encoding


def output_path(path: Path, *, is_alone: bool = True) -> Path:
    """The path of the file that stands for an audio file: its own, or, where its format is read only, that of a WAV.

    Where it `is_alone` in having its name without suffix, that stays its name; else the whole name stays in it.
    """
    if path.suffix.lower() not in READ_ONLY:
        return path
    return path.with_suffix(".wav") if is_alone else path.with_name(f"{path.name}.wav")


def num_bytes(encoding: str, num_samples: int) -> int:
    """What samples of an uncompressed encoding take, at most."""
    return num_samples * _BYTES.get(encoding, 4)


def channel_mask(path: Path) -> int | None:
    """Which loudspeakers the channels of a WAV are for; None where its header does not say (no extensible format)."""
    with path.open("rb") as file:
        place = _mask_place(file.read(1 << 16))
        if place is None:
            return None
        file.seek(place)
        return int.from_bytes(file.read(4), "little")


def set_channel_mask(path: Path, mask: int) -> None:
    """Write the loudspeakers into the header of a WAV that has room for them."""
    with path.open("r+b") as file:
        place = _mask_place(file.read(1 << 16))
        if place is not None:
            file.seek(place)
            file.write(struct.pack("<I", mask))


def _mask_place(head: bytes) -> int | None:
    """Where the mask stands in a RIFF or RF64 header: 20 bytes into the `fmt ` chunk of WAVE_FORMAT_EXTENSIBLE."""
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + 8 <= len(head):
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt ":
            extensible = size >= 40 and head[at + 8 : at + 10] == b"\xfe\xff"
            return at + 8 + 20 if extensible else None
        at += 8 + size + size % 2
    return None
