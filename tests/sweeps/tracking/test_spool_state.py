"""What is delivered is known after any crash."""

from sweeps.tracking.spool import SPOOL
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
