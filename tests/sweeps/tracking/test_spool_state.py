"""What is delivered is known after any crash."""

import json

import pytest

from sweeps.tracking.delivery import recorded_states, run_ids, tracker_ids, undelivered
from sweeps.tracking.run_updates import fold
from sweeps.tracking.spool import SPOOL, SpoolReader
from sweeps.tracking.spool_state import DeliveryState, Health, HealthReport


def test_the_state_comes_back_as_it_was_saved(tmp_path):
    (tmp_path / SPOOL).mkdir()
    state = DeliveryState(cursor=7, experiment_id="3", runs={"trial/0": "abc"}, unsure=["trial/1"])
    state.save(tmp_path)
    assert DeliveryState.load(tmp_path) == state
    assert [path.name for path in (tmp_path / SPOOL).iterdir()] == ["state.json"]


def test_a_missing_or_damaged_state_is_a_fresh_one(tmp_path):
    assert DeliveryState.load(tmp_path) == DeliveryState()
    (tmp_path / SPOOL).mkdir()
    (tmp_path / SPOOL / "state.json").write_text('{"cursor": 7, "ru')
    assert DeliveryState.load(tmp_path) == DeliveryState()


@pytest.mark.parametrize(
    "damage",
    [
        {"cursor": "7"},
        {"cursor": -1},
        {"cursor": 1e308},
        {"tracking_uri": 3},
        {"root": []},
        {"root": "a/b"},
        {"runs": {"trial/x": "r"}},
        {"runs": {"trial/0": True}},
        {"runs": ["trial/0"]},
        {"unsure": [1]},
        {"set_aside": {"sweep.yaml": ["sweep"]}},
        {"set_aside": {"sweep.yaml": ["a/b/c/d", ""]}},
    ],
)
def test_a_state_whose_fields_are_of_another_kind_is_a_fresh_one(tmp_path, damage):
    (tmp_path / SPOOL).mkdir()
    (tmp_path / SPOOL / "state.json").write_text(json.dumps({"cursor": 7, "runs": {"sweep": "r"}, **damage}))
    assert DeliveryState.load(tmp_path) == DeliveryState()
    assert (undelivered(tmp_path), run_ids(tmp_path), tracker_ids(tmp_path)) == (0, {}, (None, None, None))


def test_damaged_records_say_nothing_of_a_run_s_state(tmp_path):
    fields = [
        {"run": 7},
        {"run": "trial/x"},
        {},
        {"run": "trial/2", "state": [1]},
        {"run": "trial/3", "state": "FAILED"},
    ]
    lines = [
        {"n": n, "t": 1.0, "event": "trial_finished", "state": "COMPLETE", **one} for n, one in enumerate(fields, 1)
    ]
    (tmp_path / SPOOL).mkdir()
    (tmp_path / SPOOL / "records-000000000001.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert recorded_states(tmp_path) == {3: "FAILED"}
    assert len(fold(SpoolReader(tmp_path / SPOOL, 0).read(9)).malformed) == 5


def test_a_state_of_a_later_version_loads(tmp_path):
    (tmp_path / SPOOL).mkdir()
    (tmp_path / SPOOL / "state.json").write_text('{"cursor": 7, "invented_later": 1}')
    assert DeliveryState.load(tmp_path).cursor == 7


def test_trouble_keeps_its_beginning_until_a_call_succeeds(tmp_path):
    (tmp_path / SPOOL).mkdir()
    report = HealthReport(tmp_path)
    assert report.trouble("refused")
    since_s = Health.load(tmp_path).trouble_since_s
    assert not report.trouble("timed out")
    assert Health.load(tmp_path).trouble == "timed out"
    assert Health.load(tmp_path).trouble_since_s == since_s
    assert report.progress()
    assert Health.load(tmp_path).trouble is None
    assert Health.load(tmp_path).progress_s > 0
