"""The choosing rules of a front."""

from __future__ import annotations

import json

import pytest
from front_cases import QUALITY, SIZE, complete, ended, lucky_front, small_sweep, spec

from dfkd_core.errors import ConfigError
from sweeps.fronts import choose
from sweeps.fronts.front import Front, build_front
from sweeps.record.trials import TrialState


@pytest.fixture
def front():
    return build_front(spec(), "id-1", small_sweep())


def one_line(error):
    return "\n" not in str(error.value)


def test_the_knee_is_taken_on_the_log_scale_and_says_so_in_words():
    records = [complete(0, 1.2, 1e4), complete(1, 2.0, 1e5), complete(2, 2.2, 1e6)]
    choice = choose.choose_knee(build_front(spec(), "x", records))
    assert choice.point.trial == 1 and "furthest above the line between the extremes" in choice.why
    assert choose.knee_of(build_front(spec(), "x", records)) == choice.point


def test_below_the_line_is_said_where_down_is_better():
    objectives = [{"metric": QUALITY, "goal": "minimize"}, {"metric": SIZE, "goal": "minimize", "scale": "log"}]
    records = [complete(0, 3.0, 1e4), complete(1, 1.2, 1e5), complete(2, 1.0, 1e6)]
    choice = choose.choose_knee(build_front(spec(objectives=objectives), "x", records))
    assert choice.point.trial == 1 and "furthest below the line" in choice.why


@pytest.mark.parametrize(
    ("points", "trial"),
    [
        ([(1.0, 1e4), (2.0, 1e5)], 1),  # the better of two, never the worst
        ([(1.0, 1e4), (1.5, 1e5), (2.0, 1e6)], 2),  # on the line
        ([(1.0, 1e4), (1.1, 1e5), (2.0, 1e6)], 2),  # the middle hangs under it
        ([(1.0, 1e4), (1.92, 8e6), (2.0, 1e7)], 1),  # good, and smaller than the best
    ],
)
def test_a_front_without_a_knee_says_so_and_gives_the_smallest_of_its_good_points(points, trial):
    front = build_front(spec(), "x", [complete(number, *point) for number, point in enumerate(points)])
    choice = choose.choose_knee(front)
    assert choose.knee_of(front) is None
    assert (choice.point.trial, front.knee().trial) == (trial, trial)
    assert choice.why.startswith("No knee: ") and "within a tenth of the front's range of val/pesq_wb" in choice.why


def test_of_a_single_objective_the_best_is_given():
    size_only = [spec().objectives[1].model_dump()]
    front = build_front(spec(objectives=size_only, reference_point={SIZE: 4e6}), "x", small_sweep())
    assert choose.choose_knee(front).point.trial == 1


def test_the_only_point_of_a_front_is_its_knee():
    choice = choose.choose_knee(build_front(spec(), "x", [complete(3, 2.0, 1e5)]))
    assert (choice.point.trial, choice.why) == (3, "Trial 3 is the front's only point.")


@pytest.mark.parametrize(("metric", "trial"), [(QUALITY, 4), (SIZE, 1), ("val/stoi", 4), ("model/macs_per_s", 1)])
def test_best_follows_the_goal_of_the_metric(front, metric, trial):
    assert front.best(metric).trial == trial


def test_bounds_narrow_the_field(front):
    assert front.best(QUALITY, max={SIZE: 500_000}).trial == 0
    assert front.best(SIZE, min={QUALITY: 1.8}).trial == 0
    why = choose.choose_best(front, QUALITY, at_most={SIZE: 5e5}).why
    assert why == "Trial 0 has the best val/pesq_wb (2) on the front with model/params <= 500000."


def test_gain_is_best_nearest_to_zero():
    records = [complete(0, 1.0, 1e4), complete(1, 2.0, 1e5)]
    for record, gain in zip(records, (-3.0, 0.5), strict=True):
        record.metrics["val/gain_db"] = gain
    assert build_front(spec(), "x", records).best("val/gain_db").trial == 1


def test_when_nothing_fits_the_nearest_point_is_named(front):
    with pytest.raises(
        ConfigError, match=r"none with model/params <= 1000; the nearest is trial 1 with model/params 20000"
    ) as error:
        front.best(QUALITY, max={SIZE: 1000})
    assert one_line(error)


def test_a_metric_that_was_not_measured_is_refused_with_those_that_were(front):
    with pytest.raises(ConfigError, match=r"'val/pesq'; measured are .*val/pesq_wb") as error:
        front.best("val/pesq")
    assert one_line(error)


def test_a_metric_without_a_better_end_can_only_bound():
    records = [complete(0, 2.0, 1e5)]
    records[0].metrics["distillation/split_hz_p50"] = 700.0
    front = build_front(spec(), "x", records)
    with pytest.raises(ConfigError, match="--max or --min"):
        front.best("distillation/split_hz_p50")
    assert front.best(QUALITY, max={"distillation/split_hz_p50": 800}).trial == 0


def test_one_per_decade_takes_the_best_of_each_size_class(front):
    choices = choose.choose_per_decade(front)
    assert [choice.point.trial for choice in choices] == [1, 0, 4]
    assert "from 1e5 to 1e6" in choices[1].why


def test_decades_need_a_minimised_log_objective():
    linear = [{"metric": QUALITY, "goal": "maximize"}, {"metric": SIZE, "goal": "minimize"}]
    with pytest.raises(ConfigError, match="scale log"):
        choose.choose_per_decade(build_front(spec(objectives=linear), "x", small_sweep()))
    with pytest.raises(ConfigError, match=f"^{SIZE}: must be above 0 to lie in a decade, but is 0 in trial"):
        choose.choose_per_decade(build_front(spec(), "x", [complete(0, 2.0, 0)]))


