"""Scores of single clips, kept beside a trial's result."""

import math

import pytest

from dfkd_core.scoring.clip_table import CLIPS, ClipTable


def test_a_table_reads_back_as_it_was_and_an_undefined_score_stays_undefined(tmp_path):
    table = ClipTable(("a", "b"), ("x", "y"), {"val/stoi": (0.5, math.nan), "val/pesq_wb": (1.25, 2.0)})
    table.write(tmp_path)
    back = ClipTable.read(tmp_path)
    assert (back.names, back.clusters, back.scores["val/pesq_wb"]) == (table.names, table.clusters, (1.25, 2.0))
    assert back.scores["val/stoi"][0] == 0.5 and math.isnan(back.scores["val/stoi"][1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"clips": ["a"], "clusters": ["x"], "scores": {"m": [1, 2]}}',
        '{"clips": ["a"], "clusters": ["x"], "scores": {"m": ["one"]}}',
        '{"clips": ["a"], "clusters": ["x"], "scores": [1]}',
    ],
)
def test_a_damaged_table_is_no_table(tmp_path, text):
    (tmp_path / CLIPS).write_text(text)
    assert ClipTable.read(tmp_path) is None


def test_a_folder_without_one_has_none(tmp_path):
    assert ClipTable.read(tmp_path) is None
