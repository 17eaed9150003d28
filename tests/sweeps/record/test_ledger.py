"""The ledger: states, numbers, what the sampler sees, and what is left after a death in the middle of any write."""

import itertools
import json
import math
import warnings

import optuna
import pytest
from closed_form import PARAMS, QUALITY, quality, sweep
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState as StudyState

from dfkd_core.errors import DFKDError
from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import JOURNAL, Ledger
from sweeps.record.trials import TrialState

EPOCHS, SHORT = 3, 5


def spec(trials=8, **changes):
    return SweepSpec.model_validate(sweep(trials, EPOCHS, **changes))


@pytest.fixture
def ledger(tmp_path):
    return Ledger.create(tmp_path, spec(), "id")


def metrics(params, epoch=EPOCHS):
    return {QUALITY: quality(params["x"], params["size"], epoch), PARAMS: 2e6 * params["size"]}


def work(ledger, number, params, epochs=EPOCHS):
    """What a driver writes while a trial runs."""
    ledger.start(number, "session")
    for epoch in range(1, epochs + 1):
        ledger.record_epoch(number, epoch, metrics(params, epoch))


def state_by_x(params):
    """Different ends for different trials, known from the params alone."""
    if params["x"] < 0.2:
        return TrialState.FAILED
    if params["x"] < 0.4:
        return TrialState.PRUNED
    return TrialState.INFEASIBLE if params["x"] > 0.9 else TrialState.COMPLETE


def play(ledger, number, params):
    """A whole trial."""
    state = state_by_x(params)
    work(ledger, number, params, 1 if state is TrialState.PRUNED else EPOCHS)
    violations = {"m <= 1": 0.5} if state is TrialState.INFEASIBLE else {"m <= 1": -0.5}
    ledger.finish(number, state, reason="planted" if state is TrialState.FAILED else None, violations=violations)


def finish_all(ledger, trials):
    """What a driver does with whatever it finds."""
    ledger.settle()
    for record in ledger.records():
        if not record.state.is_finished:
            play(ledger, record.number, ledger.again(record.number))
    while len(ledger.records()) < trials:
        play(ledger, *ledger.ask())
    return {record.number: (record.state, dict(record.params)) for record in ledger.records()}


def test_trials_are_numbered_from_zero_and_keep_what_was_written(ledger):
    for expected in range(3):
        number, params = ledger.ask()
        assert number == expected
        play(ledger, number, params)
        record = ledger.record(number)
        assert record.params == params
        assert record.state == state_by_x(params)
    assert [record.number for record in ledger.records()] == [0, 1, 2]
    assert ledger.num_finished() == 3


def test_fidelity_metrics_and_times_are_those_of_the_last_epoch(ledger):
    number, params = ledger.ask()
    work(ledger, number, params, 2)
    record = ledger.record(number)
    assert (record.epochs, record.fidelity) == (2, 2 / EPOCHS)
    assert record.metrics == metrics(params, 2)
    assert record.started is not None
    assert ledger.epochs(number) == {1: metrics(params, 1), 2: metrics(params, 2)}


def test_an_epoch_that_is_reported_again_keeps_its_time(ledger, monkeypatch):
    number, params = ledger.ask()
    monkeypatch.setattr("time.time", lambda: 100.0)
    assert ledger.record_epoch(number, 1, metrics(params, 1)) == 100.0
    monkeypatch.setattr("time.time", lambda: 200.0)
    assert ledger.record_epoch(number, 1, metrics(params, 1)) == 100.0
    assert ledger.record_epoch(number, 2, metrics(params, 2)) == 200.0
    assert ledger.epoch_times(number) == {1: 100.0, 2: 200.0}
    assert ledger.epochs(number) == {1: metrics(params, 1), 2: metrics(params, 2)}


def test_static_metrics_stand_for_epoch_zero(ledger):
    number, _ = ledger.ask()
    ledger.record_epoch(number, 0, {PARAMS: 5.0})
    assert (ledger.record(number).metrics, ledger.record(number).epochs) == ({PARAMS: 5.0}, 0)


def test_only_the_present_drivers_trials_are_running(ledger):
    first, _ = ledger.ask()
    second, _ = ledger.ask()
    ledger.start(first, "mine")
    ledger.start(second, "a dead driver's")
    assert [r.state for r in ledger.records("mine")] == [TrialState.RUNNING, TrialState.WAITING]
    assert [r.state for r in ledger.records()] == [TrialState.WAITING, TrialState.WAITING]


def test_the_first_start_is_the_start(ledger):
    number, _ = ledger.ask()
    ledger.start(number, "a")
    started = ledger.record(number).started
    ledger.start(number, "b")
    assert ledger.record(number).started == started


