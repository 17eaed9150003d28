"""The public door to audio files gives what lies behind it, and nothing in here goes through it."""

from pathlib import Path

import dfkd_core.audio
import dfkd_core.signal.audio


def test_the_public_door_gives_all_that_lies_behind_it():
    behind = dfkd_core.signal.audio
    assert dfkd_core.audio.__all__ == behind.__all__
    assert all(getattr(dfkd_core.audio, name) is getattr(behind, name) for name in behind.__all__)


def test_the_code_inside_imports_from_the_room():
    folder = Path(dfkd_core.audio.__file__).parent
    assert not [path for path in folder.rglob("*.py") if "\nfrom dfkd_core.audio import" in path.read_text()]
