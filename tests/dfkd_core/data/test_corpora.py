import pytest

from dfkd_core.data import scanning
from dfkd_core.data.corpora import open_corpus, scan
from dfkd_core.errors import DataError


def test_a_corpus_is_a_folder_or_a_manifest_file(corpus):
    assert open_corpus(str(corpus.root)) == corpus
    assert open_corpus(str(corpus.root / "manifest.csv")) == corpus
    with pytest.raises(DataError, match="there is no such place"):
        open_corpus(str(corpus.root / "nowhere"))


def test_a_folder_scanned_twice_is_opened_once(corpus, monkeypatch):
    first = scan(corpus.root, "clean-noise")
    monkeypatch.setattr(scanning, "read_headers", lambda *_: pytest.fail("headers were read again"))
    assert scan(corpus.root, "clean-noise") == first


def test_a_changed_file_is_read_again(corpus):
    first = scan(corpus.root, "clean-noise")
    (corpus.root / corpus.clips[0].path).write_bytes((corpus.root / corpus.clips[1].path).read_bytes())
    assert scan(corpus.root, "clean-noise").clips[0].seconds != first.clips[0].seconds


def test_scanning_tells_how_far_it_is(corpus):
    told = []
    scan(corpus.root, "clean-noise", progress=lambda *step: told.append(step))
    assert told[-1] == ("read headers", 45, 45)
