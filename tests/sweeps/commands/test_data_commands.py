"""`dfkd data scan` and `dfkd data mixtures` on a small corpus."""

import json

import pytest
from layout_trees import clean_noise

from sweeps.cli import run


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    clean_noise(tmp_path / "corpus")
    return tmp_path / "corpus"


def config(corpus):
    path = corpus.parent / "config.yaml"
    path.write_text(f"data: {{corpus: {corpus}, segment_s: 0.5, train_hours: 0.001, clipping: 1, validation_clips: 4}}")
    return str(path)


def test_a_scan_says_what_was_found_in_every_split(corpus, capsys):
    assert run(["data", "scan", str(corpus)]) == 0
    said = capsys.readouterr().out
    assert "read headers: 8 done" in said
    assert "manifest.csv: 8 clips" in said
    assert "valid noise: 1 clips, 0.00 h, 1 labels" in said
    assert (corpus / "manifest.csv").is_file()


def test_a_second_scan_says_first_that_it_reads_the_manifest_and_what_that_lacks(corpus, capsys):
    assert run(["data", "scan", str(corpus)]) == 0
    added = next((corpus / "clean").rglob("*.wav"))
    added.with_stem("added").write_bytes(added.read_bytes())
    capsys.readouterr()
    assert run(["data", "scan", str(corpus)]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("read headers")]
    place = next(i for i, line in enumerate(said) if "manifest.csv: 8 clips" in line)
    assert "added.wav" in " ".join(said[:place])


def test_a_manifest_that_is_read_as_it_is_stays_as_it_is(corpus):
    assert run(["data", "scan", str(corpus)]) == 0
    manifest = corpus / "manifest.csv"
    head, *rows = manifest.read_text().splitlines()
    mine = "\n".join([f"{head},transcript", *(f"{row},hello" for row in rows)]) + "\n"
    manifest.write_text(mine)
    assert run(["data", "scan", str(corpus)]) == 0 and manifest.read_text() == mine


def test_mixtures_are_written_out_and_rendered(corpus, tmp_path, capsys):
    out, audio = tmp_path / "list.jsonl", tmp_path / "audio"
    assert run(["data", "mixtures", config(corpus), "-o", str(out), "--epoch", "2", "--audio", str(audio)]) == 0
    head, *rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert (head["split"], head["epoch"], len(rows)) == ("train", 2, 7)
    assert all(row["clip_db"] for row in rows)
    assert {path.stem for path in (audio / "noisy").iterdir()} == {row["name"] for row in rows}
    assert "7 mixtures of 0.5 s" in capsys.readouterr().out


def test_the_test_split_is_not_listed(corpus, tmp_path, capsys):
    assert run(["data", "mixtures", config(corpus), "-o", str(tmp_path / "x"), "--split", "test"]) == 2
    assert "--split: must be train or valid" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
