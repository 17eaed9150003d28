"""One Ray Tune run over a conductor: Tune spreads the work, and knows nothing else."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import ray
from ray import tune
from ray._private.state import available_resources_per_node
from ray.actor import ActorHandle
from ray.air._internal import usage
from ray.exceptions import RayError
from ray.tune import PlacementGroupFactory
from ray.tune.error import TuneError
from ray.tune.experiment import Trial
from ray.tune.progress_reporter import TrialProgressCallback

from cluster.demand import asking
from cluster.resources import num_slots, outside
from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.deciding.serving import Serving
from sweeps.engine.on_ray.by_value import by_value
from sweeps.engine.on_ray.filling import Filling
from sweeps.engine.on_ray.scheduler import LedgerScheduler
from sweeps.engine.on_ray.searcher import LedgerSearcher
from sweeps.engine.on_ray.trainable import TrialRunner, WorkOrder
from sweeps.engine.on_ray.trial_desk import start_keeper
from sweeps.engine.on_ray.worker_losses import losses_told_as_actors
from sweeps.record.ledger import SERVED_NODES

WATCH_S = 0.25
NEWS_S, LAST_NEWS_S = 2.0, 5.0  # between two questions to the keeper; how long its last answer is waited for
# Tune's own records, loggers and handlers are off: the ledger, the spool and the driver do their work.
SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    "TUNE_WARN_THRESHOLD_S": "60",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
}

REFUSED = ("TUNE_RESULT_DIR", "RAY_AIR_LOCAL_CACHE_DIR")  # left over from other tools; Tune raises where it finds them


class DriverCallback(TrialProgressCallback):  # type: ignore[misc]
    """Tells the conductor of starts, kills trials past their time, and lets the driver look around.

    `ask` hears for how many trials there should be room; `keeper` knows what nodes have to tell.

    It stands in for Tune's own progress callback, which would print beside the sweep's display.
    """

    def __init__(
        self,
        conductor: Conductor,
        scheduler: LedgerScheduler,
        watch: Callable[[Conductor], None],
        ask: Callable[[int], None],
        keeper: ActorHandle | None = None,
    ) -> None:
        super().__init__()
        self._conductor, self._scheduler, self._watch, self._ask = conductor, scheduler, watch, ask
        self._next_watch = 0.0
        self._keeper, self._num_heard, self._next_news_s = keeper, 0, 0.0
        self._question: Any = None  # to the keeper, on its way
        self._first_nodes = {node["NodeID"] for node in ray.nodes()} if keeper is not None else set()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """A worker has taken the trial up."""
        self._conductor.started(trial.config["number"])

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Called by Tune after every event, and ten times a second without any."""
        if time.monotonic() < self._next_watch:
            return
        for number in self._conductor.overdue(time.monotonic()):
            self._kill(number, trials)
        self._stop_without_nodes()
        self._hear()
        self._ask(self._conductor.num_usable)
        self._watch(self._conductor)
        self._next_watch = time.monotonic() + WATCH_S

    def on_trial_result(self, *arguments: Any, **info: Any) -> None:
        """Nothing: the scheduler has heard it."""

    on_trial_error = on_trial_complete = on_trial_result

    def on_experiment_end(self, trials: list[Trial], **info: Any) -> None:
        """Hear the last news."""
        if self._keeper is not None:
            self._next_news_s = 0.0
            self._hear(LAST_NEWS_S)
            self._watch(self._conductor)

    def _hear(self, patience_s: float = 0.0) -> None:
        """What nodes have told the keeper. Which of the first nodes do not see the folder is known."""
        if self._keeper is not None and self._question is None and time.monotonic() > self._next_news_s:
            self._question, self._next_news_s = self._keeper.news.remote(self._num_heard), time.monotonic() + NEWS_S
        if self._question is None or not ray.wait([self._question], timeout=patience_s)[0]:
            return
        with suppress(RayError):  # a keeper that has died is started again
            self._num_heard, heard = ray.get(self._question)
            for about, news in heard.items():
                if isinstance(news, Serving):
                    self._conductor.notes.append(str(news))
                    if news.is_over:
                        self._conductor.ledger.set_attr(SERVED_NODES + about, asdict(news))
                elif news.node_id not in self._first_nodes:
                    how = "its trials hand each checkpoint to this driver's side, which writes it"
                    self._conductor.notes.append(f"{news.name} does not see {self._conductor.folder}: {how}")
        self._question = None

    def _stop_without_nodes(self) -> None:
        """Where every node that could hold a trial is kept out, and none is at work, nothing would ever happen."""
        kept_out, live = self._conductor.kept_out, self._conductor.live.values()
        if not kept_out or self._conductor.is_ending or any(assignment.started is not None for assignment in live):
            return
        left = [node for node in ray.nodes() if node["NodeID"] not in kept_out]
        if not num_slots(self._conductor.spec.resources.bundle, left):
            self._conductor.stop(f"no node is left that has what trials need: {'; '.join(kept_out.values())}")

    def _kill(self, number: int, trials: list[Trial]) -> None:
        """End a worker that does not come back; Tune reports its death as the trial's error."""
        for trial in reversed(trials):
            actor = trial.temporary_state.ray_actor
            if trial.config["number"] == number and actor is not None and number not in self._scheduler.timed_out:
                self._scheduler.timed_out.add(number)
                ray.kill(actor)
                return

    def get_state(self) -> None:
        """Nothing for Tune to save."""

    def setup(self, *arguments: Any, **info: Any) -> None:
        """Nothing to set up."""


