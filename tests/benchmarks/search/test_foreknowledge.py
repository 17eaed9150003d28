"""A search that is told how settings do on average."""

import numpy as np

from benchmarks.search.compare import problem_of
from benchmarks.search.foreknowledge import informed
from benchmarks.search.indicators import measured


def test_who_knows_more_is_sooner_and_all_rows_are_trained():
    table = problem_of("table-random")
    minutes = []
    for keys in (["student.width"], list(table.space)):
        traces = [informed(table, keys, 4, seed) for seed in range(3)]
        assert all(len(trace.times) == len(table.rows) for trace in traces)
        minutes.append(np.median([measured(trace, table, 1e9)["time_to"]["0.99"] for trace in traces]) / 60)
    assert minutes[1] < 2 < 6 < minutes[0]
