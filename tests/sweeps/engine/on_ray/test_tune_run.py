"""One Tune run, whatever other tools have left in the environment."""

import os
from types import SimpleNamespace

import pytest
from closed_form import Curve

from sweeps.engine.deciding.inputs import Inputs
from sweeps.engine.on_ray import tune_run
from sweeps.engine.on_ray.tune_run import REFUSED, DriverCallback, free_slots, run_trials


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
        inputs=Inputs({}, 1),
        num_usable=1,
    )
    run_trials(conductor, lambda conductor: None, is_own_ray=True)
    assert ran == [set()]


def node(node_id, cpus=1, alive=True):
    return {"NodeID": node_id, "Alive": alive, "Resources": {"CPU": cpus}}


@pytest.mark.parametrize(
    ("kept_out", "started", "nodes", "stops"),
    [
        ("ab", None, [node("a"), node("b"), node("head", 0)], True),
        ("a", None, [node("a"), node("b", alive=False)], True),
        ("a", None, [node("a"), node("b")], False),
        ("ab", 1.0, [node("a"), node("b")], False),  # a trial is still at work: it may end there
        ("", None, [], False),
    ],
)
def test_a_sweep_stops_when_every_node_that_could_hold_a_trial_is_kept_out(
    monkeypatch, kept_out, started, nodes, stops
):
    monkeypatch.setattr(tune_run.ray, "nodes", lambda: nodes)
    stopped = []
    conductor = SimpleNamespace(
        kept_out={name: f"{name} lacks the corpus" for name in kept_out},
        live={0: SimpleNamespace(started=started)},
        is_ending=False,
        overdue=lambda now: [],
        spec=SimpleNamespace(resources=SimpleNamespace(bundle={"CPU": 1})),
        stop=stopped.append,
        num_usable=7,
    )
    asked = []
    DriverCallback(conductor, None, lambda conductor: None, asked.append).on_step_end(0, [])
    assert asked == [7]
    assert bool(stopped) == stops
    assert all("no node is left" in reason and "a lacks the corpus" in reason for reason in stopped)


def test_places_are_free_where_a_node_has_all_that_a_trial_asks_for_and_is_not_kept_out(monkeypatch):
    free = {"a": {"CPU": 3.0, "GPU": 1.0}, "b": {"CPU": 8.0}, "bad": {"CPU": 8.0, "GPU": 8.0}, "full": {}}
    monkeypatch.setattr(tune_run, "available_resources_per_node", lambda: free)
    assert free_slots({"CPU": 1, "GPU": 0.5}, {"bad": "lacks the corpus"}) == 2
    assert free_slots({"CPU": 2}, {}) == 1 + 4 + 4
