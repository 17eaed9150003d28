"""The page of an evaluation: all that was found, and nothing that a name could smuggle in."""

import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from dfkd_core.metrics import METRICS
from dfkd_core.scoring.evaluation import ClipScores, Evaluation
from dfkd_core.scoring.model_scores import ModelScores
from sweeps.page.scores import scores_page

HOSTILE = '"><script>alert(1)</script>'


class Read(HTMLParser):
    """Tags by count, and the text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def evaluation(pesq):
    clips = [
        ClipScores(f"clip{i}{HOSTILE if i == 0 else ''}", f"s{i}", "rain", 5.0 * i, dict.fromkeys(METRICS, value))
        for i, value in enumerate(pesq)
    ]
    return Evaluation(tuple(clips))


@pytest.fixture
def scores():
    return ModelScores(f"m{HOSTILE}", "test", evaluation([2.5, 3.5, math.nan]), evaluation([1.5, 2.0, 1.0]), None, True)


def test_every_clip_and_mean_stands_on_the_page(scores):
    page = Read(scores_page(scores))
    text = " ".join(page.words)
    assert "3 whole files, all there are" in text
    assert "pesq_wb (MOS" in text or "pesq_wb" in text
    assert {"3.000", "1.500", "2.500", "3.500", "-"} <= set(page.words)
    assert page.tags.count("circle") == 2 * 2  # a clip without a score is in no drawing
    assert page.tags.count("table") == 4
    assert {"1.5", "2", "2.5", "3", "3.5"} <= set(page.words)  # an axis's round numbers


def test_a_probe_has_a_table_of_its_own(scores):
    abroad = ModelScores(f"probe {HOSTILE}", "test", evaluation([2.25]), evaluation([1.25]), None)
    page = Read(scores_page(replace(scores, probes={"abroad": abroad})))
    assert f"probe {HOSTILE}" in page.words and {"2.250", "1.250"} <= set(page.words)
    assert page.tags.count("table") == 5 and "script" not in page.tags


def test_by_how_much_the_model_is_better_than_another_stands_below_its_mean():
    scores, other = (
        ModelScores(name, "test", evaluation([value] * 12), evaluation([1.5] * 12))
        for name, value in (("m", 3), ("o", 2))
    )
    words = Read(scores_page(scores, [other])).words
    assert words[words.index("o") + 1 :][:2] == ["2.000", "+1.000 (1.000 to 1.000)"]


def test_names_stay_text(scores):
    page = scores_page(scores)
    assert "script" not in Read(page).tags and HOSTILE in "".join(Read(page).words)
    assert "default-src 'none'" in page


def test_clips_without_any_score_have_no_drawing():
    empty = evaluation([math.nan, math.nan])
    assert "svg" not in Read(scores_page(ModelScores("m", "test", empty, empty))).tags
