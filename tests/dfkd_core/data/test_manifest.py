import os
import unicodedata

import numpy as np
import pytest

from dfkd_core.data.manifest import (
    Clip,
    check_pairs,
    manifest_of,
    noisy_partners,
    read_manifest,
    without_partners,
    write_manifest,
)
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
        ("path,kind,split,label,licence,seconds\na,clean,train,x,y,inf\n", "seconds must be a finite number.*'inf'"),
        ("path,kind,split,label,licence,seconds\na,clean,train\n", "seconds must be a number, but got None"),
        ("path,kind,split,label,licence,seconds\n,clean,train,x,y,1\n", "path must name a file"),
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


def clips(*places):
    return [Clip(f"{kind}/{name}.wav", kind, "train", "p1", "", 1.0) for kind, name in places]


def test_a_noisy_file_belongs_to_the_clean_one_of_its_name():
    listed = clips(("clean", "a"), ("clean", "b"), ("noise", "a"), ("noisy", "b"), ("noisy", "a"))
    partners = noisy_partners(listed, np.full(5, 100))
    assert partners.tolist() == [4, 3, -1, -1, -1]


def test_a_pair_of_two_lengths_is_refused_by_name():
    with pytest.raises(DataError, match=r"clean/a\.wav and noisy/a\.wav.* 9000 and 8800 samples"):
        noisy_partners(clips(("clean", "a"), ("noisy", "a")), np.array([9000, 8800]))


@pytest.mark.parametrize("samples", [1, 160])
def test_a_pair_that_differs_by_a_few_samples_is_one(samples):
    listed = clips(("clean", "a"), ("noisy", "a"))
    assert noisy_partners(listed, np.array([9000, 9000 - samples])).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("clean", "noisy"),
    [
        ("clean_fileid_7", "book_00012_reader_3_snr5_tl-20_fileid_7"),
        ("clean_fileid_07", "fileid_7"),
        (unicodedata.normalize("NFC", "sprécher"), unicodedata.normalize("NFD", "sprécher")),
    ],
)
def test_a_pair_has_one_name_however_it_is_written(clean, noisy):
    assert noisy_partners(clips(("clean", clean), ("noisy", noisy)), np.array([9, 9])).tolist() == [1, -1]


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8-sig", ","), ("utf-16", ","), ("utf-8", ";"), ("utf-16", "\t"), ("utf-8-sig", ";")],
)
def test_a_manifest_may_come_from_a_spreadsheet(tmp_path, encoding, delimiter):
    head = ["Path", "kind ", "SPLIT", "label", "licence", "seconds"]
    row = ["ä.flac", "clean", "train", "p1", "CC0-1.0", "2,5" if delimiter == ";" else "2.5"]
    text = "".join(delimiter.join(line) + "\r\n" for line in (head, row))
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    assert read_manifest(tmp_path / "m.csv").clips == (Clip("ä.flac", "clean", "train", "p1", "CC0-1.0", 2.5),)


@pytest.mark.parametrize(
    "name", [os.fsdecode(b"\xe9t\xe9.wav"), "a\nb.wav", "a\rb.wav", 'a,"b".wav', "=1+1.wav", " a.wav", "ein;zwei.wav"]
)
def test_a_name_that_a_file_may_have_reads_back(tmp_path, name):
    manifest = manifest_of(tmp_path, [Clip(name, "clean", "train", "p1", "", 1.0)])
    write_manifest(manifest, tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv") == manifest


def test_a_pipe_in_place_of_a_manifest_keeps_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "m.csv")
    with pytest.raises(DataError, match="must be a file, but is a pipe"):
        read_manifest(tmp_path / "m.csv")


def test_lists_that_differ_are_named_and_the_rest_counted():
    listed = clips(*(("clean", f"c{n}") for n in range(5)), ("noisy", "c0"), ("noisy", "n0"))
    with pytest.raises(DataError, match=r"train: .*no noisy file for c1, c2, c3 and 1 more and no clean file for n0"):
        check_pairs(listed)


def test_two_files_of_one_name_cannot_be_paired():
    listed = clips(("clean", "a"), ("noisy", "a"), ("noisy", "s2/a"))
    with pytest.raises(DataError, match=r"train: noisy files are paired by name, but a is there more than once"):
        check_pairs(listed)


def test_the_partner_of_a_lost_file_goes_with_it():
    listed = clips(("clean", "a"), ("noisy", "a"), ("clean", "b"), ("noise", "a"))
    assert [clip.path for clip in without_partners(listed, {("train", "a")})] == ["clean/b.wav", "noise/a.wav"]
    unpaired = clips(("clean", "a"), ("noise", "a"))
    assert without_partners(unpaired, {("train", "a")}) == unpaired


def test_corpora_without_noisy_files_have_no_pairs_to_check():
    check_pairs(clips(("clean", "a"), ("noise", "b")))
    assert noisy_partners(clips(("clean", "a"), ("noise", "a")), np.array([1, 2])).tolist() == [-1, -1]
