"""Audio files for programs outside: the public import path, which stays as it is when rooms inside move.

>>> from dfkd_core.audio import read_audio, write_audio

What it gives is `dfkd_core.signal.audio`'s, from where the code in here imports it.
"""

from dfkd_core.signal.audio import *  # noqa: F403  the very names that it gives
from dfkd_core.signal.audio import __all__  # noqa: F401
