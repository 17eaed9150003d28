import hashlib
import logging

import numpy as np
import pytest

from dfkd_core.data import debian, demo
from dfkd_core.data.corpora import is_here, open_corpus
from dfkd_core.data.demo import credits_text, demo_corpus
from dfkd_core.data.demo_packages import DemoClip
from dfkd_core.data.manifest import read_manifest
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import info, read_audio


class Package:
    """A package of two clips whose signals are known."""

    def __init__(self, name, kind, rate_hz=16_000, version="1.0"):
        self.name, self.folder, self.licence, self.version = name, f"{kind}/{name}", "CC0-1.0", version
        rng = np.random.default_rng(len(name))
        splits = zip(("one", "two"), ("train", "valid"), strict=True)
        self.content = [
            DemoClip(clip, kind, split, name, rng.integers(-32768, 32767, rate_hz).astype(np.int16), rate_hz)
            for clip, split in splits
        ]
        digest = hashlib.sha256()
        for clip in self.content:
            digest.update(f"{clip.name} {clip.rate_hz}\n".encode() + clip.samples.tobytes())
        self.sha256 = digest.hexdigest()

    def clips(self, tree):
        assert tree.is_dir()
        yield from self.content


class Source:
    """Stands for Debian's packages; counts the downloads, and can be cut off."""

    fetched: list[str] = []
    fails_on = ""
    version = "1.0"

    def __init__(self, folder):
        self.folder = folder

    def unpack(self, name):
        if name == Source.fails_on:
            raise KeyboardInterrupt
        Source.fetched.append(name)
        (self.folder / name).mkdir()
        return self.folder / name, Source.version


@pytest.fixture(autouse=True)
def packages(monkeypatch):
    known = (Package("speech", "clean"), Package("hum", "noise", rate_hz=44_100))
    monkeypatch.setattr(demo, "PACKAGES", known)
    monkeypatch.setattr(demo, "ABROAD", (Package("russian", "noise"),))
    monkeypatch.setattr(debian, "DebianPackages", Source)
    monkeypatch.setattr(debian, "available", lambda: True)
    Source.fetched, Source.fails_on, Source.version = [], "", "1.0"
    return known


def test_the_corpus_is_16_khz_flac_with_a_manifest_and_credits(cache, packages):
    manifest = demo_corpus()
    assert manifest.root == cache / "demo"
    assert [(c.path, c.kind, c.split, c.label, c.licence, c.seconds) for c in manifest.clips] == [
        ("clean/speech/one.flac", "clean", "train", "speech", "CC0-1.0", 1.0),
        ("clean/speech/two.flac", "clean", "valid", "speech", "CC0-1.0", 1.0),
        ("noise/hum/one.flac", "noise", "train", "hum", "CC0-1.0", 1.0),
        ("noise/hum/two.flac", "noise", "valid", "hum", "CC0-1.0", 1.0),
    ]
    assert {info(manifest.path(c)).rate_hz for c in manifest.clips} == {16_000}
    speech = read_audio(manifest.path(manifest.clips[0]))
    np.testing.assert_array_equal(np.round(speech * 32768), packages[0].content[0].samples)
    assert (manifest.root / "CREDITS.txt").read_text() == credits_text()
    assert "MIT" in credits_text()


def test_resampled_clips_do_not_clip(cache):
    manifest = demo_corpus()
    assert np.abs(read_audio(manifest.path(manifest.clips[2]))).max() <= 0.9901


def test_a_second_call_fetches_nothing(tmp_path):
    first = demo_corpus(tmp_path / "here")
    assert demo_corpus(tmp_path / "here") == first == read_manifest(tmp_path / "here" / "manifest.csv")
    assert Source.fetched == ["speech", "hum"]


def test_the_name_demo_opens_it():
    assert open_corpus("demo") == demo_corpus()


def test_whether_it_is_here_is_told_without_fetching(packages):
    assert is_here("/data/mine") and not is_here("demo") and not is_here("demo-abroad") and not Source.fetched
    clip = demo_corpus().clips[0]
    assert is_here("demo") and not is_here("demo-abroad")
    (demo_corpus().root / clip.path).unlink()
    assert not is_here("demo") and Source.fetched == ["speech", "hum"]


def test_an_interrupted_fetch_goes_on_where_it_was(cache):
    Source.fails_on = "hum"
    with pytest.raises(KeyboardInterrupt):
        demo_corpus()
    assert not (cache / "demo" / "manifest.csv").exists()
    (cache / "demo" / ".fetch-killed").mkdir()
    Source.fails_on = ""
    assert len(demo_corpus().clips) == 4
    assert Source.fetched == ["speech", "hum"]
    assert not list((cache / "demo").glob(".fetch-*"))


@pytest.mark.parametrize("damage", ["removed", "cut"])
def test_a_damaged_package_alone_is_fetched_again(damage):
    manifest = demo_corpus()
    path = manifest.path(manifest.clips[2])
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])
    demo_corpus()
    assert Source.fetched == ["speech", "hum", "hum"]
    assert info(path).seconds == 1.0


def test_audio_that_differs_from_the_known_hash_is_refused(packages, cache):
    packages[1].sha256 = "0" * 64
    with pytest.raises(DataError, match=r"hum 1\.0: decoded audio must have SHA-256 0000.*, but has"):
        demo_corpus()
    assert not (cache / "demo" / "noise" / "hum").exists()


def test_another_version_is_used_and_said_to_be_another(packages, caplog):
    Source.version, packages[0].sha256 = "2.0", "0" * 64
    with caplog.at_level(logging.WARNING):
        assert len(demo_corpus().clips) == 4
    assert "speech is version 2.0, measured was 1.0" in caplog.text


def test_a_machine_without_apt_is_told_which_folders_are_taken_instead(monkeypatch):
    monkeypatch.setattr(debian, "available", lambda: False)
    with pytest.raises(
        DataError, match=r"needs apt-get .* set data\.corpus to a folder instead: .*clean-noise"
    ) as told:
        demo_corpus()
    assert "\n" not in str(told.value)


def test_the_second_corpus_lies_in_a_folder_of_its_own_and_is_known_by_name(cache):
    manifest = open_corpus("demo-abroad")
    assert manifest.root == cache / "demo-abroad" and Source.fetched == ["russian"]
    assert open_corpus("demo-abroad") == manifest and Source.fetched == ["russian"]
