"""What becomes of every trial, decided without Ray: each outcome, its reason, and what is told to whom."""

import json
import math
import re

import pytest
from closed_form import PARAMS, QUALITY, Curve, PickyDomain, sweep

from dfkd_core.base.documents import read_yaml
from dfkd_core.errors import ConfigError, DataError
from sweeps.definition.spec import SweepSpec
from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.deciding.failures import Failure, FailureKind
from sweeps.engine.deciding.inputs import run_tags
from sweeps.engine.driving.recovery import mend
from sweeps.record.driver_lock import LockLost
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState
from sweeps.workload import FreeDomain

EPOCHS = 3


class Notes:
    """A tracker that remembers what it was told."""

    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        return lambda *arguments, **named: self.told.append((name, *arguments))


class Lock:
    """A lock that is held until `check` is replaced."""

    def __init__(self, folder):
        self.folder, self.session, self.check = folder, "session", lambda: None


class Ends(list):
    """Hears of ended trials."""

    def __call__(self, conductor, record):
        self.append((record.number, record.state))


@pytest.fixture
def conduct(tmp_path):
    """A conductor over a new ledger, or over the one that is there already."""

    def build(workload=Curve, trials=6, left_s=lambda: math.inf, **changes):
        spec = SweepSpec.model_validate(sweep(trials, EPOCHS, **changes))
        begun = (tmp_path / "ledger.journal").exists()
        ledger = (Ledger.open if begun else Ledger.create)(tmp_path, spec, "id")
        return Conductor(ledger, workload, tmp_path, Lock(tmp_path), Notes(), lambda number: number, left_s, Ends())

    return build


def begin(conductor):
    assignment = conductor.next()
    conductor.started(assignment.number)
    return assignment


def good(assignment, epoch=EPOCHS):
    curve = Curve(assignment.config)
    curve.epoch = epoch - 1
    return curve.step()


def run_whole(conductor, assignment=None):
    assignment = assignment or begin(conductor)
    for epoch in range(1, EPOCHS + 1):
        goes_on = conductor.report(assignment.number, epoch, good(assignment, epoch))
    assert not goes_on
    return assignment.number


def test_a_node_that_differs_is_told_once_and_its_trial_waits_uncounted(conduct, caplog):
    conductor = conduct(failures={"max_retries": 0, "max_lost_nodes": 0})
    first, second = begin(conductor), begin(conductor)
    for assignment in (first, second):
        conductor.fail(assignment.number, Failure(FailureKind.NODE_DIFFERS, "box lacks\nthe corpus", "1a2b"))
    assert [record.getMessage() for record in caplog.records] == ["no trials for box lacks the corpus"]
    assert conductor.kept_out == conductor.ledger.attrs()["kept_out"] == {"1a2b": "box lacks the corpus"}
    assert conductor.counts.total() == 0 and conductor.ledger.events(0, FailureKind.NODE_DIFFERS) == []
    assert {run_whole(conductor), run_whole(conductor)} == {0, 1}
    assert conductor.counts == {TrialState.COMPLETE: 2}


def test_workers_hear_what_the_ledger_recorded_and_what_a_trial_begins_with(conduct):
    conduct().ledger.set_attr("data_hash", "right")
    conductor = conduct()
    conductor.ledger.set_attr("teacher_hash", None)
    assert conductor.inputs.hashes == {"data_hash": "right"}
    assert conductor.inputs.epochs == EPOCHS
    conductor.domain = Started()
    assert begin(conductor).start_hash == "of x"


class Started(FreeDomain):
    def start_hash(self, config):
        return "of x"


class Counting(FreeDomain):
    num_validated = 0

    def trial_config(self, config, epochs):
        self.num_validated += 1
        return super().trial_config(config, epochs)


def test_a_config_is_validated_once_from_the_draw_to_the_trials_end(conduct):
    conductor = conduct()
    conductor.domain = counting = Counting()
    run_whole(conductor)
    assert counting.num_validated == 1


class Read:
    """Two corpora, of which trials with x below 0.5 read one, the other being the base config's."""

    def __init__(self, monkeypatch):
        self.content, self.num_asked = "as it was", 0
        monkeypatch.setattr(Curve, "domain", self.Domain(self), raising=False)

    class Domain(FreeDomain):
        def __init__(self, read):
            self.read = read

        def input_key(self, config):
            return "a" if config["x"] < 0.5 else "b"

        def hashes(self, config):
            self.read.num_asked += 1
            if self.read.content is None:
                raise DataError("a is no folder")
            return {"data_hash": self.read.content}

        def start_hash(self, config):
            return self.read.content

        def start_name(self, config):
            return "a start"


