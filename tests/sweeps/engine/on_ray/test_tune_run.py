"""One Tune run, whatever other tools have left in the environment."""

import os
from types import SimpleNamespace

from closed_form import Curve

from sweeps.engine.on_ray import tune_run
from sweeps.engine.on_ray.tune_run import REFUSED, run_trials


def test_variables_at_which_tune_raises_are_dropped(tmp_path, monkeypatch):
    for name in REFUSED:
        monkeypatch.setenv(name, str(tmp_path))
    ran = []
    monkeypatch.setattr(tune_run.tune, "run", lambda *arguments, **options: ran.append(set(os.environ) & set(REFUSED)))
    resources = SimpleNamespace(bundle={"CPU": 1}, max_concurrent=None)
    conductor = SimpleNamespace(
        folder=tmp_path,
        workload=Curve,
        spec=SimpleNamespace(resources=resources),
        lock=SimpleNamespace(folder=tmp_path, session="session"),
    )
    run_trials(conductor, lambda conductor: None, is_own_ray=True)
    assert ran == [set()]
