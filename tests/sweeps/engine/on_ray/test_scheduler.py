"""Between Tune and the conductor: what an exception says of a trial, and who runs next."""

from types import SimpleNamespace

import pytest
from ray.exceptions import ActorDiedError, NodeDiedError, OutOfMemoryError, RayActorError, RayTaskError
from ray.tune.experiment import Trial

from sweeps.engine.deciding.failures import FailureKind
from sweeps.engine.on_ray.filling import Filling
from sweeps.engine.on_ray.scheduler import LedgerScheduler, failure_of, trial_metrics
from sweeps.engine.on_ray.trainable import TrialError


def task_error(cause):
    return RayTaskError("step", f"Traceback ...\n{cause}", cause)


@pytest.mark.parametrize("kind", [FailureKind.ERROR, FailureKind.DIVERGED])
def test_what_the_workload_raised_comes_with_its_kind_and_reason(kind):
    failure = failure_of(task_error(TrialError(kind, "RuntimeError: planted (work.py:3)")))
    assert (failure.kind, failure.reason) == (kind, "RuntimeError: planted (work.py:3)")


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("Task was killed due to the node running low on memory."),
        RayActorError(error_msg="The actor died because its worker was killed under memory pressure"),
    ],
)
def test_a_worker_killed_for_memory_is_told_with_a_remedy(error):
    failure = failure_of(error)
    assert failure.kind is FailureKind.OUT_OF_MEMORY
    assert "smaller batch" in failure.reason


@pytest.mark.parametrize("error", [RayActorError(), ActorDiedError(), NodeDiedError("node 3 died"), None])
def test_a_worker_or_node_that_went_away_is_lost(error):
    failure = failure_of(error)
    assert failure.kind is FailureKind.LOST
    assert "\n" not in failure.reason


def test_a_killed_worker_is_told_with_its_place_and_what_to_look_for():
    text = "The actor died unexpectedly before finishing this task.\n\tactor_id: e25b\n\tpid: 4779\n\tip: 127.0.0.1"
    failure = failure_of(RayActorError(error_msg=text))
    assert failure.kind is FailureKind.LOST
    assert "process 4779 on 127.0.0.1 ended without an error: killed from outside" in failure.reason


def test_a_worker_that_cannot_start_is_an_error_with_its_last_line():
    """A module that is missing on the node, for example: trying it ten times on other workers would not help."""
    error = RayActorError(error_msg="Traceback\nModuleNotFoundError: No module named 'mine'", actor_init_failed=True)
    failure = failure_of(error)
    assert failure.kind is FailureKind.ERROR
    assert failure.reason == "a worker could not start: ModuleNotFoundError: No module named 'mine'"


def test_an_error_outside_the_workload_is_an_error_in_one_line():
    failure = failure_of(task_error(ValueError("two\nlines")))
    assert failure.kind is FailureKind.ERROR
    assert "\n" not in failure.reason


def test_the_workloads_metrics_are_found_in_tunes_flat_result():
    result = {"metrics/val/quality": 0.5, "metrics/model/params": 1.0, "epoch": 3, "pid": 7, "where/node": "n"}
    assert trial_metrics(result) == {"val/quality": 0.5, "model/params": 1.0}


class FakeTrial:
    def __init__(self, number, status=Trial.PENDING, actor=None, kept_out=()):
        self.config, self.status = {"number": number, "kept_out": list(kept_out)}, status
        self.temporary_state = type("State", (), {"ray_actor": actor})


class FakeTune:
    def __init__(self, *trials):
        self.trials, self.stopped, self.cleaned, self.most = set(trials), [], 0, None
        self._trial_to_actor, self._actor_manager = {}, SimpleNamespace(pending_actors=[], num_live_actors=0)

    def get_live_trials(self):
        return self.trials

    def update_max_pending_trials(self, most):
        self.most = most

    def stop_trial(self, trial):
        self.stopped.append(trial.config["number"])

    def _cleanup_cached_actors(self, force_all):
        self.cleaned += force_all


def scheduler_of(conductor, free=0):
    """A scheduler on a cluster with so many free places."""
    return LedgerScheduler(conductor, Filling(lambda: free))


