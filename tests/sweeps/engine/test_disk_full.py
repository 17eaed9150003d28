"""A full disk is told apart from other failures, whoever wraps it."""

import errno
import os
from pathlib import Path

import pytest

from dfkd_core.errors import TrainingDiverged
from sweeps.engine.disk_full import is_disk_full, told_of_full_disk
from sweeps.engine.failures import FailureKind
from sweeps.engine.trainable import kind_of
from sweeps.stopped import SweepStopped


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


@pytest.mark.parametrize(("place", "named"), [((), "/runs/x"), (("/data/mlflow.db",), "/data/mlflow.db")])
def test_the_driver_says_which_disk_and_how_to_go_on(place, named):
    with pytest.raises(SweepStopped, match=f"no space left on the disk of {named}; free some; go on with") as said:  # noqa: SIM117
        with told_of_full_disk(Path("/runs/x")):
            raise failure(errno.ENOSPC, *place)
    assert said.value.state == "failed"


def test_other_errors_pass():
    with pytest.raises(PermissionError), told_of_full_disk(Path("/runs/x")):
        raise failure(errno.EACCES)
