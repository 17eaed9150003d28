"""What Tune hears of a lost worker: an error that it knows."""

import pytest
from ray.air.execution._internal import RayActorManager
from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayActorError, RayTaskError

from sweeps.engine.deciding.failures import FailureKind
from sweeps.engine.on_ray.scheduler import failure_of
from sweeps.engine.on_ray.worker_losses import HEARD_BY, as_actor_error, losses_told_as_actors

MEMORY = OutOfMemoryError("1 worker(s) were killed due to the node running low on memory.")


@pytest.mark.parametrize("error", [MEMORY, NodeDiedError("node 3 died")])
def test_rays_other_errors_become_an_actors_death_with_their_text(error):
    told = as_actor_error(error)
    assert isinstance(told, RayActorError)
    assert str(told) == f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(
    "error", [ActorDiedError(), RayTaskError("step", "Traceback", ValueError("x")), KeyError("of the driver's own")]
)
def test_what_tune_knows_and_what_is_not_rays_stays_as_it_is(error):
    assert as_actor_error(error) is error


def test_lack_of_memory_is_still_told_as_such():
    assert failure_of(as_actor_error(MEMORY)).kind is FailureKind.OUT_OF_MEMORY


@pytest.mark.parametrize("name", HEARD_BY)
def test_tunes_actor_manager_hears_it_while_a_sweep_runs_and_is_left_as_it_was(name, monkeypatch):
    heard = []
    monkeypatch.setattr(RayActorManager, name, lambda manager, *, exception, **subject: heard.append(exception))
    before = getattr(RayActorManager, name)
    with losses_told_as_actors():
        getattr(RayActorManager, name)(None, exception=MEMORY, tracked_actor=None)
    assert isinstance(heard[0], RayActorError)
    assert getattr(RayActorManager, name) is before
