"""front.json, tables, sounds and references that came from somebody else are data, and no more."""

from __future__ import annotations

import csv
import io
import json
import logging

import numpy as np
import pytest
from front_cases import QUALITY, SIZE, small_sweep, spec

from dfkd_core.errors import ConfigError
from sweeps.definition.objectives import Objective
from sweeps.distillation.sounds import INDEX, SOUNDS, read_sounds
from sweeps.fronts.export import config_name
from sweeps.fronts.front import FRONT_FILE, build_front, load_front
from sweeps.fronts.front_csv import front_csv, inert
from sweeps.fronts.listening import encoded
from sweeps.fronts.reference_models import REFERENCES, noisy_input, read_references
from sweeps.page.content import export_command
from sweeps.record.trials import TrialRecord, TrialState


@pytest.fixture
def edited(tmp_path):
    """A function that writes the small sweep's front.json after an edit, and reads it as anybody would."""

    def write(edit):
        content = json.loads(build_front(spec(), "id-1", small_sweep()).to_json())
        content = edit(content) or content
        file = tmp_path / FRONT_FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
        return load_front(tmp_path)

    return write


@pytest.mark.parametrize("name", ["../../planted", "x; touch planted #", "a[/b]c", "\x1b[2J", "A", "", "n" * 500])
def test_a_name_that_no_sweep_can_have_neither_leaves_a_folder_nor_runs(edited, name, caplog):
    front = edited(lambda content: content.update(name=name))
    assert front.name.startswith("foreign-") and set(front.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert "must be of a-z, 0-9 and -" in caplog.text
    assert "/" not in config_name(front, front.points[0])
    assert ";" not in export_command("runs/x", front.name)["after"]


def test_a_name_that_a_sweep_can_have_stays(edited, caplog):
    assert edited(lambda content: None).name == "first" and not caplog.text


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c["points"][0].update(config="../../../etc/passwd"), "points.0.config: .*'../../../etc/passwd'"),
        (lambda c: c["points"][1]["values"].pop(SIZE), "trial 5 must have a value of 'model/params'"),
        (lambda c: c["points"][1]["values"].update({SIZE: float("inf")}), "front.json: must be valid JSON"),
        (lambda c: [c], "valid dictionary"),
        (lambda c: c["points"][0].update(trial=-1), "points.0.trial"),
        (lambda c: c.update(objectives=[]), "objectives"),
    ],
)
def test_an_edited_front_is_answered_in_one_line(edited, edit, said):
    def change(content):
        changed = edit(content)
        return changed if isinstance(changed, list) else None

    with pytest.raises(ConfigError, match=said) as error:
        edited(change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-2+3", "@SUM(1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_defused(cell):
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", [-1.5, 0, True, None, "plain", "a=b", "'=1"])
def test_numbers_and_other_text_stay(cell):
    assert inert(cell) == cell


def test_a_table_of_trials_holds_nothing_that_runs():
    record = TrialRecord(0, TrialState.FAILED, {"=p": "@x"}, {"q": -1.0, "=m": 2.0}, reason="+cmd|' /C calc'!A0")
    rows = list(csv.reader(io.StringIO(front_csv([record], [Objective(metric="q", goal="maximize")], {}))))
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "@")]
    assert rows[1][3] == "-1.0"


def sound(folder, name, samples):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(encoded(samples, 16_000, "flac"))


@pytest.fixture
def heard(tmp_path):
    """A folder with one excerpt, and a function that reads it after the index was written anew."""
    place = tmp_path / "sweep" / SOUNDS
    for version in ("noisy", "clean", "t0001"):
        sound(place, f"valid-1-{version}.flac", np.zeros(800))

    def read(index):
        (place / INDEX).write_text(index if isinstance(index, str) else json.dumps(index))
        return read_sounds(tmp_path / "sweep", [1])

    return place, read


def test_a_damaged_sound_is_told_and_left_out(heard, caplog):
    place, read = heard
    (place / "valid-1-t0001.flac").write_bytes(b"fLaC no more")
    (excerpt,) = read([{"mixture": "valid-1", "title": "babble"}]).excerpts
    assert excerpt.students == {} and excerpt.clean is not None and "lacks a sound" in caplog.text
    (place / "valid-1-noisy.flac").write_bytes(b"")
    assert read([{"mixture": "valid-1", "title": "babble"}]).excerpts == []


@pytest.mark.parametrize("index", ["{", "[]x", [{"title": "a"}], 7, [{"mixture": "../../private", "title": "a"}], [3]])
def test_a_damaged_index_or_one_that_leads_elsewhere_leaves_a_page_without_sounds(heard, index, caplog):
    sound(heard[0].parents[2], "private-noisy.flac", np.ones(800))
    with caplog.at_level(logging.WARNING):
        assert heard[1](index) is None
    assert "has no sounds" in caplog.text


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"name": 3, "values": {}}', '{"name": "a", "values": {"q": "x"}}', '{"name": "a", "values": [1]}'],
)
def test_a_damaged_reference_is_told_and_left_out(tmp_path, text, caplog):
    (tmp_path / REFERENCES).mkdir(parents=True)
    (tmp_path / REFERENCES / "bad.json").write_text(text)
    (tmp_path / REFERENCES / "good.json").write_text(json.dumps({"name": "gtcrn", "values": {QUALITY: 2.0}}))
    assert [model.name for model in read_references(tmp_path)] == ["gtcrn"]
    assert "measure it again" in caplog.text


@pytest.mark.parametrize("text", ['{"noisy": [1]}', '{"noisy": {"q": "x"}}', '{"noisy": {"q": 1e999}}', "[]", "7"])
def test_a_damaged_score_of_the_noisy_input_is_passed_over(tmp_path, text):
    (tmp_path / "metrics.json").write_text(text)
    assert noisy_input([tmp_path]) == []
