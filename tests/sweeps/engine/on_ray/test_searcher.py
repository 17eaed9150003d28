"""Tune asks, the conductor answers."""

import json
from types import SimpleNamespace

from ray.tune.search import Searcher

from sweeps.engine.on_ray.searcher import LedgerSearcher


def conductor(*numbers, live=(), done=False):
    queue = [
        SimpleNamespace(number=number, config={"x": number}, start_hash=None, inputs=("", {})) for number in numbers
    ]
    return SimpleNamespace(
        is_done=done,
        live=dict.fromkeys(live),
        kept_out={"b": "lacks it", "a": "lacks it"},
        next=lambda: queue.pop(0) if queue else None,
    )


def test_a_trial_is_handed_out_with_its_number_and_config():
    found = LedgerSearcher(conductor(7)).suggest("tune's own id")
    assert found["number"] == 7
    assert json.loads(found["config"]) == {"x": 7}
    assert found["inputs"] == ("", {})
    assert found["kept_out"] == ["a", "b"]


def test_nothing_at_present_is_none_and_nothing_ever_is_finished():
    assert LedgerSearcher(conductor(live=[1])).suggest("a") is None
    assert LedgerSearcher(conductor(done=True)).suggest("a") == Searcher.FINISHED


def test_no_more_than_max_concurrent_are_handed_out():
    assert LedgerSearcher(conductor(3, live=[1, 2]), max_concurrent=2).suggest("a") is None
    assert LedgerSearcher(conductor(3, live=[1]), max_concurrent=2).suggest("a")["number"] == 3


def test_tunes_snapshots_hold_nothing(tmp_path):
    LedgerSearcher(conductor()).save(str(tmp_path / "state"))
    assert list(tmp_path.iterdir()) == []
