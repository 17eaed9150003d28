"""What TPE goes through of a long sweep."""

import warnings

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from search_spaces.space import Space
from sweeps.search.recall import Recall, RecalledStudy
from sweeps.search.samplers import RecallingTPE

SPACE = {"x": FloatDistribution(0.0, 1.0)}


def trial(number, values=None, state=TrialState.COMPLETE):
    made = create_trial(state=state, values=values, params={"x": number % 7 / 7}, distributions=SPACE)
    made.number = number
    return made


def test_a_short_history_is_recalled_whole_but_for_failed_trials():
    recall = Recall(kept=8)
    told = [trial(0, [1.0, 2.0]), trial(1, state=TrialState.PRUNED), trial(2, state=TrialState.FAIL)]
    recall.tell(told)
    assert recall.trials() == told[:2]


def test_of_a_long_one_the_front_stays_and_the_rest_is_spread_evenly():
    recall = Recall(kept=16)
    for number in range(400):
        good = number in (7, 250)
        recall.tell([trial(number, [0.0 if good else 1.0 + number % 5, 0.0 if good else 1.0 + number % 3])])
    kept = [t.number for t in recall.trials()]
    assert len(kept) == 16 and {7, 250} <= set(kept) and kept == sorted(kept)
    assert min(kept) < 40 and max(kept) > 360


def test_of_a_front_that_finds_no_room_a_part_stays_that_spans_it():
    recall = Recall(kept=16)
    recall.tell([trial(number, [float(number), -float(number)]) for number in range(100)])
    best = [t.number for t in recall._best]
    assert best[0] == 0 and best[-1] == 99 and len(best) == 4


def test_a_sampler_sees_the_recalled_trials_by_state():
    study = optuna.create_study(directions=["minimize"] * 2)
    seen = RecalledStudy(study, [trial(0, [1.0, 2.0]), trial(1, state=TrialState.RUNNING)])
    assert [t.number for t in seen.get_trials(states=(TrialState.RUNNING,))] == [1]
    assert len(seen.get_trials()) == 2 and study.get_trials() == []
    assert seen.directions == study.directions


def test_a_proposal_is_asked_of_no_more_than_is_recalled():
    """What a proposal costs does not grow with the sweep: counted, not timed."""
    from benchmarks.suggestion_time import filled

    search = filled("tpe", 90)
    outlook = search.ledger._outlook
    short = Recall(kept=64)
    short.tell(outlook._recall._told)
    outlook._recall = short
    view = outlook.recalled(search.ledger.study)
    finished = view.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    assert len(finished) == 64 and len(view.get_trials(states=(TrialState.RUNNING,))) == 64
    assert search.ask(0.0) is not None


@pytest.mark.parametrize("options", [{}, {"multivariate": True, "group": True}, {"constant_liar": True}])
def test_trials_split_once_a_proposal_lead_to_the_values_of_optuna_s_own_tpe(options):
    """Bit for bit, with trials of all states, one of them at work."""
    from benchmarks.suggestion_time import filled

    search = filled("tpe", 40)
    study, space = search.ledger.study, Space.parse(search.spec.space)
    outlook = search.ledger._outlook
    drawn = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for sampler in (TPESampler(seed=3, **options), RecallingTPE(outlook, seed=3, **options)):
            study.sampler = sampler
            trial = study.ask()
            drawn.append(space.suggest(trial))
            study.tell(trial, state=TrialState.FAIL)
    assert drawn[0] == drawn[1]
