"""What an autoscaler is asked for, with stand-ins for Ray; the real request is seen end to end."""

import json
import logging

import pytest
from ray.exceptions import RayActorError

from cluster import demand
from cluster.demand import SILENCE_S, Demand, DemandKeeper, asking, is_autoscaled, require_room
from dfkd_core.errors import ConfigError

CPU = {"CPU": 1.0}


def keeper_of(told):
    """One that writes down what it tells the autoscaler."""

    def request(bundles):
        told.append(bundles)

    return DemandKeeper(request)


def test_what_all_living_sweeps_ask_for_is_added_up_and_told_when_it_changes():
    told = []
    keeper = keeper_of(told)
    assert keeper.ask("a", CPU, 2) == 2
    assert keeper.ask("b", {"GPU": 0.5}, 1) == 3
    assert keeper.ask("a", CPU, 2) == 3
    assert keeper.ask("a", CPU, 1) == 2
    assert told == [[CPU, CPU], [CPU, CPU, {"GPU": 0.5}], [CPU, {"GPU": 0.5}]]


def test_a_sweep_that_has_died_is_dropped_and_its_nodes_with_it(monkeypatch):
    told, now = [], [100.0]
    monkeypatch.setattr(demand.time, "monotonic", lambda: now[0])
    keeper = keeper_of(told)
    keeper.ask("dead", CPU, 2)
    now[0] += SILENCE_S / 2
    keeper.ask("living", CPU, 1)
    assert keeper.drop_silent(100.0 + SILENCE_S) == 1 and told[-1] == [CPU]
    assert keeper.drop_silent(now[0] + SILENCE_S) == 0 and told[-1] == []


class Remote:
    """An actor whose methods answer at once, and that can be lost."""

    def __init__(self):
        self.asked, self.is_lost, self.ask = [], False, self
        Remote.made.append(self)

    def remote(self, sweep, bundle, count):
        self.asked.append(count)
        return self

    @classmethod
    def get(cls, answers, timeout=None):
        answer = answers[0] if isinstance(answers, list) else answers
        if answer.is_lost:
            raise RayActorError
        return answer.asked[-1]


@pytest.fixture
def remote(monkeypatch):
    monkeypatch.setattr(Remote, "made", [], raising=False)
    killed = []
    monkeypatch.setattr(demand, "keeper", Remote)
    monkeypatch.setattr(demand.ray, "wait", lambda answers, timeout: (answers, []))
    monkeypatch.setattr(demand.ray, "get", Remote.get)
    monkeypatch.setattr(demand.ray, "kill", killed.append)
    monkeypatch.setattr(demand, "is_autoscaled", lambda: True)
    now = [0.0]
    monkeypatch.setattr(demand.time, "monotonic", lambda: now[0])
    return now, killed


def test_a_sweep_tells_changes_at_most_every_few_seconds_and_signs_of_life_now_and_then(remote):
    now, killed = remote
    with asking("a", CPU, is_own_ray=False) as ask:
        for second in range(40):
            now[0] = float(second)
            ask(8 if second < 2 else 7)
        (keeper,) = Remote.made
        assert keeper.asked == [8, 7, 7, 7]
    assert keeper.asked[-1] == 0 and killed == [keeper]


def test_the_request_is_taken_back_when_the_driver_s_own_parts_raise(remote):
    with pytest.raises(OSError, match="full"), asking("a", CPU, is_own_ray=False) as ask:
        ask(3)
        raise OSError("full")
    assert Remote.made[0].asked == [3, 0]


def test_a_keeper_that_is_lost_is_made_again(remote):
    now, _ = remote
    sweep = Demand("a", CPU)
    sweep.ask(3)
    Remote.made[0].is_lost, now[0] = True, 60.0
    sweep.ask(3)
    assert [keeper.asked for keeper in Remote.made] == [[3], [3]]


def test_a_ray_of_our_own_and_a_cluster_without_an_autoscaler_are_asked_for_nothing(remote, monkeypatch):
    with asking("a", CPU, is_own_ray=True) as ask:
        ask(3)
    monkeypatch.setattr(demand, "is_autoscaled", lambda: False)
    with asking("a", CPU, is_own_ray=False) as ask:
        ask(3)
    assert Remote.made == []


@pytest.mark.parametrize(
    ("types", "v2", "found"),
    [
        ({"7187": "node_7187", "03fd": "node_03fd"}, False, False),
        ({"7187": "ray.head.default"}, False, True),
        (None, False, False),
        (None, True, True),
    ],
)
def test_an_autoscaler_is_told_by_the_types_of_nodes(monkeypatch, types, v2, found):
    status = types and json.dumps({"autoscaler_report": {"node_type_mapping": types}}).encode()
    monkeypatch.setattr(demand, "_internal_kv_get", lambda key: status)
    monkeypatch.setattr(demand, "is_autoscaler_v2", lambda: v2)
    assert is_autoscaled() is found


def test_a_cluster_that_has_no_node_for_a_trial_yet_is_refused_unless_it_brings_some(monkeypatch, caplog):
    head = [{"Alive": True, "Resources": {"node:__internal_head__": 1.0}}]
    monkeypatch.setattr(demand, "is_autoscaled", lambda: False)
    with pytest.raises(ConfigError, match="no node can hold a trial"):
        require_room(CPU, head)
    monkeypatch.setattr(demand, "is_autoscaled", lambda: True)
    with caplog.at_level(logging.WARNING):
        require_room({"CPU": 2.0, "GPU": 0.5, "accelerator_type:A100": 0.001}, head)
    assert "is asked for some with 2 CPU, 0.5 GPU, A100" in caplog.text
