"""Which repeats are asked for, and the ledger that keeps them."""

import pytest
from closed_form import Seeded, sweep

from dfkd_core.errors import ConfigError
from sweeps.definition.spec import SweepSpec
from sweeps.record.ledger import Ledger
from sweeps.record.trials import TrialState
from sweeps.trust.repeats import MOST_ROUNDS, PAIRS, SPENT, Repeat, Repeats, cost, own_seed, wanted_repeats

PARAMS = {2: {"x": 0.4, "size": 0.5}, 5: {"x": 0.25, "size": 0.125}}


@pytest.fixture
def spec():
    return SweepSpec.model_validate(sweep(6, 2, config={"seed": 7}))


@pytest.fixture
def repeats(tmp_path, spec):
    return Repeats.begin(tmp_path, spec, Seeded)


def test_the_first_round_gives_every_candidate_its_seeds():
    assert wanted_repeats([2, 5], {}, {}, 3) == {2: 3, 5: 3}
    assert wanted_repeats([2, 5], {2: 3, 5: 1}, {2: 0.5}, 3) == {5: 2}


@pytest.mark.parametrize(("probability", "more"), [(0.02, 0), (0.05, 0), (0.2, 3), (0.9, 3), (0.97, 0), (None, 0)])
def test_further_seeds_go_where_the_place_is_uncertain(probability, more):
    wanted = wanted_repeats([2, 5], {2: 3, 5: 3}, {2: probability, 5: 1.0}, 3)
    assert wanted == ({2: more} if more else {})


def test_nobody_gets_more_than_three_rounds():
    assert wanted_repeats([2], {2: 6}, {2: 0.5}, 3) == {2: 3}
    assert wanted_repeats([2], {2: 8}, {2: 0.5}, 3) == {2: 1}
    assert wanted_repeats([2], {2: 9}, {2: 0.5}, 3) == {}


def test_a_repeat_has_the_trials_values_and_a_seed_that_follows_its_own(repeats):
    repeats.add({2: 2, 5: 1}, PARAMS)
    repeats.add({2: 1}, PARAMS)
    assert repeats.pairs == [Repeat(2, 8), Repeat(2, 9), Repeat(5, 8), Repeat(2, 10)]
    assert repeats.ledger.again(2) == {**PARAMS[5], "seed": 8}
    assert repeats.ledger.again(3) == {**PARAMS[2], "seed": 10}
    assert repeats.run_key(3).run_name("first") == "first/t0002/confirm-10"


def test_the_budget_is_what_was_asked_for(repeats):
    repeats.add({2: 2, 5: 2}, PARAMS)
    assert repeats.ledger.spec.budget.trials == 4
    assert repeats.num_waiting == 4
    repeats.ledger.again(0)
    repeats.ledger.finish(0, TrialState.FAILED, reason="planted")
    assert repeats.num_waiting == 3


def test_they_are_found_again(repeats, tmp_path, spec):
    repeats.add({2: 2}, PARAMS)
    found = Repeats.find(tmp_path, spec)
    assert found.pairs == repeats.pairs and found.ledger.spec.budget.trials == 2
    assert Repeats.find(tmp_path / "elsewhere", spec) is None


def test_repeats_that_have_lost_their_note_are_not_begun_anew(repeats, tmp_path, spec):
    note = tmp_path / "confirm" / "ledger.json"
    note.unlink()
    assert Repeats.find(tmp_path, spec) is None, "its driver died before it asked for any"
    kept = tmp_path / "confirm" / "trials" / "0000"
    kept.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"confirm/ledger\.json: is missing.*from a backup, or move .*away"):
        Repeats.find(tmp_path, spec)
    assert kept.is_dir() and (tmp_path / "confirm" / "ledger.journal").is_file()


def test_a_driver_that_died_while_it_asked_leaves_no_pair_without_a_trial(repeats, tmp_path, spec):
    repeats.add({2: 1}, PARAMS)
    repeats.ledger.set_attr(PAIRS, [*repeats.pairs, Repeat(5, 8), Repeat(5, 9)])
    found = Repeats.find(tmp_path, spec)
    found.enqueue(PARAMS)
    found.enqueue(PARAMS)
    assert len(found.ledger.records()) == 3
    assert found.ledger.again(2) == {**PARAMS[5], "seed": 9}


