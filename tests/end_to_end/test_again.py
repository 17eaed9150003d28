"""The same call a hundred times, and failed trials tried again."""

import pytest
from closed_form import Curve, epochs_run, sweep
from one_story import disagreements

from dfkd_core.errors import ConfigError
from sweeps import SweepSpec, resume_sweep, run_or_resume, run_sweep
from sweeps.record.sweep import Sweep
from sweeps.record.trials import TrialState

pytestmark = pytest.mark.usefixtures("own_ray")


@pytest.fixture
def log(tmp_path):
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def test_the_same_call_begins_goes_on_and_finds_nothing_to_do(tmp_path, log):
    folder = tmp_path / "runs" / "again"

    def call(trials, **changes):
        return run_or_resume(SweepSpec.model_validate(sweep(trials, 1, log, **changes)), folder, Curve)

    begun = call(2)
    assert len(epochs_run(log)) == 2
    assert call(2).to_json() == begun.to_json() and len(epochs_run(log)) == 2
    call(3)
    assert len(epochs_run(log)) == 3
    call(2)
    assert len(epochs_run(log)) == 3 and Sweep.open(folder).spec.budget.trials == 3
    with pytest.raises(ConfigError, match=r"sampler\.seed: is 4, but was 3 when the sweep in .*; name another --out"):
        call(3, sampler={"name": "random", "seed": 4})
    assert disagreements(folder, 3) == []


def test_failed_trials_are_tried_again_as_further_ones_once_the_fault_is_mended(tmp_path, log):
    folder = tmp_path / "runs" / "failed"
    config, forgiving = {"faults": {"once": [0.0, 1.0]}}, {"max_retries": 0, "max_failed_share": 1.0}
    run_sweep(SweepSpec.model_validate(sweep(2, 1, log, config=config, failures=forgiving)), folder, Curve)
    resume_sweep(folder, Curve, retry_failed=True)
    records = Sweep.open(folder).records()
    assert [record.state for record in records] == [TrialState.FAILED] * 2 + [TrialState.COMPLETE] * 2
    assert [record.params for record in records[:2]] == [record.params for record in records[2:]]
    resume_sweep(folder, Curve, retry_failed=True)
    assert disagreements(folder, 4) == []