class FakeConductor:
    is_ending = False
    num_unbegun = 1

    def __init__(self):
        self.withdrawn, self.kept_out, self.late = [], {}, []

    def must_wait(self, number):
        return self.is_ending or number in self.late

    def withdraw(self, number):
        self.withdrawn.append(number)


def test_the_lowest_number_runs_next():
    scheduler = scheduler_of(FakeConductor())
    tune = FakeTune(FakeTrial(7), FakeTrial(3), FakeTrial(1, Trial.RUNNING))
    assert scheduler.choose_trial_to_run(tune).config["number"] == 3
    assert scheduler.choose_trial_to_run(FakeTune()) is None


def test_a_worker_that_is_freed_goes_to_a_trial_that_has_none_starting():
    """Tune would drop the one that starts for it."""
    starts, waits, new = FakeTrial(4), FakeTrial(5), FakeTrial(6)
    tune = FakeTune(starts, waits, new, FakeTrial(3, actor="taken up"))
    tune._trial_to_actor = {starts: "placed", waits: "without a place"}
    tune._actor_manager = SimpleNamespace(pending_actors=["without a place"], num_live_actors=9)
    assert scheduler_of(FakeConductor(), free=7).choose_trial_to_run(tune).config["number"] == 5
    assert tune.most == 2 + 7 + 1, "two are about to begin, seven places are free, and one more"
    tune.trials -= {waits, new}
    assert scheduler_of(FakeConductor()).choose_trial_to_run(tune).config["number"] == 3


@pytest.mark.parametrize(("trials", "num_unbegun", "let_go"), [((), 0, True), ((1,), 0, False), ((), 2, False)])
def test_a_worker_that_nothing_is_left_for_gives_its_place_back(trials, num_unbegun, let_go):
    """Else its node is never idle, and an autoscaler keeps it."""
    conductor = FakeConductor()
    conductor.num_unbegun = num_unbegun
    tune = FakeTune(FakeTrial(9, Trial.RUNNING), *map(FakeTrial, trials))
    scheduler_of(conductor).choose_trial_to_run(tune)
    assert bool(tune.cleaned) is let_go


def test_once_the_sweep_is_ending_trials_without_a_worker_go_back():
    """Else an interrupt would wait for one more epoch of each."""
    conductor = FakeConductor()
    conductor.is_ending = True
    tune = FakeTune(FakeTrial(7), FakeTrial(3), FakeTrial(2, actor="taken up"), FakeTrial(1, Trial.RUNNING))
    assert scheduler_of(conductor).choose_trial_to_run(tune).config["number"] == 2
    assert sorted(conductor.withdrawn) == sorted(tune.stopped) == [3, 7]


def test_a_trial_without_a_worker_that_would_no_longer_end_in_time_goes_back():
    conductor = FakeConductor()
    conductor.late = [1, 2]
    tune = FakeTune(FakeTrial(1), FakeTrial(2, actor="taken up"), FakeTrial(3))
    assert scheduler_of(conductor).choose_trial_to_run(tune).config["number"] == 3
    assert conductor.withdrawn == tune.stopped == [1]


def test_trials_that_still_ask_for_a_node_that_is_kept_out_go_back():
    conductor = FakeConductor()
    conductor.kept_out = {"bad": "lacks the corpus"}
    tune = FakeTune(FakeTrial(1), FakeTrial(2, actor="taken up"), FakeTrial(3, kept_out=["bad"]))
    assert scheduler_of(conductor).choose_trial_to_run(tune).config["number"] == 3
    assert conductor.withdrawn == tune.stopped == [1]


def test_what_a_node_lacks_comes_with_its_id():
    failure = failure_of(task_error(TrialError(FailureKind.NODE_DIFFERS, "box lacks the corpus", "1a2b")))
    assert (failure.kind, failure.reason, failure.node) == (FailureKind.NODE_DIFFERS, "box lacks the corpus", "1a2b")


def test_what_the_drivers_own_parts_raise_is_kept():
    class Full(FakeConductor):
        def report(self, *arguments):
            raise OSError("No space left on device")

    scheduler = scheduler_of(Full())
    with pytest.raises(OSError, match="No space"):
        scheduler.on_trial_result(None, FakeTrial(1), {"epoch": 1})
    assert isinstance(scheduler.crash, OSError)
