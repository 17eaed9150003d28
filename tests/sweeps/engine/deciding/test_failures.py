"""A full disk is told apart from other failures, whoever wraps it."""

import errno
import os

import pytest

from dfkd_core.errors import TrainingDiverged
from sweeps.engine.deciding.failures import FailureKind, is_disk_full, kind_of


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
