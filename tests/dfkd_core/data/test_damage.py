import logging

import pytest

from dfkd_core.data.damage import tolerate
from dfkd_core.errors import DataError


def test_under_one_percent_is_named_counted_and_skipped(caplog):
    with caplog.at_level(logging.WARNING):
        tolerate({"a.flac": "a.flac: holds no samples"}, 101, "corpus")
    assert "skipped: a.flac: holds no samples" in caplog.text
    assert "1 of 101 files (1.0%) cannot be used and were skipped" in caplog.text


def test_one_percent_is_refused_with_the_first_file_named():
    with pytest.raises(DataError, match=r"corpus: 1 of 100 files \(1\.0%\) cannot be used, .*a\.flac"):
        tolerate({"a.flac": "a.flac: holds no samples"}, 100, "corpus")


def test_an_intact_corpus_is_not_spoken_of(caplog):
    tolerate({}, 0, "corpus")
    assert not caplog.records