@pytest.mark.parametrize(("seed", "said"), [(None, "is missing"), ("a", "is 'a'"), (True, "is True"), (-1, "is -1")])
def test_a_config_without_a_seed_is_refused_with_the_remedy(seed, said):
    config = {} if seed is None else {"seed": seed}
    spec = SweepSpec.model_validate(sweep(config=config))
    with pytest.raises(ConfigError, match=rf"config.seed: must be a whole number .* but {said}.*`seed: 0`"):
        own_seed(spec, {"x": 0.5})


def test_a_seed_that_was_searched_is_the_trials_own():
    spec = SweepSpec.model_validate(sweep(config={"seed": 0}))
    assert own_seed(spec, {"x": 0.5, "seed": 4}) == 4


@pytest.fixture
def timed(tmp_path, spec, monkeypatch):
    """The ledger of two trials whose epochs took 60 and 120 s, one after a pause of an hour; worked on two abreast."""
    (tmp_path / "timed").mkdir()
    ledger, now = Ledger.create(tmp_path / "timed", spec, "id"), [0.0]
    monkeypatch.setattr("sweeps.record.ledger.time.time", lambda: now[0])
    for epoch_s, pauses in ((60.0, (0, 0)), (120.0, (0, 3600))):
        number, _ = ledger.ask()
        now[0] = 1000.0
        ledger.record_epoch(number, 0, {"model/params": 1.0})
        ledger.start(number, "session")
        for epoch, pause in enumerate(pauses, 1):
            now[0] += epoch_s + pause
            ledger.record_epoch(number, epoch, {"val/quality": 0.5, "model/params": 1.0})
        ledger.finish(number, TrialState.COMPLETE)
    ledger.set_attr(SPENT, (120 + 3840) / 2)
    return ledger


def test_the_cost_is_told_in_trainings_epochs_and_the_sweeps_own_time(timed):
    told = cost(timed, [0, 1], {}, {}, 3)
    assert (told.certain, told.most, told.epochs) == (6, 18, 2)
    assert told.certain_s == pytest.approx(3 * 2 * (60 + (120 + 3720) / 2) / 2)
    assert told.text().startswith("6 trainings of 2 epochs for 2 points, about ")
    assert "at most 18 trainings, 36 epochs, about " in told.text()


def test_what_has_been_trained_is_no_cost_any_more_and_what_waits_is(timed):
    told = cost(timed, [0, 1], {0: 3, 1: 3}, {1: 1}, 3)
    assert (told.certain, told.most) == (1, 13)
    done = cost(timed, [0], {0: 9}, {}, 3)
    assert (done.certain, done.most, done.certain_s) == (0, 0, 0.0)


def test_without_times_the_cost_has_none(tmp_path, spec):
    told = cost(Ledger.create(tmp_path, spec, "id"), [], {}, {}, 3)
    assert told.text() == "0 trainings of 2 epochs for 0 points, less than a minute."


@pytest.mark.parametrize("probability", [0.5, 0.02, 0.99])
@pytest.mark.parametrize("asked", [{}, {2: 1}, {2: 3, 5: 3}, {2: 7}])
def test_no_course_of_rounds_asks_for_more_than_was_told(timed, asked, probability):
    told, asked = cost(timed, [0, 1], asked_of(asked), {}, 3), dict(asked_of(asked))
    before = sum(asked.values())
    for _ in range(MOST_ROUNDS + 2):
        for trial, count in wanted_repeats([0, 1], asked, {0: probability, 1: 0.4}, 3).items():
            asked[trial] = asked.get(trial, 0) + count
    assert told.certain <= sum(asked.values()) - before <= told.most


def asked_of(asked):
    """The same numbers for trials 0 and 1."""
    return {{2: 0, 5: 1}[trial]: count for trial, count in asked.items()}
