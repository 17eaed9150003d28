"""Audio files for programs outside: the public import path, which stays as it is when rooms inside move.

>>> from dfkd_core.audio import read_audio, write_audio

What it gives is `dfkd_core.signal.audio`'s, from where the code in here imports it.
"""

from dfkd_core.signal.audio import (
    AUDIO_SUFFIXES,
    AudioInfo,
    Samples,
    info,
    mono,
    read_audio,
    read_blocks,
    read_channels,
    write_audio,
    write_blocks,
)

__all__ = ["AUDIO_SUFFIXES", "AudioInfo", "Samples", "info", "mono", "read_audio", "read_blocks", "read_channels"]
__all__ += ["write_audio", "write_blocks"]
