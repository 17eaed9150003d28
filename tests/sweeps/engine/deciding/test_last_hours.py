"""A budget of hours alone, on a clock of the test's own: what begins, what waits, what is ended."""

import heapq
import time

import optuna
import pytest
from closed_form import PARAMS, QUALITY, Curve, sweep

from sweeps.definition.spec import SweepSpec
from sweeps.engine.deciding.conductor import Conductor
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState

EPOCHS = 4


class Quiet:
    """A tracker and a lock that have nothing to say."""

    session = "session"

    def __getattr__(self, name):
        return lambda *arguments, **named: None


class Sweep:
    """A sweep of hours on a clock that stands still until it is set; an epoch takes 60 + 600 size seconds."""

    def __init__(self, folder, monkeypatch):
        self.now, self.folder, self.monkeypatch = 0.0, folder, monkeypatch
        self.study = optuna.create_study(directions=["minimize"] * 2)
        monkeypatch.setattr(time, "time", lambda: self.now)

    def conductor(self, hours, spent_s=0.0, **changes):
        budget = {"hours": hours, "epochs_per_trial": EPOCHS}
        self.spec = SweepSpec.model_validate(sweep(**{"budget": budget, **changes}))
        ledger = Ledger(self.study, self.spec, self.folder)
        started = self.now

        def left_s():
            return 3600 * hours - spent_s - (self.now - started)

        parts = (self.folder, Quiet(), Quiet(), lambda number: number, left_s, lambda *told: None)
        return Conductor(ledger, Curve, *parts)

    def work(self, conductor, num_workers=2, until_s=float("inf")):
        """Until there is nothing left, or a driver dies; returns when it was over."""
        events, free = [], num_workers
        while not conductor.is_done and self.now < until_s:
            while free and (assignment := conductor.next()) is not None:
                conductor.started(assignment.number)
                done = conductor.ledger.record(assignment.number).epochs
                self.later(events, assignment, done + 1)
                free -= 1
            if not events:
                break
            self.now, _, epoch, assignment = heapq.heappop(events)
            curve = Curve(assignment.config)
            curve.epoch = epoch - 1
            if conductor.report(assignment.number, epoch, curve.step()):
                self.later(events, assignment, epoch + 1)
            else:
                free += 1
        return self.now

    def train(self, conductor, assignment):
        """To its end, in no time."""
        conductor.started(assignment.number)
        curve = Curve(assignment.config)
        for epoch in range(1, EPOCHS + 1):
            conductor.report(assignment.number, epoch, curve.step())

    def later(self, events, assignment, epoch):
        due = self.now + 60 + 600 * assignment.config["size"]
        heapq.heappush(events, (due, assignment.number, epoch, assignment))


@pytest.fixture
def timed(tmp_path, monkeypatch):
    return Sweep(tmp_path, monkeypatch)


def states(conductor):
    return [record.state for record in conductor.ledger.records()]


def test_hours_alone_end_a_sweep_in_time_with_nothing_half_done(timed):
    """What was drawn last and would not end in time waits for more hours, and comes first then."""
    conductor = timed.conductor(hours=8)
    ended_s = timed.work(conductor)
    assert 0.8 * 8 * 3600 < ended_s <= 8 * 3600
    assert conductor.is_finished and conductor.is_out_of_time
    found = states(conductor)
    assert found.count(TrialState.COMPLETE) > 10
    waiting = [record for record in conductor.ledger.records() if record.state is TrialState.WAITING]
    assert waiting and all(record.epochs == 0 for record in waiting), "none was begun and left"
    later = timed.conductor(hours=12, spent_s=ended_s)
    assert later.next().number == waiting[0].number
    assert not later.is_done


def test_near_the_end_a_small_trial_begins_where_a_large_one_waits(timed):
    conductor = timed.conductor(hours=8)
    timed.work(conductor)
    sizes = {record.state: [] for record in conductor.ledger.records()}
    for record in conductor.ledger.records():
        sizes[record.state].append(record.params["size"])
    assert min(sizes[TrialState.WAITING]) > min(sizes[TrialState.COMPLETE])
    last = max(conductor.ledger.records(), key=lambda record: record.finished or 0.0)
    assert last.params["size"] < max(sizes[TrialState.WAITING])


def test_what_a_driver_left_unfinished_and_may_reach_the_front_is_ended_first(timed):
    first = timed.conductor(hours=8)
    timed.work(first, until_s=5 * 3600)
    left = {r.number for r in first.ledger.records() if r.state is TrialState.WAITING or r.finished is None}
    assert left, "the driver died at work"
    second = timed.conductor(hours=8, spent_s=timed.now)
    hopeless, hopeful = max(left), min(left)
    second.hours.may_reach_front = lambda number: number != hopeless
    assert second.next().number == hopeful


