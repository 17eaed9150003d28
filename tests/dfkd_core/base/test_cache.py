import platformdirs

from dfkd_core.base.cache import cache_dir


def test_the_environment_names_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "a" / "b"))
    assert cache_dir() == tmp_path / "a" / "b"
    assert cache_dir().is_dir()


def test_else_it_is_the_users_cache_of_the_platform(tmp_path, monkeypatch):
    monkeypatch.delenv("DFKD_CACHE", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path / name))
    assert cache_dir() == tmp_path / "dfkd"
