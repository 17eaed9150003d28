"""However a worker is lost, it costs its trial an attempt and not the sweep its life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ray.air.execution._internal import RayActorManager
from ray.exceptions import RayActorError, RayError, RayTaskError

HEARD_BY = ("_actor_start_failed", "_actor_task_failed")  # methods of Tune's actor manager


@contextmanager
def losses_told_as_actors() -> Iterator[None]:
    """While entered, Tune takes every error of Ray's own, outside the workload's code, for a worker's death.

    Tune 2.60 knows RayActorError and RayTaskError alone. It ends its whole run at the first OutOfMemoryError, which
    is what a worker's future holds after Ray's memory monitor has killed the worker.
    """
    originals = {name: getattr(RayActorManager, name) for name in HEARD_BY}
    for name, original in originals.items():
        setattr(RayActorManager, name, _translated(original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(RayActorManager, name, original)


def _translated(original: Callable[..., None]) -> Callable[..., None]:
    def heard(manager: RayActorManager, *, exception: Exception, **subject: Any) -> None:
        original(manager, exception=as_actor_error(exception), **subject)

    return heard


def as_actor_error(error: Exception) -> Exception:
    """The same news as the death of an actor, unless Tune knows what to do with it."""
    is_unknown = isinstance(error, RayError) and not isinstance(error, RayActorError | RayTaskError)
    return RayActorError(error_msg=f"{type(error).__name__}: {error}") if is_unknown else error
