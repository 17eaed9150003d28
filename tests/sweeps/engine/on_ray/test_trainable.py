"""A worker's step: what is raised in it is told with its kind."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps.engine.deciding.failures import FailureKind
from sweeps.engine.deciding.inputs import NodeDiffers
from sweeps.engine.on_ray import trainable
from sweeps.engine.on_ray.trainable import TrialError, TrialRunner


def stepping(tmp_path, raised):
    """A worker whose step raises."""
    runner = TrialRunner.__new__(TrialRunner)
    runner.order, runner.files = SimpleNamespace(folder=tmp_path), SimpleNamespace(path=Path(tmp_path))

    def step():
        raise raised

    runner._step = step
    return runner


@pytest.mark.parametrize("code", [0, 3, "no licence for this machine"])
def test_sys_exit_in_a_trial_is_an_error_of_its_code(tmp_path, code):
    """Not a lost worker, and no want of memory."""
    with pytest.raises(TrialError) as caught:
        stepping(tmp_path, SystemExit(code)).step()
    assert caught.value.kind == FailureKind.ERROR
    assert caught.value.reason.startswith(f"SystemExit: {code} (test_trainable.py:")
    assert "SystemExit" in (tmp_path / "log.txt").read_text()


def test_a_worker_that_is_told_to_go_goes(tmp_path):
    told = SystemExit(1)
    told.ray_terminate_msg = "The process receives a SIGTERM."
    with pytest.raises(SystemExit):
        stepping(tmp_path, told).step()


@pytest.fixture
def node(monkeypatch):
    context = SimpleNamespace(get_node_id=lambda: "1a2b3c4d5e6f")
    monkeypatch.setattr(trainable.ray, "get_runtime_context", lambda: context)


def test_what_a_node_lacks_is_told_with_its_name(tmp_path, node):
    with pytest.raises(TrialError, match=r"\(node 1a2b3c4d\) lacks the corpus") as caught:
        stepping(tmp_path, NodeDiffers("lacks the corpus")).step()
    assert (caught.value.kind, caught.value.node) == (FailureKind.NODE_DIFFERS, "1a2b3c4d5e6f")


def test_a_node_that_does_not_see_the_sweep_folder_is_no_place_for_trials(tmp_path, node):
    """One that joins late was not asked at the start."""
    with pytest.raises(TrialError, match=r"does not see .*/elsewhere; mend it there") as caught:
        stepping(tmp_path / "elsewhere", RuntimeError("never reached")).step()
    assert caught.value.kind == FailureKind.NODE_DIFFERS
