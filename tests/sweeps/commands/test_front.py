"""The front as built from a record, and as kept in front.json."""

from __future__ import annotations

import json
import math
import time

import pytest
from front_cases import QUALITY, SIZE, complete, confirmed, ended, random_sweep, small_sweep, spec

from dfkd_core.errors import ConfigError
from sweeps.fronts.front import TRUST, Front, build_front, has_point, load_front, trial_ranks
from sweeps.record.trials import TrialRecord, TrialState


@pytest.fixture
def front():
    return build_front(spec(), "id-1", small_sweep(), {0: "run0"})


def test_points_are_sorted_by_the_first_minimised_objective_and_equal_vectors_are_all_kept(front):
    assert [point.trial for point in front.points] == [1, 5, 0, 4]


def test_a_pruned_trial_that_looks_best_is_not_on_the_front(front):
    assert 6 not in [point.trial for point in front.points]


def test_the_hypervolume_is_taken_on_the_log_scale_up_to_the_reference(front):
    strips = [(0.5, 20_000), (0.5, 200_000), (0.4, 2_000_000)]
    assert front.hypervolume == pytest.approx(sum(height * math.log(4e6 / size) for height, size in strips))


def test_points_beyond_the_reference_are_kept_and_add_no_volume(front):
    beyond = [*small_sweep(), complete(9, 0.9, 1000)]
    assert build_front(spec(), "x", beyond).hypervolume == pytest.approx(front.hypervolume)
    assert build_front(spec(), "x", beyond).points[0].trial == 9


def test_every_final_state_is_counted_and_passing_states_only_while_there_are_any(front):
    assert front.trials == {"COMPLETE": 6, "PRUNED": 1, "FAILED": 1, "INFEASIBLE": 1}
    running = [*small_sweep(), TrialRecord(9, TrialState.RUNNING)]
    assert build_front(spec(), "x", running).trials["RUNNING"] == 1


def test_front_json_has_the_promised_keys(front):
    content = json.loads(front.to_json())
    promised = "schema_version name sweep_id objectives reference_point hypervolume confirmed trials points"
    assert list(content) == promised.split()
    assert content["objectives"][1] == {"metric": SIZE, "goal": "minimize", "scale": "log"}
    first = content["points"][0]
    assert first["values"] == {QUALITY: 1.5, SIZE: 20_000}
    assert (first["run_id"], first["config"], first["fidelity"]) == (None, "trials/0001/config.yaml", 1.0)
    assert content["points"][2]["run_id"] == "run0"
    assert set(first) == {"trial", "run_id", "params", "values", "metrics", "fidelity", "config"}


def test_front_json_of_a_front_that_was_trained_again_has_more_keys_and_the_same_ones(front):
    before, after = json.loads(front.to_json()), json.loads(confirmed(front).to_json())
    assert {key: after[key] for key in before if key != "points"} == {k: v for k, v in before.items() if k != "points"}
    assert set(after) - set(before) == {"confirmation"}
    first, last = after["points"][0], after["points"][-1]
    assert set(TRUST) <= set(first) and not set(TRUST) & set(last)
    assert {key: first[key] for key in before["points"][0]} == before["points"][0]


def test_a_front_survives_the_way_through_its_file(front, tmp_path):
    (tmp_path / "front").mkdir()
    (tmp_path / "front" / "front.json").write_text(front.to_json())
    assert load_front(tmp_path) == front


def test_values_that_are_not_finite_leave_the_json_valid():
    record = complete(0, 2.0, 100)
    odd = TrialRecord(1, TrialState.COMPLETE, {"a": math.nan}, {**record.metrics, "val/stoi": math.inf}, 6, 1.0)
    text = build_front(spec(), "x", [record, odd]).to_json()
    point = json.loads(text, parse_constant=pytest.fail)["points"][1]
    assert point["params"] == {"a": None} and "val/stoi" not in point["metrics"]


def test_a_trial_without_a_finite_objective_has_no_point():
    assert not has_point(complete(0, math.nan, 100), spec().objectives)
    assert not has_point(TrialRecord(0, TrialState.COMPLETE, metrics={SIZE: 3.0}), spec().objectives)


def test_ranks_cover_the_complete_trials_and_start_at_the_front(front):
    found = trial_ranks(small_sweep(), spec().objectives)
    assert {n for n, rank in found.items() if rank == 0} == {p.trial for p in front.points}
    assert found == {0: 0, 1: 0, 2: 2, 4: 0, 5: 0, 8: 1}


def test_a_sweep_without_complete_trials_has_an_empty_front():
    front = build_front(spec(), "x", [ended(0, TrialState.FAILED, "boom")])
    assert (front.points, front.hypervolume) == ((), 0.0)


@pytest.mark.parametrize("objectives", [1, 3])
def test_one_and_three_objectives_are_fronts_too(objectives):
    third = {"metric": "val/stoi", "goal": "maximize"}
    chosen = (
        [spec().objectives[1].model_dump()]
        if objectives == 1
        else [*(o.model_dump() for o in spec().objectives), third]
    )
    reference = {SIZE: 4.0e6} if objectives == 1 else {QUALITY: 1.0, SIZE: 4.0e6, "val/stoi": 0.5}
    front = build_front(spec(objectives=chosen, reference_point=reference), "x", small_sweep())
    assert front.points[0].trial == 1 and front.hypervolume > 0


def test_the_frame_has_a_row_per_point_and_a_column_per_value(front):
    frame = front.to_frame()
    assert frame["trial"].tolist() == [1, 5, 0, 4]
    assert {QUALITY, SIZE, "student.width", "val/stoi", "run_id"} <= set(frame.columns)


def test_a_missing_front_is_said_in_one_line(tmp_path):
    with pytest.raises(ConfigError, match="name a sweep folder") as error:
        load_front(tmp_path)
    assert "\n" not in str(error.value)


def test_a_damaged_front_is_said_in_one_line(tmp_path):
    (tmp_path / "front").mkdir()
    (tmp_path / "front" / "front.json").write_text('{"name": ')
    with pytest.raises(ConfigError, match=r"front\.json.*valid JSON"):
        load_front(tmp_path)


def test_ten_thousand_trials_make_a_front_in_well_under_a_second():
    records = random_sweep(10_000)
    started = time.process_time()  # other programs' work does not count
    assert isinstance(build_front(spec(), "x", records), Front)
    assert time.process_time() - started < 2.0