def test_a_trial_that_no_end_of_its_curve_would_bring_to_the_front_is_told_from_one_that_may(timed):
    conductor = timed.conductor(hours=50)
    timed.work(conductor, until_s=6 * 3600)
    good, bad = conductor.next(), conductor.next()
    for assignment, quality in ((good, 0.6), (bad, 0.01)):
        conductor.started(assignment.number)
        conductor.report(assignment.number, 1, {QUALITY: quality, PARAMS: 1.9e6})
    assert conductor.hours.may_reach_front(good.number)
    assert not conductor.hours.may_reach_front(bad.number)


def test_when_nothing_more_can_begin_a_stopped_trial_that_may_reach_the_front_goes_on(timed):
    """Its worker would idle: early stopping saves nothing any more."""
    conductor = timed.conductor(hours=50, scheduler={"name": "pareto_asha", "min_epochs": 1})
    timed.work(conductor, until_s=6 * 3600)
    conductor._should_stop_early = lambda *arguments: True
    first, second, third = (conductor.next() for _ in range(3))
    for assignment in (first, second, third):
        conductor.started(assignment.number)
    assert not conductor.report(first.number, 1, {QUALITY: 0.6, PARAMS: 1.9e6})
    conductor.is_full = True
    assert conductor.report(second.number, 1, {QUALITY: 0.6, PARAMS: 1.9e6})
    assert not conductor.report(third.number, 1, {QUALITY: 0.01, PARAMS: 1.9e6})


def test_a_space_that_has_been_tried_whole_ends_the_sweep_before_its_hours(timed):
    conductor = timed.conductor(hours=500, space={"x": {"values": [0.1, 0.4]}, "size": {"values": [0.1, 0.5]}})
    timed.work(conductor)
    assert states(conductor).count(TrialState.COMPLETE) == 4
    assert conductor.is_done and conductor.is_finished


def test_a_space_that_is_used_up_ends_a_sweep_of_more_trials_in_one_line(timed):
    """None is tried twice, a trial that has to begin again still does, and nothing is left for a later driver."""
    space = {"x": {"values": [0.1, 0.4, 0.7]}, "size": {"values": [0.1, 0.5]}}
    budget = {"trials": 40, "epochs_per_trial": EPOCHS}
    conductor = timed.conductor(hours=500, space=space, budget=budget)
    at_work = [conductor.next() for _ in range(6)]
    assert conductor.next() is None and conductor.num_unbegun == 0 and not conductor.is_done
    assert list(conductor.notes) == ["every configuration of the space has been tried, in 6 trials"]
    conductor.withdraw(at_work[2].number)
    assert conductor.next().number == at_work[2].number
    for assignment in at_work:
        timed.train(conductor, assignment)
    assert conductor.next() is None and conductor.is_done and conductor.is_finished
    assert len(conductor.notes) == 1 and states(conductor) == [TrialState.COMPLETE] * 6
    assert {(r.params["x"], r.params["size"]) for r in conductor.ledger.records()} == {
        (x, size) for x in (0.1, 0.4, 0.7) for size in (0.1, 0.5)
    }
    assert timed.conductor(hours=500, space=space, budget=budget).next() is None


def test_a_space_that_the_budget_goes_through_whole_is_trained_to_the_end(timed):
    """A trial that is stopped there has had its turn."""
    space = {"x": {"values": [0.1, 0.2, 0.4, 0.7, 0.9]}, "size": {"values": [0.1, 0.3, 0.5]}}
    ends = []
    for trials in (15, 14):
        budget = {"trials": trials, "epochs_per_trial": EPOCHS}
        timed.study = optuna.create_study(directions=["minimize"] * 2)
        conductor = timed.conductor(hours=500, space=space, budget=budget, scheduler={"name": "pareto_asha"})
        while assignment := conductor.next():
            timed.train(conductor, assignment)
        ends.append(TrialState.PRUNED in states(conductor))
    assert ends == [False, True]


def test_a_worker_that_has_waited_too_long_is_told(timed):
    """A trial is handed out before a worker is free."""
    conductor = timed.conductor(hours=8)
    timed.work(conductor, until_s=2 * 3600)
    assignment = conductor.next()
    assert not conductor.must_wait(assignment.number)
    timed.now = 8 * 3600 - 60
    assert conductor.must_wait(assignment.number)
