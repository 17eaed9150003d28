"""One Tune run, whatever other tools have left in the environment."""

import os
from types import SimpleNamespace

import pytest
from closed_form import Curve

from sweeps.engine.deciding.inputs import Inputs
from sweeps.engine.deciding.serving import Serving
from sweeps.engine.on_ray import tune_run
from sweeps.engine.on_ray.trial_desk import FarNode
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


class FarKeeper:
    """A keeper whose answers have arrived at once; `told` is what nodes have told it."""

    def __init__(self, monkeypatch, told):
        self.news, self.asked, self.told = SimpleNamespace(remote=self._news), [], told
        monkeypatch.setattr(tune_run.ray, "wait", lambda waiting, timeout: (waiting, []))
        monkeypatch.setattr(tune_run.ray, "get", lambda answer: answer)
        monkeypatch.setattr(tune_run.ray, "nodes", lambda: [node("first")])

    def _news(self, since):
        self.asked.append(since)
        return len(self.told), dict(list(self.told.items())[since:])


def hearing(keeper):
    """The driver's end of it: its notes and what it wrote into the ledger."""
    attrs = {}
    conductor = SimpleNamespace(
        notes=[],
        folder="/runs/x",
        ledger=SimpleNamespace(set_attr=attrs.__setitem__),
        kept_out={},
        live={},
        overdue=lambda now: [],
        num_usable=1,
    )
    callback = DriverCallback(conductor, None, lambda conductor: None, lambda asked: None, keeper)
    return callback, conductor.notes, attrs


def test_what_nodes_were_given_is_shown_as_it_goes_and_recorded_at_its_end(monkeypatch):
    going, over = (
        Serving("n1", "speech", part, 90_000_000, 3.0, part > 50_000_000) for part in (40_000_000, 90_000_000)
    )
    keeper = FarKeeper(monkeypatch, {"t1": going})
    callback, notes, attrs = hearing(keeper)
    callback.on_step_end(0, [])
    assert notes == ["n1 is sent speech: 40 MB of 90 MB after 3 s"] and attrs == {}
    keeper.told = {"t1": going, "t1 ": over}
    callback.on_experiment_end([])
    assert notes[1:] == ["n1 was sent speech (90 MB in 3 s)"] and keeper.asked == [0, 1]
    assert [(key[:7], value["num_bytes"]) for key, value in attrs.items()] == [("served/", 90_000_000)]


def test_a_node_that_joins_late_and_does_not_see_the_folder_is_named_and_the_first_ones_not_again(monkeypatch):
    told = {f"far {name}": FarNode(name, f"host-{name}") for name in ("first", "late")}
    callback, notes, _ = hearing(FarKeeper(monkeypatch, told))
    callback.on_experiment_end([])
    assert len(notes) == 1 and notes[0].startswith("host-late does not see /runs/x: its trials hand each checkpoint")


def test_without_a_keeper_nobody_is_asked():
    callback, notes, _ = hearing(None)
    callback.on_experiment_end([])
    assert notes == []