def test_forgiven_failures_are_counted_apart_and_stay_in_order(ledger):
    number, params = ledger.ask()
    work(ledger, number, params, 2)
    assert [ledger.note_event(number, "lost", f"death {n}") for n in range(12)] == list(range(1, 13))
    assert ledger.note_event(number, "error", "bug") == 1
    assert [event["reason"] for event in ledger.events(number, "lost")] == [f"death {n}" for n in range(12)]
    assert ledger.events(number, "error")[0]["epochs"] == 2


def test_the_study_is_told_what_samplers_can_use(ledger):
    """COMPLETE with its costs, PRUNED with a constraint, FAILED as failed, all minimised on the objectives' scales."""
    told = {}
    for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED):
        number, params = ledger.ask()
        work(ledger, number, params, 1 if state is TrialState.PRUNED else EPOCHS)
        ledger.finish(number, state)
        told[state] = (ledger.study.trials[number], params)
    complete, params = told[TrialState.COMPLETE]
    assert complete.state is StudyState.COMPLETE
    assert complete.values == [-metrics(params)[QUALITY], math.log(metrics(params)[PARAMS])]
    assert told[TrialState.PRUNED][0].state is StudyState.PRUNED
    assert all(value > 0 for value in told[TrialState.PRUNED][0].constraints.values())
    assert told[TrialState.FAILED][0].state is StudyState.FAIL


def test_a_measured_breach_is_told_with_costs_a_static_one_without(ledger):
    measured, params = ledger.ask()
    work(ledger, measured, params)
    ledger.finish(measured, TrialState.INFEASIBLE, violations={"m <= 1": 2.0})
    static, _ = ledger.ask()
    ledger.finish(static, TrialState.INFEASIBLE, violations={"m <= 1": 2.0})
    assert [t.state for t in ledger.study.trials] == [StudyState.COMPLETE, StudyState.PRUNED]
    assert all(t.constraints == {"m <= 1": 2.0} for t in ledger.study.trials)


def test_given_points_come_first_under_their_own_numbers(tmp_path):
    points = [{"x": 0.25, "size": 0.5}, {"x": 0.75}]
    ledger = Ledger.create(tmp_path, spec(evaluate_first=points), "id")
    assert [record.state for record in ledger.records()] == [TrialState.WAITING] * 2
    found = [ledger.again(number) for number in (0, 1)]
    assert found[0] == points[0]
    assert found[1]["x"] == 0.75
    assert ledger.ask()[0] == 2
    play(ledger, 0, found[0])
    play(ledger, 1, found[1])
    assert [record.state for record in ledger.records()][1] == TrialState.COMPLETE


def test_given_points_may_be_taken_up_in_any_order(tmp_path):
    points = [{"x": 0.25, "size": 0.5}, {"x": 0.75, "size": 0.5}]
    ledger = Ledger.create(tmp_path, spec(evaluate_first=points), "id")
    assert ledger.again(1) == points[1]
    play(ledger, 1, points[1])
    assert ledger.again(0) == points[0]
    assert [record.state for record in ledger.records()] == [TrialState.WAITING, TrialState.COMPLETE]


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_a_resumed_ledger_proposes_what_the_uncut_one_proposes(tmp_path, sampler):
    """The sampler's randomness is a function of (seed, trial number), its knowledge is the ledger's."""
    trials, proposals = 14, []
    for cut in (False, True):
        folder = tmp_path / str(cut)
        folder.mkdir()
        plan = spec(trials, sampler={"name": sampler, "seed": 5})
        ledger = Ledger.create(folder, plan, "id")
        running = [ledger.ask()]
        for _ in range(trials - 1):
            running.append(ledger.ask())
            play(ledger, *running.pop(0))
            ledger = Ledger.open(folder, plan, "id") if cut else ledger
        proposals.append([record.params for record in ledger.records()])
    assert proposals[0] == proposals[1]


