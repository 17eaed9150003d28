"""Several nodes: a trial outlives its node, and what would fail after an hour is refused at the start."""

import json
import os
import signal
import threading
import time
from collections import defaultdict
from itertools import pairwise

import pytest
import ray
from closed_form import Curve, Hashed, epochs_run, sweep
from one_story import disagreements
from ray.autoscaler._private.constants import AUTOSCALER_RESOURCE_REQUEST_CHANNEL
from ray.cluster_utils import Cluster
from ray.experimental.internal_kv import _internal_kv_get

from cluster import demand, storage
from cluster.storage import blind_nodes
from dfkd_core.errors import ConfigError
from sweeps import SweepSpec, resume_sweep, run_sweep
from sweeps.record.sweep import Sweep
from sweeps.record.trials import TrialState


@pytest.fixture(scope="module")
def nodes():
    """A cluster of a head without room for trials, and two nodes of one processor each."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "object_store_memory": 100 << 20, "include_dashboard": False},
    )
    cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
    os.environ["RAY_ADDRESS"] = cluster.address
    yield cluster
    del os.environ["RAY_ADDRESS"]
    ray.shutdown()
    cluster.shutdown()


def nodes_by_trial(log):
    """The nodes that worked on each trial, and its epochs, in order."""
    found = defaultdict(list)
    for line in epochs_run(log):
        found[line["x"]].append((line["node"], line["epoch"]))
    return found


def test_a_trial_outlives_its_node_and_goes_on_from_its_last_epoch(nodes, tmp_path):
    log, folder = tmp_path / "log", tmp_path / "runs" / "two"
    log.mkdir()
    spec = SweepSpec.model_validate(sweep(4, 6, log, config={"epoch_s": 0.7}, failures={"max_retries": 0}))
    result = []
    # Nodes are removed from the main thread (Ray asks for it), so the sweep runs in another.
    driver = threading.Thread(target=lambda: result.append(run_sweep(spec, out=folder, workload=Curve)))
    driver.start()
    victim = wait_for_busy_node(log, driver)
    nodes.remove_node(next(n for n in nodes.worker_nodes if n.node_id == victim), allow_graceful=False)
    nodes.add_node(num_cpus=1, object_store_memory=100 << 20)
    driver.join(timeout=400)
    assert result, "the sweep comes to its end"
    assert disagreements(folder, 4) == []
    histories = nodes_by_trial(log)
    moved = [history for history in histories.values() if len({node for node, _ in history}) > 1]
    assert moved, "a trial went on elsewhere"
    for history in histories.values():
        epochs = [epoch for _, epoch in history]
        assert sorted(set(epochs)) == list(range(1, 7))
        assert all(later - earlier in (0, 1) for earlier, later in pairwise(epochs)), epochs
    assert all(point.fidelity == 1 for point in result[0].points)


def wait_for_busy_node(log, driver):
    """The node of a trial that has finished two epochs."""
    return wait_for(driver, lambda: [line["node"] for line in epochs_run(log) if line["epoch"] == 3])[0]


def wait_for(driver, found):
    """What `found` returns as soon as that is something."""
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        assert driver.is_alive()
        if answer := found():
            return answer
        time.sleep(0.05)
    raise AssertionError("no trial gets on")


def test_an_autoscaler_is_asked_for_all_trials_at_once_and_a_notice_costs_no_trial_more_than_an_epoch(
    nodes, tmp_path, monkeypatch
):
    """SIGTERM to a worker, then to its node's raylet, as before a spot machine is taken away."""
    monkeypatch.setattr(demand, "is_autoscaled", lambda: True)
    monkeypatch.setattr(demand, "CHANGE_S", 0.0)
    log, folder, asked = tmp_path / "log", tmp_path / "runs" / "spot", []
    log.mkdir()
    more = {
        "config": {"epoch_s": 0.7, "faults": {"dawdle": [0.85, 1.0]}},  # the last one goes on alone for seconds
        "evaluate_first": [{"x": x, "size": 0.5} for x in (0.1, 0.2, 0.3, 0.4, 0.9)],
        "failures": {"max_retries": 0},
        "resources": {"max_concurrent": 3},
    }
    spec = SweepSpec.model_validate(sweep(5, 4, log, **more))
    driver = threading.Thread(target=lambda: run_sweep(spec, out=folder, workload=Curve))
    driver.start()

    def requests():
        if ray.is_initialized() and (told := _internal_kv_get(AUTOSCALER_RESOURCE_REQUEST_CHANNEL)):
            asked.append(json.loads(told))
        return asked

    wait_for(driver, requests)
    first = wait_for(driver, lambda: [line for line in epochs_run(log) if line["epoch"] == 2])[0]
    os.kill(first["pid"], signal.SIGTERM)
    victim = wait_for_busy_node(log, driver)
    nodes.remove_node(next(n for n in nodes.worker_nodes if n.node_id == victim), allow_graceful=True)
    nodes.add_node(num_cpus=1, object_store_memory=100 << 20)
    while driver.is_alive():
        requests()
        driver.join(timeout=0.1)
    assert asked[0] == [{"CPU": 1.0}] * 3 and [{"CPU": 1.0}] in asked
    with ray_session():
        assert requests()[-1] == [], "nothing is asked for any more"
    assert disagreements(folder, 5) == []
    ledger = Sweep.open(folder).ledger
    assert {record.state for record in ledger.records()} == {TrialState.COMPLETE}
    assert sum(len(ledger.events(number, "lost")) for number in range(5)) >= 2
    for history in nodes_by_trial(log).values():
        epochs = [epoch for _, epoch in history]
        assert all(later - earlier in (0, 1) for earlier, later in pairwise(epochs)), epochs


