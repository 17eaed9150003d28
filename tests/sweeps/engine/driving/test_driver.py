"""What drivers share: a full disk under the driver itself is told with its place and the way on."""

import errno
import os
from pathlib import Path

import pytest

from sweeps import SweepStopped
from sweeps.engine.driving.driver import told_of_full_disk


def failure(number, *place):
    return OSError(number, os.strerror(number), *place)


@pytest.mark.parametrize(("place", "named"), [((), "/runs/x"), (("/data/mlflow.db",), "/data/mlflow.db")])
def test_the_driver_says_which_disk_and_how_to_go_on(place, named):
    with pytest.raises(SweepStopped, match=f"no space left on the disk of {named}; free some; go on with") as said:  # noqa: SIM117
        with told_of_full_disk(Path("/runs/x")):
            raise failure(errno.ENOSPC, *place)
    assert said.value.state == "failed"


def test_other_errors_pass():
    with pytest.raises(PermissionError), told_of_full_disk(Path("/runs/x")):
        raise failure(errno.EACCES)
