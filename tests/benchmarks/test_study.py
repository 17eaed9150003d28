"""The study's tables are those of its committed rows, and its statistics those of scipy."""

import json
import math

import pytest
from filelock import FileLock
from scipy import stats

from benchmarks.search.table import read_table
from benchmarks.study import __main__ as study
from benchmarks.study.arms import SEEDS, TUNING_SEEDS, at_the_end, plan, tuning
from benchmarks.study.questions import questions
from benchmarks.study.rows import TEST_ROWS, read_rows, run_folder, train_row
from benchmarks.study.settings import costs
from benchmarks.study.tables import holm, paired, tuned_weights, with_tables
from dfkd_core.errors import ConfigError


def test_the_document_shows_the_committed_rows_and_every_row_is_of_the_plan():
    rows = read_rows()
    tuned = tuned_weights(rows, tuning(), TUNING_SEEDS)
    text, test_rows = study.DOC.read_text(), read_rows(TEST_ROWS)
    assert with_tables(text, rows, test_rows, tuned, SEEDS, costs(read_table())) == text
    assert test_rows.keys() <= {arm.key(seed) for arm in at_the_end(tuned) for seed in SEEDS}
    assert rows.keys() <= {arm.key(seed) for _, arm, seed in plan(tuned)}


def test_no_test_split_is_opened_while_a_run_of_the_plan_is_missing(monkeypatch):
    monkeypatch.setattr(study, "read_rows", lambda path=None: {})
    with pytest.raises(SystemExit, match="runs of the plan are missing"):
        study.score_test_split(math.inf)


def test_what_is_asked_of_the_test_split_is_of_arms_that_are_scored_on_it():
    tuned = tuned_weights(read_rows(), tuning(), TUNING_SEEDS)
    asked = {arm.key(0) for _, a, b in questions(tuned)["test"] for arm in (a, b)}
    assert asked <= {arm.key(0) for arm in at_the_end(tuned)}


def test_differences_are_taken_seed_by_seed():
    a, b = {0: 1.5, 1: 1.7, 2: 1.6, 3: 9.0}, {0: 1.4, 1: 1.55, 2: 1.58, 4: 9.0}
    mean, low, high, p = paired(a, b)
    expected = stats.ttest_rel([1.5, 1.7, 1.6], [1.4, 1.55, 1.58])
    assert mean == pytest.approx(0.09) and p == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval()))
    assert paired({0: 1.0, 1: 1.1}, b) is None, "two pairs say nothing"


def test_many_questions_are_corrected_together():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_a_method_s_weight_is_known_once_all_of_its_weights_are_trained():
    arms = [arm for arm in tuning() if arm.method == "dfkd"]
    rows = {
        arm.key(seed): {"epochs": [{"val/pesq_wb": 1.5, "probe/bench/pesq_wb": 1.5 + (arm.weight == 3) / 10}]}
        for arm in arms
        for seed in TUNING_SEEDS
    }
    assert tuned_weights(rows, arms, TUNING_SEEDS) == {"dfkd": 3.0}
    rows.pop(arms[0].key(TUNING_SEEDS[0]))
    assert tuned_weights(rows, arms, TUNING_SEEDS) == {}


def test_what_is_trained_on_the_third_corpus_asks_for_it(monkeypatch):
    monkeypatch.delenv("DFKD_BENCH", raising=False)
    (arm,) = {arm.label: arm for part, arm, _ in plan({}) if part == "reverse" and arm.start == "random"}.values()
    with pytest.raises(ConfigError, match="DFKD_BENCH must name the corpus"):
        train_row("reverse", arm, 0)


def test_every_question_of_a_part_has_a_name_of_its_own():
    for part, asked in questions(tuned_weights(read_rows(), tuning(), TUNING_SEEDS)).items():
        assert len({name for name, _, _ in asked}) == len(asked), part


def test_every_arm_of_a_part_has_a_line_of_its_own():
    keys = {(part, arm.label): arm.key(0) for part, arm, _ in plan({"dfkd": 1.0, "dispatch": 3.0})}
    assert len(set(keys.values())) == len({arm.key(0) for _, arm, _ in plan({"dfkd": 1.0, "dispatch": 3.0})})


def test_a_setting_s_cost_is_that_of_pairs_which_differ_by_it_alone_and_every_width_counts_once():
    def row(width, weight, temperature, score):
        settings = {"distillation.weight": weight, "distillation.temperature": temperature}
        cutoffs = {"distillation.min_cutoff_hz": 250, "distillation.max_cutoff_hz": 4000}
        values = {"student.width": width, **settings, **cutoffs, "training.start_from": "own-dccrn", "seed": 0}
        return {"values": values, "scores": {"val/pesq_wb": [0.0, score], "probe/abroad/pesq_wb": [0.0, 1.0]}}

    rows = [row(0.25, 1, 1, 1.5), row(0.25, 10, 1, 1.4), row(0.25, 1, 4, 1.6), row(0.25, 10, 4, 1.3)]
    rows += [row(0.5, 1, 1, 2.0), row(0.5, 10, 1, 2.1), row(0.5, 10, 4, 9.0)]
    weight = next(cost for cost in costs(rows) if cost.name == "weight 1 to 10" and cost.judge == "home")
    assert weight.num_pairs == 3 and weight.mean == pytest.approx((-0.2 + 0.1) / 2)
    assert (weight.low + weight.high) / 2 == pytest.approx(weight.mean) and weight.low < -1
    assert costs(rows[:4]) == [], "one width says nothing"


def test_two_processes_share_the_plan_and_nothing_is_trained_twice(monkeypatch, tmp_path):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path))
    entries = [(arm, seed) for part, arm, seed in plan({}) if part == "conv_tasnet"]
    (there, n), (another_s, m), *free = entries

    def trained(_, arm, seed):
        return {"key": arm.key(seed), "epochs": [{"val/pesq_wb": 1.5, "cpu_s": 1.0}]}

    monkeypatch.setattr(study, "train_row", trained)
    path = tmp_path / "rows.jsonl"
    study.append_row(trained("conv_tasnet", there, n), path)
    with FileLock(run_folder(another_s, m).with_suffix(".lock")):
        study.run(math.inf, ["conv_tasnet"], path)
    keys = [json.loads(line)["key"] for line in path.read_text().splitlines()]
    assert sorted(keys) == sorted(arm.key(seed) for arm, seed in [(there, n), *free])
