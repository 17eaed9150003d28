"""The table of trained configurations: made in grids, read as a problem, refused when it is of another version."""

import json
import re
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from benchmarks.search.__main__ import main
from benchmarks.search.make_table import STARTS, grid
from benchmarks.search.noise import noise_of
from benchmarks.search.table import Table, key_of, read_table
from dfkd_core.errors import ConfigError

BLOCK = 30


def row(values, score):
    curve = [score - 0.2, score - 0.1, score]
    return {
        "version": 1,
        "values": values,
        "params": round(1e6 * values["student.width"] ** 2),
        "cpu_s": [10.0, 12.0, 14.0],
        "scores": {"val/pesq_wb": curve},
    }


def made_up():
    return [row(values, 1.4 + values["student.width"] + 0.001 * n) for n, values in enumerate(islice(grid(), BLOCK))]


def test_no_row_is_trained_twice_and_both_starts_are_there():
    keys = Counter(key_of(values) for values in grid())
    assert max(keys.values()) == 1
    assert Counter(values["training.start_from"] for values in grid()) == {STARTS[0]: 140, None: 80}


def test_every_block_is_a_grid_of_its_own():
    rows = list(grid())
    for block in (rows[start : start + BLOCK] for start in range(0, 180, BLOCK)):
        assert len({values["training.start_from"] for values in block}) == 1
        for key in ("student.width", "distillation.temperature", "distillation.weight"):
            counts = Counter(values[key] for values in block)
            assert len(set(counts.values())) == 1, key


def test_a_grid_is_a_problem_whose_proposals_are_rows():
    table = Table.of("sliced", made_up(), is_sliced=True)
    assert set(table.space) == {"student.width", "distillation.temperature", "distillation.weight"}
    point = {"student.width": 0.25, "distillation.temperature": 4, "distillation.weight": 10}
    assert table.final(point) == table.curve(point, np.random.default_rng(0))[-1]
    assert table.size(point) == 62500
    assert table.epoch_s(point) == 12.0
    assert len(table.ideal()) == 5, "the last of each width is its best"


def test_a_row_of_another_version_is_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    rows = made_up()
    path.write_text("\n".join(map(json.dumps, [*rows[:2], {**rows[2], "version": 0}])))
    with pytest.raises(ConfigError, match=r"line 3 must be of version 1, but is of 0.*make the table again"):
        read_table(path)
    path.write_text('{"values": ')
    with pytest.raises(ConfigError, match="line 1 must be a row"):
        read_table(path)


def test_the_command_refuses_such_a_table_and_unknown_names_in_one_line(tmp_path, monkeypatch, capsys):
    path = tmp_path / "table.jsonl"
    path.write_text(json.dumps({**made_up()[0], "version": 0}))
    for table, arguments, words in (
        (path, [], "line 1 must be of version 1, but is of 0"),
        (tmp_path / "none", ["--searches", "tpe,nosuch"], "--searches must be among .* but got 'nosuch'"),
        (tmp_path / "none", ["--problems", "table-sliced"], "--problems must be among .* but got 'table-sliced'"),
    ):
        monkeypatch.setattr("benchmarks.search.compare.TABLE", table)
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert re.search(words, capsys.readouterr().err.splitlines()[-1])


def test_a_part_of_a_table_is_a_problem_as_soon_as_its_first_block_is_whole():
    rows = [row(values, 1.5) for values in islice(grid(), 0, 60) if values["training.start_from"]]
    assert len(Table.of("sliced", [*made_up(), *rows[:7]], is_sliced=True).whole().rows) == 30
    assert Table.of("sliced", made_up(), is_sliced=True).whole().ideal_seconds().tolist() == [36.0] * 5


def test_settings_are_told_from_seeds_where_they_differ_by_more():
    """A hundredth between seeds; settings that differ by a tenth are told, settings that do not differ are not."""
    draw = np.random.default_rng(0)
    for spread, is_told in ((0.1, True), (0.0, False)):
        worth = {temperature: spread * draw.standard_normal() for temperature in (0.5, 1, 4)}
        rows = [
            row({**values, "seed": seed}, 1.5 + worth[values["distillation.temperature"]] + 0.01 * draw.normal())
            for values in islice(grid(), BLOCK)
            for seed in (0, 1, 2)
        ]
        found = noise_of(rows, is_sliced=True)
        assert found.seeds_df == 60 and found.settings_df == 25
        assert 0.007 < found.seeds_sd < 0.013
        assert (found.p < 0.001 and found.told_share > 0.9) is is_told
        assert found.taus == pytest.approx([1.0, 1.0])
