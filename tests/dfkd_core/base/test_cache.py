import hashlib
import os

import platformdirs
import pytest

from dfkd_core.base.cache import cache_dir, content_sha256
from dfkd_core.errors import ConfigError


def test_the_environment_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "a" / "b"))
    assert cache_dir() == tmp_path / "a" / "b"
    assert cache_dir().is_dir()


def test_else_it_is_the_users_cache_of_the_platform(tmp_path, monkeypatch):
    monkeypatch.delenv("DFKD_CACHE", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    assert cache_dir() == tmp_path / "dfkd"


@pytest.mark.parametrize("reason", ["file", "below a file"])
def test_a_cache_that_cannot_be_is_told_with_the_variable_that_names_another(tmp_path, monkeypatch, reason):
    (tmp_path / "taken").write_text("")
    place = tmp_path / "taken" if reason == "file" else tmp_path / "taken" / "cache"
    monkeypatch.setenv("DFKD_CACHE", str(place))
    with pytest.raises(ConfigError, match=r"taken.*DFKD_CACHE: must be a folder .* name another by DFKD_CACHE"):
        cache_dir()


def test_a_cache_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match="it may not be written into; name another by DFKD_CACHE"):
        cache_dir()


def test_a_file_is_hashed_once_a_process_and_again_when_it_was_touched(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"headbody")
    first = content_sha256(path, 4)
    assert first == hashlib.sha256(b"body").hexdigest() != content_sha256(path)
    path.write_bytes(b"headbodx")
    assert content_sha256(path, 4) == hashlib.sha256(b"bodx").hexdigest()


def test_a_cache_in_a_home_that_is_not_known_is_one_line(monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", "~nobody-here/cache")
    with pytest.raises(ConfigError, match=r"DFKD_CACHE: must be a path, but .* names a home that is not known"):
        cache_dir()