def test_a_named_trial_beside_the_front_is_taken_when_it_is_complete(front):
    assert choose.choose_trial(front, 4).point.trial == 4
    beside = choose.choose_trial(front, 8)
    assert beside.point.values[QUALITY] == 1.9
    assert beside.why == "Trial 8 was named; it is not on the front: trial 0 beats it in the objectives."


@pytest.mark.parametrize(("trial", "state"), [(3, r" \(FAILED\)"), (6, r" \(PRUNED\)"), (99, "")])
def test_a_trial_without_a_point_cannot_be_chosen(front, trial, state):
    with pytest.raises(ConfigError, match=f"a complete trial, but got {trial}{state}; on the front: 1, 5, 0, 4"):
        choose.choose_trial(front, trial)


def slower(number, quality, size, macs, look_ahead_ms=10.0):
    record = complete(number, quality, size)
    record.metrics.update({"model/macs_per_s": macs, "model/look_ahead_ms": look_ahead_ms})
    return record


@pytest.fixture
def wide():
    """A front of three heavy models, beside it lighter ones that it beats in both objectives."""
    heavy = [slower(0, 1.5, 2e4, 5e8), slower(1, 2.0, 5e4, 9e8), slower(2, 2.4, 2e6, 3e9)]
    return build_front(
        spec(), "x", [*heavy, slower(3, 1.9, 6e4, 2e8), slower(4, 1.8, 5.5e4, 1e8), slower(5, 1.95, 6e4, 2e8, 40.0)]
    )


def test_a_bound_on_what_is_no_objective_is_a_question_to_all_complete_trials(wide):
    limits = {SIZE: 6e4, "model/macs_per_s": 3e8, "model/look_ahead_ms": 10}
    choice = choose.choose_best(wide, QUALITY, at_most=limits)
    assert (choice.point.trial, [point.trial for point in wide.points]) == (3, [0, 1, 2])
    assert choice.why == (
        "Trial 3 has the best val/pesq_wb (1.9) of all 6 complete trials with model/params <= 60000 and "
        "model/macs_per_s <= 3e+08 and model/look_ahead_ms <= 10; "
        "it is not on the front: trial 1 beats it in the objectives."
    )
    assert wide.best(QUALITY, max=limits).trial == 3


def test_a_winner_among_all_trials_may_be_on_the_front(wide):
    choice = choose.choose_best(wide, QUALITY, at_most={"model/macs_per_s": 1e9})
    assert choice.point.trial == 1 and "not on the front" not in choice.why


def test_bounds_on_objectives_alone_are_answered_by_the_front(wide):
    assert choose.choose_best(wide, QUALITY, at_most={SIZE: 6e4}).why.endswith(
        "on the front with model/params <= 60000."
    )


def test_when_no_complete_trial_fits_the_nearest_is_named(wide):
    with pytest.raises(
        ConfigError, match=r"there is no complete trial with model/macs_per_s <= 1000; the nearest is trial 4"
    ):
        wide.best(QUALITY, max={"model/macs_per_s": 1e3})


def test_a_trial_that_lacks_a_bounded_metric_is_no_answer(wide):
    del wide.records()[3].metrics["model/look_ahead_ms"]
    assert wide.best(QUALITY, max={"model/macs_per_s": 3e8, "model/look_ahead_ms": 50}).trial == 5
    with pytest.raises(ConfigError, match=r"a complete trial, but got 'model/rtf'; measured are .*model/look_ahead_ms"):
        wide.best(QUALITY, max={"model/rtf": 1})


def test_a_front_read_without_its_sweep_says_so(wide):
    alone = Front.parse(json.loads(wide.to_json()), "front.json")
    assert alone == wide and alone.best(QUALITY).trial == 2
    with pytest.raises(ConfigError, match="must know its sweep"):
        alone.best(QUALITY, max={"model/macs_per_s": 3e8})


def test_all_trials_of_a_confirmed_front_are_judged_by_means_where_there_are_any(lucky):
    confirmed = lucky.model_copy(update={"confirmed": True})
    assert confirmed.best(QUALITY, max={"model/macs_per_s": 1e9}).trial == 1


def test_an_empty_front_says_what_is_there():
    front = build_front(spec(), "x", [ended(0, TrialState.FAILED, "boom")])
    with pytest.raises(ConfigError, match="but has 1 FAILED; resume the sweep"):
        front.knee()


@pytest.fixture
def lucky():
    return lucky_front()[0]


def test_a_confirmed_front_is_judged_by_the_means_of_its_fresh_seeds(lucky):
    confirmed = lucky.model_copy(update={"confirmed": True})
    choice = choose.choose_best(confirmed, QUALITY)
    assert (lucky.best(QUALITY).trial, choice.point.trial) == (2, 1)
    assert choice.point.values[QUALITY] == 1.9 and "(1.9)" in choice.why and choice.why.endswith("its fresh seeds.")
    assert [c.point.trial for c in choose.choose_per_decade(lucky)] == [0, 2]
    assert [c.point.trial for c in choose.choose_per_decade(confirmed)] == [0, 1]
    assert choose.knee_of(lucky) is not None and choose.knee_of(confirmed) is None
    assert choose.choose_knee(confirmed).why.endswith("from its best, by the means of its fresh seeds.")


def test_bounds_of_a_confirmed_front_are_on_its_means(lucky):
    confirmed = lucky.model_copy(update={"confirmed": True})
    assert lucky.best(SIZE, min={QUALITY: 2.0}).trial == 2
    with pytest.raises(ConfigError, match=r"nearest is trial 1 with val/pesq_wb 1\.9"):
        confirmed.best(SIZE, min={QUALITY: 2.0})
