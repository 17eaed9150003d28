"""What the bench says of sliced starts, on rows whose answer is known."""

import pytest

from benchmarks import sliced_starts


def row(start, scores, *, width=0.25, seconds=60.0, abroad=None):
    values = {"student.width": width, "seed": 0, "training.start_from": start}
    curves = {"val/pesq_wb": scores, "probe/abroad/pesq_wb": abroad or scores}
    return {"values": values, "scores": curves, "cpu_s": [seconds / len(scores)] * len(scores)}


def test_epochs_are_those_to_the_random_start_s_last_score():
    drawn = row(None, [1.2, 1.6, 1.5, 1.4])
    assert sliced_starts.epochs_ratio(row("own-dccrn", [1.3, 1.4, 1.3, 1.5]), drawn) == 2 / 4


def test_a_slice_that_never_comes_there_counts_as_an_epoch_more():
    drawn = row(None, [1.2, 1.4])
    assert sliced_starts.epochs_ratio(row("own-dccrn", [1.3, 1.39]), drawn) == 3 / 2


def test_only_rows_that_differ_in_their_start_alone_are_pairs():
    rows = [row("own-dccrn", [1.4]), row(None, [1.3]), row("own-dccrn", [1.5], width=0.5), row(None, [1.2], width=0.1)]
    assert sliced_starts.pairs_of(rows) == [(rows[0], rows[1])]


def test_the_lines_of_the_bench(monkeypatch):
    rows = [row("own-dccrn", [1.4, 1.5], seconds=100.0), row(None, [1.3, 1.4], seconds=80.0, abroad=[1.3, 1.6])]
    monkeypatch.setattr(sliced_starts, "read_table", lambda: rows)
    lines = {line["name"].strip(): line for line in sliced_starts.run()}
    whole = lines["epochs to equal quality, sliced against random (1 pairs)"]
    assert whole["value"] == 0.5 and whole["holds"] is False
    assert lines["by the probe"]["value"] == 1.5
    share = lines["the parent's share of a sweep of 16 of the table's trials"]["value"]
    assert share == pytest.approx(100 * 9600 / (9600 + 1600))
    assert lines["trials after which its training has been saved"]["value"] == pytest.approx(9600 / 40)