def handed_out(conductor, num=6):
    """Inputs and starts of trials that read the base config's corpus, and of those that read the other one."""
    found = [begin(conductor) for _ in range(num)]
    return [{(str(a.inputs), a.start_hash) for a in found if (a.params["x"] < 0.5) is other} for other in (False, True)]


def test_where_data_is_searched_workers_hear_of_each_what_the_first_driver_found(conduct, monkeypatch):
    read = Read(monkeypatch)
    conduct().ledger.set_attr("data_hash", "of b")
    expected = [{(str(("", {})), "as it was")}, {(str(("a", {"data_hash": "as it was"})), "as it was")}]
    assert handed_out(conduct()) == expected
    assert read.num_asked == 1, "the base config's are known, the other's are kept"
    read.content = "as it is now"
    assert handed_out(conduct()) == expected, "a later driver goes by the ledger"


class Both(FreeDomain):
    """Data of its own for trials with x below 0.5, and a start for those of these below 0.25."""

    def input_key(self, config):
        return "a" if config["x"] < 0.5 else "b"

    def start_hash(self, config):
        return "of s" if config["x"] < 0.25 else None

    def hashes(self, config):
        return {"data_hash": f"of {self.input_key(config)}", "start_hash": self.start_hash(config)}


@pytest.mark.parametrize("first", [0.125, 0.375])
def test_trials_of_the_same_data_may_begin_with_different_models(conduct, monkeypatch, first):
    monkeypatch.setattr(Curve, "domain", Both(), raising=False)
    points = [{"x": x, "size": 0.5} for x in (first, 0.5 - first)]
    conduct(evaluate_first=points).ledger.set_attr("data_hash", "of b")
    conductor = conduct(evaluate_first=points)
    handed = {a.params["x"]: (a.inputs, a.start_hash) for a in (begin(conductor), begin(conductor))}
    same = ("a", {"data_hash": "of a"})
    assert handed == {0.125: (same, "of s"), 0.375: (same, None)}


def test_a_drawn_corpus_that_is_not_there_fails_its_trial_in_words(conduct, monkeypatch):
    Read(monkeypatch).content = None
    conduct().ledger.set_attr("data_hash", "of b")
    conductor = conduct(failures={"max_failed_share": 1.0})
    assert conductor.next().params["x"] >= 0.5
    while conductor.next():
        pass
    failed = [r for r in conductor.ledger.records() if r.state is TrialState.FAILED]
    reason = "the drawn config breaks a rule: must name data and a teacher that can be read here, but a is no folder"
    assert {(r.params["x"] < 0.5, r.reason) for r in failed} == {(True, reason)}


def test_without_recorded_hashes_nothing_is_compared(conduct, monkeypatch):
    read = Read(monkeypatch)
    assert {inputs for part in handed_out(conduct()) for inputs, _ in part} == {str(("", {}))} and not read.num_asked


def ended(conductor, number=0):
    record = conductor.ledger.record(number)
    return record.state, record.reason


def test_a_trial_that_reports_every_epoch_is_complete(conduct):
    conductor = conduct()
    record = conductor.ledger.record(run_whole(conductor))
    assert (record.state, record.fidelity, record.reason) == (TrialState.COMPLETE, 1.0, None)
    assert record.metrics[PARAMS] == 2e6 * record.params["size"]
    assert conductor.counts == {TrialState.COMPLETE: 1}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({QUALITY: math.nan}, "must be finite.*nan"),
        ({QUALITY: math.inf}, "must be finite.*inf"),
        ({QUALITY: "good"}, "must be a number.*good"),
        ({QUALITY: True}, "must be a number"),
        ({QUALITY: None}, "must be a number"),
        ({PARAMS: 0.0}, "finite on its log scale"),
        ({PARAMS: -1.0}, "finite on its log scale"),
    ],
)
def test_an_objective_that_is_no_finite_number_fails_the_trial_at_once(conduct, change, told):
    conductor = conduct()
    assignment = begin(conductor)
    assert conductor.report(0, 1, good(assignment, 1))
    assert not conductor.report(0, 2, {**good(assignment, 2), **change})
    state, reason = ended(conductor)
    assert state is TrialState.FAILED
    assert next(iter(change)) in reason
    assert re.search(told, reason)
    assert conductor.ledger.record(0).epochs == 1, "the epoch that went wrong does not count"