def test_another_seed_is_another_sweep(tmp_path):
    first = Ledger.create(tmp_path, spec(sampler={"name": "random", "seed": 1}), "a").ask()[1]
    second = Ledger.create(tmp_path, spec(sampler={"name": "random", "seed": 2}), "b").ask()[1]
    assert first != second


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The journal of a whole sweep, and what it says."""
    folder = tmp_path_factory.mktemp("whole")
    plan = spec(SHORT, evaluate_first=[{"x": 0.95, "size": 0.3}])
    return plan, finish_all(Ledger.create(folder, plan, "id"), SHORT), (folder / JOURNAL).read_bytes()


def test_after_a_death_between_any_two_writes_a_resume_comes_to_the_same_end(written, tmp_path):
    """Every trial once, in one final state, with the same params and, of those decided before, the same outcome."""
    plan, uncut, journal = written
    lines = journal.splitlines(keepends=True)
    begun = next(n for n, line in enumerate(lines) if b"fixed_params" in line) + 1
    for length in range(begun, len(lines)):
        folder = tmp_path / str(length)
        folder.mkdir()
        torn = lines[length][: len(lines[length]) // 2]
        (folder / JOURNAL).write_bytes(b"".join(lines[:length]) + torn)
        ledger = Ledger.open(folder, plan, "id")
        ledger.records()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert finish_all(ledger, SHORT) == uncut, f"cut behind line {length}: {lines[length - 1]!r}"


def test_an_outcome_decided_before_a_death_stands(ledger, tmp_path, monkeypatch):
    """A stopped trial stays stopped, though the rule might decide otherwise now."""
    number, params = ledger.ask()
    work(ledger, number, params, 1)
    monkeypatch.setattr(optuna.Study, "tell", lambda *arguments, **named: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        ledger.finish(number, TrialState.PRUNED, violations={"m <= 1": -1.0})
    monkeypatch.undo()
    again = Ledger.open(tmp_path, spec(), "id")
    assert again.record(number).state is TrialState.WAITING
    again.settle()
    assert again.record(number).state is TrialState.PRUNED
    assert set(again.study.trials[number].constraints) == {"m <= 1", "stopped early"}


def test_a_clock_that_is_set_back_changes_no_trial(tmp_path, monkeypatch):
    """Times are for people: nothing is ordered or decided by them."""
    told = []
    for place, hours in (("steady", 0), ("set-back", 3)):
        now = itertools.count(1.7e9, 1 - 3600 * hours)
        monkeypatch.setattr("time.time", lambda now=now: float(next(now)))
        (tmp_path / place).mkdir()
        finish_all(Ledger.create(tmp_path / place, spec(), "id"), 4)
        told.append(finish_all(Ledger.open(tmp_path / place, spec(), "id"), SHORT))
    assert told[0] == told[1]
    assert len(told[0]) == SHORT


def test_a_missing_ledger_is_told_in_one_line(tmp_path):
    with pytest.raises(DFKDError, match="cannot be read"):
        Ledger.open(tmp_path, spec(), "id")


@given(place=st.floats(0, 1), junk=st.binary(min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_damaged_journal_is_read_or_refused_never_changed(written, tmp_path_factory, place, junk):
    plan, _, journal = written
    folder = tmp_path_factory.getbasetemp() / "fuzz"
    folder.mkdir(exist_ok=True)
    start = int(place * len(journal))
    damaged = journal[:start] + junk + journal[start + len(junk) :]
    (folder / JOURNAL).write_bytes(damaged)
    try:
        Ledger.open(folder, plan, "id").records()
    except DFKDError as error:
        assert str(folder) in str(error)
    assert (folder / JOURNAL).read_bytes() == damaged


def test_a_damaged_key_inside_a_record_is_told_with_the_trial(written, tmp_path):
    plan, _, journal = written
    (tmp_path / JOURNAL).write_bytes(journal.replace(b'"outcome":{"state"', b'"outcome":{"stat\xc2\xb5"'))
    with pytest.raises(DFKDError, match=r"what the ledger holds of trial 0 is damaged .*restore it from a backup"):
        Ledger.open(tmp_path, plan, "id").records()


def test_metrics_that_json_does_not_know_come_back(ledger):
    number, _ = ledger.ask()
    ledger.record_epoch(number, 1, {"train/loss": math.nan, "model/look_ahead_ms": math.inf})
    assert math.isnan(ledger.epochs(number)[1]["train/loss"])
    assert json.dumps(ledger.epochs(number)[1]["model/look_ahead_ms"]) == "Infinity"


def test_values_are_kept_as_drawn_when_a_list_of_choices_grows_behind_the_ledger_s_back(tmp_path):
    """A study holds ranks of a list; what finished trials were trained with does not move with them."""
    space = {"x": {"min": 0.0, "max": 1.0}, "size": {"values": [0.2, 0.4, 0.8]}}
    ledger = Ledger.create(tmp_path, spec(space=space), "id")
    drawn = [play(ledger, *ledger.ask()) or record.params for _ in range(4) for record in ledger.records()[-1:]]
    space["size"]["values"] = [0.1, 0.2, 0.3, 0.4, 0.8]
    grown = Ledger.open(tmp_path, spec(space=space), "id")
    assert [record.params for record in grown.records()] == drawn
    for record in grown.records():
        assert record.metrics[PARAMS] == 2e6 * record.params["size"]


def test_a_failed_trial_is_tried_again_once_under_another_number(ledger):
    for _ in range(6):
        play(ledger, *ledger.ask())
    failed = [record for record in ledger.records() if record.state is TrialState.FAILED]
    assert failed and [record.number for record in ledger.failed()] == [record.number for record in failed]
    for record in ledger.failed():
        ledger.retry(record)
    assert ledger.failed() == []
    retries = [record for record in ledger.records() if not record.state.is_finished]
    assert [ledger.again(record.number) for record in retries] == [record.params for record in failed]
    for record in retries:
        play(ledger, record.number, dict(ledger.record(record.number).params))
    assert [record.number for record in ledger.failed()] == [record.number for record in retries], "they failed, too"


def test_no_step_of_a_trial_goes_through_all_the_others(tmp_path, monkeypatch):
    """Else each trial costs more than the one before; the one list of all trials is made by Optuna's own `ask`."""
    ledger = Ledger.create(tmp_path, spec(sampler={"name": "random", "seed": 1}), "id")
    storage, lists = ledger.study._storage, []
    every = storage.get_all_trials
    monkeypatch.setattr(storage, "get_all_trials", lambda *args, **named: lists.append(1) or every(*args, **named))
    for _ in range(4):
        number, params = ledger.ask()
        play(ledger, number, params)
        assert (ledger.record(number).number, ledger.num_finished()) == (number, number + 1)
    assert len(lists) <= 4


