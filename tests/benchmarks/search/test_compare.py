"""Searches on a simulated clock: what is measured of them, and that the engine's own has not got worse."""

import json
import math
import sys

import numpy as np
import pytest

from benchmarks.search import compare
from benchmarks.search.baselines import RankHalving
from benchmarks.search.families import FAMILIES
from benchmarks.search.indicators import Summary, measured, speed_ups
from benchmarks.search.oracle import oracle
from benchmarks.search.outside import PeerSearch
from benchmarks.search.problem import ideal_volume, reference_cost
from benchmarks.search.searches import OWN, SEARCHES, missing
from benchmarks.search.simulator import Trace, simulate

PLANE = FAMILIES["plane"]
UNTIL_S = 25 * PLANE.num_epochs * 14.0 / 4  # 25 full trials on four workers


def test_the_own_search_reaches_the_front_as_it_did():
    """In the time of some 25 full trials, the median of three seeds misses less than 4 % of the ideal volume."""
    regrets = []
    for seed in range(3):
        trace = simulate(PLANE, SEARCHES[OWN](PLANE, seed), 4, UNTIL_S, seed)
        regrets.append(measured(trace, PLANE, UNTIL_S)["regret"][-1])
    assert np.median(regrets) < 0.04


def test_the_oracle_reaches_everything_and_nothing_is_sooner():
    best = oracle(PLANE, 4)
    assert best.volumes(reference_cost(PLANE))[-1] == pytest.approx(ideal_volume(PLANE))
    found = measured(best, PLANE, UNTIL_S)
    assert found["regret"][-1] == 0.0 and found["epsilon"] == pytest.approx(0.0, abs=1e-9)
    assert found["time_to"]["0.95"] <= found["time_to"]["0.99"] < UNTIL_S


def test_a_front_that_shows_stopped_trials_is_judged_by_what_they_reach_at_full_length():
    """The second trial looked better when it was stopped than the first at its end, and is not."""
    trace = Trace()
    trace.note(1.0, (-2.0, 1.0), shown=(-2.0, 1.0))
    trace.note(2.0, (-1.0, 1.0), shown=(-2.5, 1.0))
    assert trace.volumes((0.0, 2.0)).tolist() == [2.0, 1.0]
    assert trace.front().tolist() == [[-1.0, 1.0]]


def test_a_share_that_is_lost_again_is_not_reached():
    trace = Trace()
    ideal = PLANE.ideal()
    for time, cost in enumerate(ideal):
        trace.note(float(time), tuple(cost), shown=tuple(cost))
    trace.note(50.0, (0.0, 0.0), shown=(-99.0, -99.0))
    assert measured(trace, PLANE, 100.0)["time_to"] == {"0.95": None, "0.99": None}


def test_a_median_of_times_that_were_never_reached_is_infinite():
    found = Summary.of([1.0, 2.0, math.inf, math.inf, math.inf])
    assert found.median == math.inf and found.quartiles == (2.0, math.inf)
    assert Summary.of([1.0, 2.0, 3.0]).median == 2.0


def test_times_are_compared_seed_by_seed_and_corrected_together():
    own = [float(n) for n in range(10, 20)]
    found = speed_ups({"own": own, "slow": [3 * t for t in own], "level": own, "never": [math.inf] * 10}, "own")
    assert found["slow"]["times_sooner"]["median"] == pytest.approx(3.0)
    assert found["never"]["times_sooner"]["median"] == math.inf
    assert found["level"]["p"] == 1.0 and found["slow"]["p"] == pytest.approx(3 * 2 / 2**10)


def test_ranks_of_three_in_four_stop_at_the_first_rung():
    rule = RankHalving(num_epochs=9)
    costs = [(-1.0, 1.0), (-0.9, 1.1), (-0.8, 1.2), (-0.7, 1.3)]
    assert [rule.should_stop(n, 1, cost) for n, cost in enumerate(costs)] == [False, True, True, True]
    assert not rule.should_stop(9, 2, (0.0, 9.0)), "between rungs nobody stops"


def test_rows_are_kept_and_only_what_is_missing_is_simulated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare, "row_of", lambda task: pytest.fail("simulated again"))
    wanted = list(compare.tasks(["plane"], ["random"], [4], 2, 1, 5))
    path = tmp_path / "rows.jsonl"
    rows = [{**compare.key_of(task), "regret": [0.5], "seed": task.seed} for task in wanted]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows) + '{"torn')
    assert compare.run(wanted, path, 1) == rows
    assert "2 rows are there, 0 to simulate" in capsys.readouterr().out


def test_a_slow_search_gets_few_seeds_of_one_problem():
    found = list(compare.tasks(["plane", "solid"], ["gp", "random"], [4], 5, 2, 5))
    slow = [task for task in found if task.search == "gp"]
    assert {task.problem for task in slow} == {"plane"} and len(slow) == 2
    assert len(found) == 2 + 10


ADAPTER = """
import json, sys
for line in sys.stdin:
    call = json.loads(line)
    asked = {"key": 3, "values": {"student.width": 0.25, "distillation.weight": 1.0}, "start": 0, "end": 1}
    print(json.dumps({"begin": None, "ask": asked, "report": False}[call["do"]]), flush=True)
"""


def test_a_peer_is_asked_over_its_pipes_and_passed_over_without_its_environment(tmp_path, monkeypatch):
    (tmp_path / "syne_moasha.py").write_text(ADAPTER)
    monkeypatch.setattr("benchmarks.search.outside.PEERS", tmp_path)
    monkeypatch.delenv("BENCH_SYNE_TUNE", raising=False)
    assert "BENCH_SYNE_TUNE names no Python" in missing("syne-moasha") and missing("random") is None
    monkeypatch.setenv("BENCH_SYNE_TUNE", sys.executable)
    search = PeerSearch(PLANE, 0, "syne_moasha")
    job = search.ask(0.0)
    assert (job.key, job.end, dict(job.point)["student.width"]) == (3, 1, 0.25)
    assert search.report(3, 1, (-0.5, 12.0), 0.0) is False