def test_a_missing_objective_is_named_with_what_was_reported(conduct):
    conductor = conduct()
    begin(conductor)
    conductor.report(0, 1, {"train/loss": 1.0})
    assert ended(conductor)[0] is TrialState.FAILED
    assert (
        "val/quality is missing from the report; the trial reported ['model/params', 'train/loss']"
        in ended(conductor)[1]
    )


def test_other_metrics_may_be_anything(conduct):
    conductor = conduct()
    assignment = begin(conductor)
    assert conductor.report(0, 1, {**good(assignment), "train/loss": math.nan, "note": "text", "flag": True})
    assert set(conductor.ledger.epochs(0)[1]) == {QUALITY, PARAMS, "train/loss"}


class Breaks(Curve):
    @classmethod
    def static_metrics(cls, config):
        raise ZeroDivisionError("cannot count hunter2secret")


class Endless(Curve):
    @classmethod
    def static_metrics(cls, config):
        return {PARAMS: math.inf}


class Picky(Curve):
    domain = PickyDomain()


def test_an_exception_in_static_metrics_fails_the_trial_with_a_log_and_without_secrets(conduct, tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_TEST_PASSWORD", "hunter2secret")
    conductor = conduct(Breaks, trials=2)
    assert conductor.next() is None
    assert conductor.is_done
    state, reason = ended(conductor)
    assert state is TrialState.FAILED
    assert reason.startswith("static_metrics raised ZeroDivisionError: cannot count ***")
    log = (tmp_path / "trials" / "0000" / "log.txt").read_text()
    assert "Traceback" in log
    assert "hunter2secret" not in log + (tmp_path / "trials" / "0000" / "result.json").read_text()


def test_a_static_objective_that_is_not_finite_costs_no_epoch(conduct):
    conductor = conduct(Endless, trials=1)
    assert conductor.next() is None
    assert ended(conductor)[0] is TrialState.FAILED
    assert "model/params must be finite" in ended(conductor)[1]


def test_a_drawn_config_that_breaks_a_rule_fails_the_trial_and_the_sweep_goes_on(conduct):
    conductor = conduct(Picky, trials=2, evaluate_first=[{"x": 0.95, "size": 0.5}, {"x": 0.5, "size": 0.5}])
    assert conductor.next().number == 1
    state, reason = ended(conductor)
    assert state is TrialState.FAILED
    assert reason == "the drawn config breaks a rule: x: must be below 0.9, but got 0.95"


def test_a_static_constraint_costs_no_training(conduct):
    conductor = conduct(constraints=["model/params <= 1"], trials=3)
    assert conductor.next() is None
    assert conductor.counts == {TrialState.INFEASIBLE: 3}
    assert ended(conductor)[1] == "breaks model/params <= 1.0"
    assert conductor.ledger.record(0).epochs == 0


def test_a_measured_constraint_is_judged_at_the_end(conduct):
    met, unmet = conduct(constraints=["train/loss <= 0.4"]), conduct(constraints=["train/loss >= 0.5"])
    assert ended(met, run_whole(met))[0] is TrialState.COMPLETE
    assert ended(unmet, run_whole(unmet, unmet.next())) == (TrialState.INFEASIBLE, "breaks train/loss >= 0.5")


def test_a_constraint_on_a_metric_that_is_never_reported_fails_the_trial(conduct):
    conductor = conduct(constraints=["model/rtf_cpu <= 1"])
    state, reason = ended(conductor, run_whole(conductor))
    assert state is TrialState.FAILED
    assert "'model/rtf_cpu <= 1.0' names a metric that was never reported" in reason


def test_code_errors_are_retried_as_often_as_allowed(conduct):
    conductor = conduct(failures={"max_retries": 2, "max_failed_share": 1})
    for _ in range(2):
        assert begin(conductor).number == 0
        conductor.fail(0, Failure(FailureKind.ERROR, "RuntimeError: planted"))
    assert begin(conductor).number == 0
    conductor.fail(0, Failure(FailureKind.ERROR, "RuntimeError: planted"))
    assert ended(conductor) == (TrialState.FAILED, "RuntimeError: planted (attempt 3)")


@pytest.mark.parametrize("kind", [FailureKind.DIVERGED, FailureKind.TIMEOUT])
def test_what_would_happen_again_is_not_retried(conduct, kind):
    conductor = conduct()
    begin(conductor)
    conductor.fail(0, Failure(kind, "planted"))
    assert ended(conductor) == (TrialState.FAILED, "planted")


def test_lost_workers_are_counted_apart_from_code_errors(conduct):
    conductor = conduct(failures={"max_retries": 1, "max_lost_nodes": 4})
    for epoch in range(1, 4):  # each death after another epoch
        assignment = begin(conductor)
        conductor.report(0, epoch if epoch < EPOCHS else EPOCHS - 1, good(assignment, epoch))
        conductor.fail(0, Failure(FailureKind.LOST, "node died"))
    begin(conductor)
    conductor.fail(0, Failure(FailureKind.ERROR, "bug"))
    assert ended(conductor)[0] is TrialState.WAITING
    assert conductor.ledger.record(0).epochs == EPOCHS - 1, "what was done is not lost"


def test_three_deaths_in_place_are_the_trials_own_doing(conduct):
    """A trial that kills its worker before the first epoch must not be tried ten times."""
    conductor = conduct(failures={"max_lost_nodes": 10})
    for _ in range(3):
        assert begin(conductor).number == 0
        conductor.fail(0, Failure(FailureKind.LOST, "the worker went away"))
    assert ended(conductor) == (TrialState.FAILED, "the worker went away (attempt 3)")


def test_deaths_with_progress_in_between_go_on_until_the_limit(conduct):
    conductor = conduct(failures={"max_lost_nodes": 3})
    for death in range(4):
        assignment = begin(conductor)
        conductor.ledger.record_epoch(0, death + 1, conductor_metrics(assignment))
        conductor.fail(0, Failure(FailureKind.LOST, "preempted"))
    assert ended(conductor) == (TrialState.FAILED, "preempted (attempt 4)")


def conductor_metrics(assignment):
    return {QUALITY: 0.5, PARAMS: 2e6 * assignment.params["size"]}


def test_a_full_disk_ends_the_sweep_and_leaves_the_trial_waiting(conduct):
    conductor = conduct()
    begin(conductor)
    conductor.fail(0, Failure(FailureKind.DISK_FULL, "OSError: No space left on device"))
    assert ended(conductor) == (TrialState.WAITING, None)
    assert conductor.is_ending
    assert "trial 0 had no room to write" in conductor.failed
    assert conductor.ledger.events(0, FailureKind.DISK_FULL) == [], "it does not count against the trial"


def test_retries_are_remembered_by_the_next_driver(conduct):
    conductor = conduct()
    begin(conductor)
    conductor.fail(0, Failure(FailureKind.ERROR, "bug"))
    later = conduct()
    assert begin(later).number == 0
    later.fail(0, Failure(FailureKind.ERROR, "bug"))
    assert ended(later)[0] is TrialState.FAILED


def test_too_many_failures_end_the_sweep_after_five_trials(conduct):
    conductor = conduct(trials=20, failures={"max_retries": 0, "max_failed_share": 0.5})
    for number in range(4):
        begin(conductor)
        conductor.fail(number, Failure(FailureKind.ERROR, "bug"))
        assert conductor.failed is None, "four trials are too few to judge by"
    begin(conductor)
    conductor.fail(4, Failure(FailureKind.ERROR, "bug"))
    rule = "5 of 5 trials failed, more than failures.max_failed_share 0.5; the last: bug"
    assert conductor.failed == f"{rule} (a resume with --retry-failed tries them again)"
    assert conductor.next() is None
    assert conductor.is_done


def test_failures_before_a_resume_are_not_counted_again(conduct):
    """The bug may be mended by now: the printed way on leads on."""
    harsh = {"max_retries": 0, "max_failed_share": 0.5}
    conductor = conduct(trials=20, failures=harsh)
    for number in range(5):
        begin(conductor)
        conductor.fail(number, Failure(FailureKind.ERROR, "bug"))
    later = conduct(trials=20, failures=harsh)
    for _ in range(6):
        run_whole(later)
    assert later.failed is None
    for _ in range(7):
        later.fail(begin(later).number, Failure(FailureKind.ERROR, "another bug"))
    assert later.failed.startswith(
        "7 of 13 trials failed, more than failures.max_failed_share 0.5; the last: another bug "
    )


def test_a_share_of_failures_at_the_limit_is_allowed(conduct):
    conductor = conduct(trials=20, failures={"max_retries": 0, "max_failed_share": 0.5})
    for _ in range(3):
        run_whole(conductor)
        number = begin(conductor).number
        conductor.fail(number, Failure(FailureKind.ERROR, "bug"))
    assert conductor.counts == {TrialState.COMPLETE: 3, TrialState.FAILED: 3}
    assert conductor.failed is None


def test_a_stop_lets_the_epoch_end_and_leaves_the_trial_to_be_gone_on_with(conduct):
    conductor = conduct()
    first, second = begin(conductor), conductor.next()
    conductor.stop("interrupted by SIGINT")
    assert conductor.next() is None
    conductor.withdraw(second.number)
    conductor.withdraw(first.number)
    assert set(conductor.live) == {first.number}, "a trial at work is not taken back"
    assert not conductor.report(0, 1, good(first, 1))
    assert conductor.is_done
    assert not conductor.is_finished
    later = conduct()
    assert later.next().number == 0
    assert later.next().number == 1
    assert later.ledger.record(0).epochs == 1


def test_there_should_be_room_for_all_that_is_left_within_the_limit_and_for_less_as_trials_end(conduct):
    conductor = conduct(trials=4, resources={"max_concurrent": 9})
    assert conductor.num_usable == conductor.num_unbegun == 4
    first, second = begin(conductor), begin(conductor)
    assert (conductor.num_usable, conductor.num_unbegun) == (4, 2)
    conductor.report(first.number, EPOCHS, good(first))
    assert conductor.num_usable == 3
    conductor.fail(second.number, Failure(FailureKind.LOST, "the node went away"))
    assert (conductor.num_usable, conductor.num_unbegun) == (3, 3), "it is tried again"
    third = begin(conductor)
    conductor.stop("interrupted")
    assert (conductor.num_usable, conductor.num_unbegun) == (1, 0)
    conductor.report(third.number, 1, good(third, 1))
    assert conductor.num_usable == 0
    assert conduct(trials=4, resources={"max_concurrent": 2}).num_usable == 2


def test_a_trial_that_ends_while_the_sweep_stops_is_finished(conduct):
    conductor = conduct()
    assignment = begin(conductor)
    conductor.stop("interrupted")
    conductor.report(0, EPOCHS, good(assignment))
    assert ended(conductor)[0] is TrialState.COMPLETE


def test_hours_used_up_let_running_trials_finish_and_finish_the_sweep(conduct):
    left = [1.0]
    conductor = conduct(left_s=lambda: left[0])
    assignment = begin(conductor)
    left[0] = 0.0
    assert conductor.next() is None
    assert not conductor.is_done
    assert conductor.report(0, 1, good(assignment, 1)), "a running trial goes on"
    conductor.report(0, EPOCHS, good(assignment))
    assert conductor.is_done
    assert conductor.is_finished


def test_a_trial_is_overdue_by_this_drivers_own_clock(conduct):
    conductor = conduct(failures={"trial_timeout_s": 10})
    started = begin(conductor).started
    conductor.next()
    assert conductor.overdue(started + 9) == []
    assert conductor.overdue(started + 11) == [0]
    assert conduct().overdue(started + 99) == [], "without a limit, or before a worker has it, none is"


def test_early_stopping_prunes_and_a_later_driver_judges_by_all_that_was_shown(conduct):
    asha = {"name": "pareto_asha", "reduction_factor": 2, "min_epochs": 1}
    conductor = conduct(trials=30, scheduler=asha, evaluate_first=[{"x": 0.4, "size": s} for s in (0.1, 0.3, 0.6, 0.9)])
    for _ in range(4):
        run_whole(conductor)
    later = conduct(trials=30, scheduler=asha)
    bad = begin(later)
    assert not later.report(bad.number, 1, {**good(bad, 1), QUALITY: -5.0, PARAMS: 1.9e6})
    record = later.ledger.record(bad.number)
    assert (record.state, record.fidelity) == (TrialState.PRUNED, 1 / EPOCHS)


def test_a_report_of_a_trial_that_is_not_at_work_changes_nothing(conduct):
    conductor = conduct()
    number = run_whole(conductor)
    told = len(conductor.tracker.told)
    assert not conductor.report(number, 1, {QUALITY: 0.0})
    conductor.fail(number, Failure(FailureKind.ERROR, "late"))
    assert ended(conductor)[0] is TrialState.COMPLETE
    assert len(conductor.tracker.told) == told


def test_a_driver_that_lost_the_sweep_writes_nothing_more(conduct):
    conductor = conduct()
    assignment = begin(conductor)

    def lost():
        raise LockLost("another driver")

    conductor.lock.check = lost
    for act in (
        lambda: conductor.report(0, 1, good(assignment, 1)),
        lambda: conductor.fail(0, Failure(FailureKind.ERROR, "bug")),
        lambda: conductor.started(0),
        conductor.next,
    ):
        with pytest.raises(LockLost):
            act()
    assert conductor.ledger.record(0).epochs == 0


def test_an_end_is_written_into_ledger_folder_and_spool(conduct, tmp_path):
    conductor = conduct()
    run_whole(conductor)
    folder = tmp_path / "trials" / "0000"
    result = json.loads((folder / "result.json").read_text())
    assert (result["state"], result["epochs"], result["fidelity"]) == ("COMPLETE", EPOCHS, 1.0)
    assert read_yaml(folder / "config.yaml")["x"] == result["params"]["x"]
    assert [note[0] for note in conductor.tracker.told] == [
        "trial_started",
        *["trial_epoch"] * EPOCHS,
        "trial_finished",
    ]
    assert conductor.tracker.told[-1][1:4] == (0, TrialState.COMPLETE, 1.0)
    assert conductor._on_finish == [(0, TrialState.COMPLETE)]


def test_place_and_device_are_told_once_they_are_known(conduct):
    conductor = conduct()
    assignment = begin(conductor)
    for epoch in (1, 2):
        conductor.report(0, epoch, good(assignment, epoch), {"node": "n1", "device": "cpu"})
    starts = [note for note in conductor.tracker.told if note[0] == "trial_started"]
    told = {"dfkd.node": "n1", "dfkd.device": "cpu"}
    assert [note[3] for note in starts] == [{}, told]
    assert run_tags(conductor.ledger, 0) == told, "another driver, with another tracker, can tell it again"


def test_a_run_carries_the_data_of_its_own_trial(conduct, monkeypatch):
    Read(monkeypatch)
    conduct().ledger.set_attr("data_hash", "of b")
    conductor = conduct()
    found = {begin(conductor).params["x"] < 0.5 for _ in range(6)}
    starts = [note for note in conductor.tracker.told if note[0] == "trial_started"]
    hashes = {params["x"] < 0.5: tags["dfkd.data_hash"] for _, _, params, tags in starts}
    assert found == {False, True} and hashes == {False: "of b", True: "as it was"}


def test_a_trial_without_the_sweep_s_teacher_does_not_carry_it(conduct):
    ledger = conduct().ledger
    ledger.set_attr("teacher_hash", "of t")
    number = begin(conduct()).number
    assert run_tags(ledger, number) == {"dfkd.teacher_hash": "of t"}
    ledger.note_tags(number, {"teacher_hash": None})
    assert run_tags(ledger, number) == {}


class Publishes(FreeDomain):
    def __init__(self):
        self.broken, self.published = True, []

    def publish(self, checkpoint, folder, config, result):
        if self.broken:
            raise OSError("no room")
        self.published.append(checkpoint.name)


class Published(Curve):
    domain = Publishes()


def test_a_result_that_was_not_written_is_written_by_the_next_driver(conduct, tmp_path):
    """A driver may die, or fail, between the ledger's end of a trial and its folder's."""
    conductor = conduct(Published)
    assignment = begin(conductor)
    checkpoint = tmp_path / "trials" / "0000" / "checkpoint" / "00003"
    checkpoint.mkdir(parents=True)
    (checkpoint / "epoch.json").write_text('{"epoch": 3, "metrics": {}}')
    conductor.report(0, EPOCHS, good(assignment))
    result = tmp_path / "trials" / "0000" / "result.json"
    assert ended(conductor)[0] is TrialState.COMPLETE
    assert not result.exists()
    Published.domain.broken = False
    for _ in range(2):
        mend(conductor.ledger, tmp_path, Published.domain)
    assert json.loads(result.read_text())["state"] == "COMPLETE"
    assert Published.domain.published == ["00003"], "once"


def test_a_space_that_does_not_fit_the_config_is_an_error_of_the_file(conduct):
    with pytest.raises(ConfigError):
        conduct(config={"x": 3, "size": {"deep": 1}}, space={"x.y": {"values": [1]}}).next()