def test_what_another_process_has_written_is_counted(tmp_path):
    ours, lessons = Ledger.create(tmp_path, spec(), "id", [({"x": 0.5, "size": 0.5}, {QUALITY: 0.3, PARAMS: 1e6})]), 1
    theirs = Ledger.open(tmp_path, spec(), "id")
    assert (ours.num_finished(), theirs.num_finished()) == (0, 0)
    play(theirs, *theirs.ask())
    waiting, _ = theirs.ask()
    assert (ours.num_finished(), theirs.num_finished()) == (1, 1)
    assert (ours._ended.total(), ours._turnout.num_seen) == (lessons + 1, lessons + 2)
    play(ours, waiting, ours.again(waiting))
    assert (ours.num_finished(), theirs.num_finished()) == (2, 2)


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("usage", "x", "usage"),
        ("usage", {"worked_s": "long"}, "usage.worked_s"),
        ("usage", {"worked_s": True, "room_s": 1.0}, "usage.worked_s"),
        ("usage", {"room_s": -1.0}, "usage.room_s"),
        ("usage", {"workd_s": 1.0}, "usage.workd_s"),
        ("spent_s", "x", "spent_s"),
        ("filled_hours", [8], "filled_hours"),
        ("kept_out", 3, "kept_out"),
        ("kept_out", {"n1": 3}, "kept_out.n1"),
        ("served/n1", [], "served/n1"),
        ("served/n1", {"node": "n1", "num_bytes": "x", "seconds": 1.0}, "served/n1.num_bytes"),
        ("spent_s", None, "spent_s"),
        ("warm_start", "x", "warm_start"),
        ("dashboard", {}, "dashboard"),
        ("data_hash", 3, "data_hash"),
        ("begun_with", [], "begun_with"),
        ("seeds_per_point", True, "seeds_per_point"),
        ("pairs", [[1]], "pairs.0"),
    ],
)
def test_a_damaged_fact_of_the_sweep_is_told_by_folder_and_key(tmp_path, key, value, place):
    ledger = Ledger.create(tmp_path, spec(), "id")
    ledger.set_attr(key, value)
    with pytest.raises(DFKDError, match=f"^{tmp_path}: {place}.* of the ledger .*; restore it from a backup"):
        ledger.attrs()


@pytest.mark.parametrize(
    "damage",
    [
        (b'"time":', b'"time":"noon","tim_":'),
        (b'"reason":null', b'"reason":3'),
        (b'"epoch:3":{', b'"epoch:3":{"train/loss":"good",'),
    ],
)
def test_what_a_trial_holds_of_another_kind_is_told_with_the_trial(written, tmp_path, damage):
    plan, _, journal = written
    damaged = journal.replace(*damage)
    (tmp_path / JOURNAL).write_bytes(damaged)
    assert damaged != journal
    with pytest.raises(DFKDError, match=r"what the ledger holds of trial \d+ is damaged .*restore it from a backup"):
        Ledger.open(tmp_path, plan, "id").records()