def run_trials(conductor: Conductor, watch: Callable[[Conductor], None], is_own_ray: bool) -> None:
    """Work until the conductor has nothing left; raises what the driver's own parts raise."""
    os.environ.update({name: os.environ.get(name, value) for name, value in SETTINGS.items()})
    for name in REFUSED:
        os.environ.pop(name, None)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # it names failed trials by ids of its own
    wanted, limit = conductor.spec.resources.bundle, conductor.spec.resources.max_concurrent
    # One trial waits ready for the next free worker, so that no worker idles: it counts towards the limit, and where
    # Ray's own resources keep to the limit there is no need to count.
    if limit is not None and is_own_ray and num_slots(wanted, ray.nodes()) <= limit:
        limit = None
    lock = conductor.lock
    place, workload = (conductor.folder, lock.folder, lock.session), by_value(conductor.workload)
    keeper = None if is_own_ray else start_keeper(*place, workload, conductor.inputs.epochs)
    order = WorkOrder(*place, workload, conductor.inputs, keeper)
    scheduler = LedgerScheduler(conductor, Filling(lambda: free_slots(wanted, conductor.kept_out)))

    def asked_for(config: dict[str, Any]) -> PlacementGroupFactory:
        selector = outside(config["kept_out"])
        return PlacementGroupFactory([wanted], **({"bundle_label_selector": [selector]} if selector else {}))

    try:
        with losses_told_as_actors(), callbacks_not_counted(), asking(lock.session, wanted, is_own_ray) as ask:
            ask(conductor.num_usable)
            tune.run(
                tune.with_resources(tune.with_parameters(TrialRunner, order=order), asked_for),
                name=lock.session,
                storage_path=str(conductor.folder / ".tune"),
                search_alg=LedgerSearcher(conductor, limit),
                scheduler=scheduler,
                callbacks=[DriverCallback(conductor, scheduler, watch, ask, keeper)],
                num_samples=-1,
                reuse_actors=True,
                max_failures=0,
                raise_on_failed_trial=False,
                trial_dirname_creator=lambda trial: f"{trial.config['number']:04d}-{trial.trial_id}",
                verbose=0,
            )
    except TuneError:
        if scheduler.crash is not None:
            raise scheduler.crash from None
        raise


@contextmanager
def callbacks_not_counted() -> Iterator[None]:
    """While entered, Tune does not count callbacks by kind, for which it would import mlflow, seconds and 100 MiB."""
    original, usage.tag_callbacks = usage.tag_callbacks, lambda callbacks: False
    try:
        yield
    finally:
        usage.tag_callbacks = original


def free_slots(wanted: Mapping[str, float], kept_out: Container[str]) -> int:
    """How many more trials the cluster's nodes have room for, as Ray knew about a second ago."""
    free = available_resources_per_node()
    return num_slots(wanted, [{"Alive": True, "Resources": free[node]} for node in free if node not in kept_out])
