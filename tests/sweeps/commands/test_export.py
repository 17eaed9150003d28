"""`dfkd export` on a sweep folder: any complete trial, and the right one within bounds."""

from __future__ import annotations

import pytest
from closed_form import PARAMS, QUALITY, Curve, sweep

from dfkd_core.base.documents import dump_yaml, read_yaml
from sweeps.cli import run
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import build_front, load_front
from sweeps.page.report import write_front
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState

SLOW, LIGHT = 2e9, 1e8
TRIALS = [  # quality, size, MAC/s: trial 1 is beaten by trial 0 in both objectives
    (0.60, 50_000, SLOW, TrialState.COMPLETE),
    (0.55, 55_000, LIGHT, TrialState.COMPLETE),
    (0.90, 900_000, SLOW, TrialState.COMPLETE),
    (0.95, 950_000, LIGHT, TrialState.PRUNED),
]


@pytest.fixture
def folder(tmp_path):
    """A sweep folder of four trials that were told to its ledger by hand."""
    spec = SweepSpec.model_validate(sweep(4, 1))
    made = SweepFolder(tmp_path / "closed sweep")
    made.create()
    made.write_note("id", Curve)
    made.write_spec(spec)
    ledger = Ledger.create(made.path, spec, "id")
    for quality, size, macs, state in TRIALS:
        number, params = ledger.ask()
        ledger.record_epoch(number, 1, {QUALITY: quality, PARAMS: size, "model/macs_per_s": macs})
        ledger.finish(number, state)
        config = made.path / "trials" / f"{number:04d}" / "config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(dump_yaml({**spec.config, **params}))
    records = ledger.records()
    write_front(made.path, build_front(spec, "id", records), records, spec)
    return made.path


def exported(folder, *rule):
    """The provenance that the command wrote."""
    out = folder.parent / "chosen.yaml"
    assert run(["export", str(folder), *rule, "-o", str(out)]) == 0
    return read_yaml(out)["provenance"]


def test_a_dominated_trial_is_exported_with_its_state_said(folder, capsys):
    told = exported(folder, "--trial", "1")
    assert told["trial"] == 1 and told["expected"]["model/macs_per_s"] == LIGHT
    assert "Trial 1 was named; it is not on the front: trial 0 beats it in the objectives." in capsys.readouterr().out


def test_several_bounds_are_answered_from_all_complete_trials(folder):
    told = exported(folder, "--best", QUALITY, "--max", f"{PARAMS}=60k", "--max", "model/macs_per_s=0.3G")
    assert told["trial"] == 1 and "of all 3 complete trials" in told["chosen"]
    assert load_front(folder).best(QUALITY, max={PARAMS: 60e3, "model/macs_per_s": 0.3e9}).trial == 1


def test_a_trial_that_is_not_complete_is_refused_with_its_state(folder, capsys):
    assert run(["export", str(folder), "--trial", "3", "-o", "x.yaml"]) == 2
    assert "must be a complete trial, but got 3 (PRUNED); on the front: 0, 2" in capsys.readouterr().err


def test_the_command_for_training_is_quoted_where_the_path_has_a_space(folder, capsys):
    out = folder / "chosen one.yaml"
    assert run(["export", str(folder), "--knee", "-o", str(out)]) == 0
    assert f"dfkd train '{out}' --out 'models/chosen one'" in capsys.readouterr().out
