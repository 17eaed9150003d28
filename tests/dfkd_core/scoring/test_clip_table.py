"""Scores of single clips, kept beside a trial's result."""

import math

import pytest

from dfkd_core.scoring.clip_table import CLIPS, ClipTable
from dfkd_core.scoring.confidence import Crossing


def test_a_table_reads_back_as_it_was_and_an_undefined_score_stays_undefined(tmp_path):
    table = ClipTable(
        ("a", "b"),
        Crossing(("x", "y"), ("n", "m"), (5.0, math.nan)),
        {"val/stoi": (0.5, math.nan), "val/pesq_wb": (1.25, 2.0)},
    )
    table.write(tmp_path)
    back = ClipTable.read(tmp_path)
    assert (back.names, back.crossing.speakers, back.scores["val/pesq_wb"]) == (table.names, ("x", "y"), (1.25, 2.0))
    assert back.crossing.noise_families == ("n", "m") and back.crossing.snr_db[0] == 5.0
    assert math.isnan(back.crossing.snr_db[1])
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


def test_a_table_that_names_clusters_is_read_as_speakers_and_noises(tmp_path):
    text = '{"clips": ["a", "b"], "clusters": ["anna x rain", "bert"], "scores": {"m": [1, 2]}}'
    (tmp_path / CLIPS).write_text(text)
    assert ClipTable.read(tmp_path).crossing == Crossing(("anna", "bert"), ("rain", ""))


def test_the_noises_may_lack_their_snrs(tmp_path):
    text = '{"clips": ["a"], "speakers": ["anna"], "noise_families": ["rain"], "scores": {"m": [1]}}'
    (tmp_path / CLIPS).write_text(text)
    assert ClipTable.read(tmp_path).crossing == Crossing(("anna",), ("rain",))
