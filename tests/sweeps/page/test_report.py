"""The three files of a front."""

from __future__ import annotations

import csv
import json
import re
from importlib.resources import files

import pytest
from front_cases import QUALITY, SIZE, complete, random_sweep, small_sweep, spec

from sweeps.fronts.front import build_front, load_front
from sweeps.fronts.reference_models import ReferenceModel, noisy_input
from sweeps.page import embedded_json
from sweeps.page.report import write_front
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.tracking.addresses import RunAddresses

HOSTILE = "</script><script>alert(1)</script>\u2028&<img src=x onerror=alert(1)>"


def written(folder, records, **more):
    sweep = more.pop("spec", spec())
    front = build_front(sweep, "id-1", records).model_copy(update={"references": more.pop("references", ())})
    write_front(folder, front, records, sweep, **more)
    return front, (folder / "front" / "front.html").read_text()


def embedded(page):
    return json.loads(re.search(r'id="sweep">(.*?)</script>', page, re.DOTALL)[1])


def test_all_three_files_are_written_and_nothing_else_is_left(tmp_path):
    front, _ = written(tmp_path, small_sweep())
    assert sorted(p.name for p in (tmp_path / "front").iterdir()) == ["front.csv", "front.html", "front.json"]
    assert load_front(tmp_path) == front


def test_the_table_has_every_trial_in_one_row_each(tmp_path):
    written(tmp_path, small_sweep(), addresses=RunAddresses(run_ids={4: "abc"}))
    rows = list(csv.DictReader((tmp_path / "front" / "front.csv").open()))
    assert [int(row["trial"]) for row in rows] == list(range(9))
    assert (rows[4]["rank"], rows[4]["run_id"], float(rows[4][QUALITY])) == ("0", "abc", 2.4)
    assert (rows[3]["state"], rows[3]["reason"], rows[3]["rank"]) == ("FAILED", "RuntimeError: <loss> is nan", "")


def test_the_page_asks_nothing_of_any_network(tmp_path):
    _, page = written(tmp_path, small_sweep())
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page)
    assert "default-src 'none'" in page


def test_hostile_names_and_reasons_cannot_leave_their_place(tmp_path):
    odd = TrialRecord(9, TrialState.FAILED, {HOSTILE: HOSTILE}, {}, reason=HOSTILE)
    _, page = written(tmp_path, [*small_sweep(), odd])
    assert page.count("</script>") == 2 and "<img" not in page and "\u2028" not in page
    assert embedded(page)["trials"]["reason"]["9"] == HOSTILE


@pytest.mark.parametrize("value", [HOSTILE, {"<": [">", "&"]}])
def test_embedded_json_reads_back_as_it_was(value):
    assert json.loads(embedded_json(value)) == value


def test_the_page_holds_no_placeholder_and_every_script(tmp_path):
    _, page = written(tmp_path, small_sweep())
    assert "<!--" not in page
    modules = {path.name for path in files("sweeps.page").iterdir() if path.name.endswith(".js")}
    assert {name for name in modules if f"// {name}\n" not in page} == {"compare.js", "verdicts.js"}


def test_the_page_knows_choices_history_and_the_addresses_of_runs(tmp_path):
    server = RunAddresses("http://me:secret@host:5000", "3", {0: "r0"})
    content = embedded(written(tmp_path, small_sweep(), addresses=server)[1])
    run = content["trials"]["run"]
    assert {trial: run["at"] + rest for trial, rest in run["of"].items()} == {
        "0": "http://host:5000/#/experiments/3/runs/r0"
    }
    assert [rule["label"] for rule in content["choices"]] == [
        "Knee",
        f"Best {QUALITY}",
        f"Best {SIZE}",
        "One per decade",
    ]
    assert len(content["history"]) == 9 and content["history"][-1] == pytest.approx(content["hypervolume"], rel=1e-5)


def test_a_front_without_a_knee_has_none_on_its_page(tmp_path):
    flat = [complete(0, 1.0, 1e4), complete(1, 1.1, 1e5), complete(2, 2.0, 1e6)]
    first = embedded(written(tmp_path, flat)[1])["choices"][0]
    assert first["label"] == "Small and good" and first["points"][0]["trial"] == 2
    assert first["points"][0]["why"].startswith("No knee: ")


def test_models_from_elsewhere_are_on_the_page(tmp_path):
    others = (ReferenceModel("GTCRN", {QUALITY: 2.04, SIZE: 48_000}),)
    content = embedded(written(tmp_path, small_sweep(), references=others)[1])
    assert content["references"] == [{"name": "GTCRN", "values": {QUALITY: 2.04, SIZE: 48_000}}]
    assert load_front(tmp_path).references == others


def test_models_from_elsewhere_are_no_points_and_move_no_hypervolume(tmp_path):
    better_than_all = (ReferenceModel("other", {QUALITY: 4.5, SIZE: 1}),)
    alone, _ = written(tmp_path / "a", small_sweep())
    beside, _ = written(tmp_path / "b", small_sweep(), references=better_than_all)
    assert (beside.points, beside.hypervolume) == (alone.points, alone.hypervolume)


def test_the_noisy_input_is_told_by_the_first_model_folder_that_knows(tmp_path):
    (tmp_path / "0002").mkdir()
    (tmp_path / "0002" / "metrics.json").write_text(
        '{"noisy": {"pesq_wb": 1.5, "stoi": null, "probe/far/pesq_wb": 1.25}}'
    )
    found = noisy_input([tmp_path / "0001", tmp_path / "0002"])
    assert found == [ReferenceModel("noisy input", {QUALITY: 1.5, "probe/far/pesq_wb": 1.25})]
    assert noisy_input([tmp_path / "0001"]) == []


def test_a_sweep_without_complete_trials_has_a_page_too(tmp_path):
    content = embedded(written(tmp_path, [TrialRecord(0, TrialState.RUNNING)])[1])
    assert content["choices"] == [] and content["counts"]["RUNNING"] == 1


def test_values_that_are_not_finite_are_absent_on_the_page(tmp_path):
    record = complete(0, 2.0, 100)
    odd = TrialRecord(1, TrialState.COMPLETE, record.params, {**record.metrics, "val/stoi": float("inf")}, 6, 1.0)
    assert embedded(written(tmp_path, [odd])[1])["trials"]["metrics"]["val/stoi"] == [None]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    written(tmp_path, small_sweep())
    before = (tmp_path / "front" / "front.json").read_text()
    monkeypatch.setattr(
        "dfkd_core.base.atomic_files.publish", lambda *_: (_ for _ in ()).throw(OSError(28, "disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        written(tmp_path, [complete(0, 3.0, 10)])
    assert (tmp_path / "front" / "front.json").read_text() == before


def test_ten_thousand_trials_are_written_small(tmp_path):
    _, page = written(tmp_path, random_sweep(10_000))
    assert len(page) < 15e6
