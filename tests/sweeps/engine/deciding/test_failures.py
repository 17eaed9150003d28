"""A full disk is told apart from other failures, whoever wraps it."""

import errno
import os

import pytest

from dfkd_core.errors import TrainingDiverged
from sweeps.engine.deciding.failures import FailureKind, in_words, is_disk_full, kind_of


def failure(number, *place):
    return OSError(number, os.strerror(number), *place)


@pytest.mark.parametrize(
    "error",
    [
        failure(errno.ENOSPC),
        failure(errno.EDQUOT, "/data/x"),
        RuntimeError("[enforce fail at inline_container.cc] No space left on device"),
    ],
)
def test_room_that_is_missing_is_a_full_disk(error):
    assert is_disk_full(error)
    assert kind_of(error) is FailureKind.DISK_FULL


@pytest.mark.parametrize("error", [failure(errno.EACCES), ValueError("28"), TrainingDiverged("nan")])
def test_anything_else_is_not(error):
    assert not is_disk_full(error)
    assert kind_of(error) is not FailureKind.DISK_FULL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no such file: '\udce4.wav'", r"no such file: '\udce4.wav'"),
        ("\x1b[36mray::TrialRunner\x1b[39m failed\x1b[0K", "ray::TrialRunner failed"),
        ("two\r\nlines\tand\x00a null", "two lines and a null"),
        ("größer 5 \u2265 4", "größer 5 \u2265 4"),
    ],
)
def test_a_reason_is_words_that_every_file_takes(text, words):
    assert in_words(text) == words
    in_words(text).encode()
