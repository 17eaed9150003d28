import pytest

from dfkd_core.data import scanning
from dfkd_core.data.corpora import Clip, manifest_of, open_corpus, read_manifest, scan, write_manifest
from dfkd_core.errors import DataError


def test_a_manifest_reads_back_as_it_was_written(corpus, tmp_path):
    write_manifest(corpus, corpus.root / "copy.csv")
    assert read_manifest(corpus.root / "copy.csv") == corpus
    assert read_manifest(corpus.root / "copy.csv").sha256 == corpus.sha256


def test_a_manifest_elsewhere_names_absolute_paths(corpus, tmp_path):
    write_manifest(corpus, tmp_path / "elsewhere" / "m.csv")
    moved = read_manifest(tmp_path / "elsewhere" / "m.csv")
    assert [moved.path(c) for c in moved.clips] == [corpus.path(c) for c in corpus.clips]


def test_the_hash_knows_rows_and_neither_order_nor_place(corpus, tmp_path):
    reordered = manifest_of(tmp_path, reversed(corpus.clips))
    assert reordered.sha256 == corpus.sha256
    assert manifest_of(tmp_path, corpus.clips[1:]).sha256 != corpus.sha256


def test_other_columns_are_ignored(tmp_path):
    (tmp_path / "m.csv").write_text(
        "peak,path,kind,split,label,source,licence,seconds\n1.0,a.flac,clean,train,p1,web,CC0-1.0,2.5\n"
    )
    assert read_manifest(tmp_path / "m.csv").clips == (Clip("a.flac", "clean", "train", "p1", "CC0-1.0", 2.5),)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("path,kind\n", "lacks split, label, licence, seconds"),
        ("path,kind,split,label,licence,seconds\n", "lists no clips"),
        ("path,kind,split,label,licence,seconds\na,music,train,x,y,1\n", "line 2: kind must be one of .*'music'"),
        ("path,kind,split,label,licence,seconds\na,clean,dev,x,y,1\n", "line 2: split must be one of .*'dev'"),
        ("path,kind,split,label,licence,seconds\na,clean,train,x,y,long\n", "seconds must be a number.*'long'"),
    ],
)
def test_a_wrong_manifest_is_refused_in_one_line_with_its_place(tmp_path, text, rule):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=rf"m\.csv.*{rule}") as caught:
        read_manifest(tmp_path / "m.csv")
    assert "\n" not in str(caught.value)


def test_select_takes_kind_and_split(corpus):
    assert {(c.kind, c.split) for c in corpus.select("noise", "valid")} == {("noise", "valid")}
    assert len(corpus.select(split="test")) == 15


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