def test_every_other_node_is_asked_to_read(nodes, tmp_path, monkeypatch):
    asked, read_on = [], storage._read_on
    monkeypatch.setattr(storage, "_read_on", lambda nodes, path: asked.extend(nodes) or read_on(nodes, path))
    with ray_session():
        assert blind_nodes(tmp_path) == []
    assert {node.node_id for node in nodes.worker_nodes} <= set(asked)
    assert nodes.head_node.node_id not in asked


def test_a_node_that_ray_still_lists_though_it_is_dead_is_passed_over(nodes, tmp_path):
    with ray_session():
        victim = nodes.add_node(num_cpus=1, object_store_memory=100 << 20)
        nodes.remove_node(victim, allow_graceful=False)
        assert victim.node_id in [node["NodeID"] for node in ray.nodes() if node["Alive"]]
        assert blind_nodes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_living_node_whose_answer_does_not_come_in_time_is_named(nodes, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "ANSWER_S", 0.0)
    with ray_session(), pytest.raises(ConfigError, match=r"does not \(GetTimeoutError\); take it out"):
        blind_nodes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def ray_session():
    from cluster.session import connect

    return connect()


def test_a_trial_larger_than_each_node_is_refused_though_the_cluster_has_the_sum(nodes, tmp_path):
    spec = SweepSpec.model_validate(sweep(resources={"cpus_per_trial": 2}))
    with pytest.raises(ConfigError, match="asks for 2 CPU, the largest node has 1"):
        run_sweep(spec, out=tmp_path / "large", workload=Curve)
    assert list(tmp_path.iterdir()) == []


def test_changed_data_is_refused_on_resume(nodes, tmp_path):
    (tmp_path / "data").write_text("first")
    spec = sweep(1, 1, config={"data": str(tmp_path / "data")})
    run_sweep(SweepSpec.model_validate(spec), out=tmp_path / "hashed", workload=Hashed)
    (tmp_path / "data").write_text("second")
    with pytest.raises(ConfigError, match=r"the data has changed.*data_hash first, now second.*begin a new sweep"):
        resume_sweep(tmp_path / "hashed", workload=Hashed, overrides={"budget.trials": 2})
    (tmp_path / "data").write_text("first")
    resume_sweep(tmp_path / "hashed", workload=Hashed, overrides={"budget.trials": 2})
    assert disagreements(tmp_path / "hashed", 2) == []
