"""What a node is given: files named after their own content, and pieces of these alone."""

from pathlib import Path

import pytest
from closed_form import ServedDomain

from sweeps.engine.deciding import serving
from sweeps.engine.deciding.serving import ServedFile, Server, Serving, in_mb, name_of, pieces_of


class Corpus(ServedDomain):
    """A corpus that is a folder of two files, and what was computed of it."""

    def __init__(self, root):
        self.root = root

    def input_files(self, config):
        return {config["data"]: {name: self.root / name for name in ("a.wav", "deep/b.wav")}}

    def cached_files(self, config):
        return [self.root / "cache" / name for name in ("estimates", "not computed")]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    for folder in ("deep", "cache"):
        (tmp_path / folder).mkdir()
    for name in ("a.wav", "deep/b.wav", "cache/estimates"):
        (tmp_path / name).write_text(f"content of {name}")
    return Corpus(tmp_path)


def test_a_parcel_names_files_by_their_place_below_a_node_s_cache(corpus):
    parcel = Server(corpus, 1).parcel({"data": "/data/speech"}, only_cached=False)
    (place,) = parcel.places.values()
    assert set(parcel.places) == {"/data/speech"} and place.startswith("served/") and place.endswith("/speech")
    assert {file.place for file in parcel.files} == {f"{place}/a.wav", f"{place}/deep/b.wav", "estimates"}
    assert parcel.num_bytes == sum(len(f"content of {name}") for name in ("a.wav", "deep/b.wav", "cache/estimates"))
    assert parcel.what == "speech, 1 cached file"


def test_a_corpus_that_is_named_by_its_manifest_is_called_by_its_folder():
    files = {name: Path("/there", name) for name in ("manifest.csv", "a.wav")}
    assert name_of("/data/speech/manifest.csv", files) == "speech"
    assert name_of("/data/speech", files) == "speech" and name_of("/data/t.onnx", {"": Path("t")}) == "t.onnx"


def test_what_a_node_could_make_for_itself_is_a_parcel_of_its_own(corpus):
    parcel = Server(corpus, 1).parcel({"data": "/data/speech"}, only_cached=True)
    assert not parcel.places and [file.place for file in parcel.files] == ["estimates"]


def test_other_audio_under_the_same_names_is_another_place(corpus):
    first = Server(corpus, 1).parcel({"data": "speech"}, only_cached=False)
    (corpus.root / "a.wav").write_text("other")
    assert Server(corpus, 1).parcel({"data": "speech"}, only_cached=False).places != first.places


def test_nothing_but_a_parcel_s_files_is_read(corpus):
    server, config = Server(corpus, 1), {"data": "speech"}
    place = server.parcel(config, only_cached=False).places["speech"]
    assert server.read(config, False, [(f"{place}/a.wav", 8, 2), ("estimates", 0, 7)]) == [b"of", b"content"]
    for other in ("/etc/passwd", f"{place}/../../etc/passwd", "state.json"):
        with pytest.raises(KeyError):
            server.read(config, False, [(other, 0, 1)])


def test_a_keeper_that_was_started_again_reads_what_its_forerunner_has_listed(corpus):
    place = Server(corpus, 1).parcel({"data": "speech"}, only_cached=False).places["speech"]
    assert Server(corpus, 1).read({"data": "speech"}, False, [(f"{place}/a.wav", 0, 7)]) == [b"content"]


def test_no_more_than_a_piece_travels_at_once(monkeypatch):
    monkeypatch.setattr(serving, "PIECE_BYTES", 10)
    files = [(ServedFile(name, size, ""), held) for name, size, held in (("a", 4, 0), ("b", 25, 2), ("c", 3, 3))]
    assert list(pieces_of(files)) == [[("a", 0, 4), ("b", 2, 6)], [("b", 8, 10)], [("b", 18, 7)]]


def test_how_far_a_node_has_got_is_a_line():
    assert str(Serving("n1", "speech", 40_000_000, 131_000_000, 4.0, False)) == (
        "n1 is sent speech: 40 MB of 131 MB after 4 s"
    )
    part, whole = (Serving("n1", "speech", 2_500_000, total, 12.2, True) for total in (131_000_000, 2_500_000))
    assert str(part) == "n1 was sent what it lacked of speech (2.5 MB in 12 s)"
    assert str(whole) == "n1 was sent speech (2.5 MB in 12 s)"


@pytest.mark.parametrize(
    ("num_bytes", "said"), [(206, "1 kB"), (99_000, "99 kB"), (3.8e6, "3.8 MB"), (131e6, "131 MB")]
)
def test_a_size_is_told_in_what_shows_it(num_bytes, said):
    assert in_mb(num_bytes) == said
