"""Nodes that have not what a sweep began with: kept out by name, and no trial is the worse for them."""

import pytest
import ray
from closed_form import Hashed, epochs_run, sweep
from one_story import disagreements
from ray.cluster_utils import Cluster

from sweeps import SweepSpec, SweepStopped, resume_sweep, run_sweep
from sweeps.record.sweep import Sweep
from sweeps.record.trials import TrialState
from sweeps.terminal.status import sweep_status


@pytest.fixture
def differing(tmp_path, monkeypatch):
    """A cluster of two nodes: one whose corpus has other audio under the same names, and one without a corpus."""
    for name, content in (("good", "right"), ("other", "wrong"), ("none", None)):
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / "corpus").write_text(content)
    monkeypatch.setenv("DFKD_TEST_ROOT", str(tmp_path / "good"))
    store = {"object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **store})

    def add_node(name):
        return cluster.add_node(num_cpus=1, env_vars={"DFKD_TEST_ROOT": str(tmp_path / name)}, **store)

    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield [add_node("other"), add_node("none")], lambda: add_node("good")
    ray.shutdown()
    cluster.shutdown()


def test_a_node_that_lacks_the_data_or_has_other_is_named_and_its_trials_go_elsewhere(differing, tmp_path, caplog):
    """While there is no other node the sweep stops; with one it resumes, and no trial is the worse for it."""
    bad, add_good = differing
    log, folder = tmp_path / "log", tmp_path / "runs" / "differing"
    log.mkdir()
    spec = SweepSpec.model_validate(sweep(5, 2, log, config={"data": "corpus"}, failures={"max_retries": 0}))
    with pytest.raises(SweepStopped, match=r"no node is left .*data_hash is wrong there, right in this") as stopped:
        run_sweep(spec, out=folder, workload=Hashed)
    assert stopped.value.state == "interrupted" and epochs_run(log) == []
    assert sorted(told(caplog)) == sorted(node.node_id[:8] for node in bad)
    status = sweep_status(folder)
    assert len(status["kept_out"]) == 2 and status["trials"]["FAILED"] == 0
    caplog.clear()
    good = add_good()
    resume_sweep(folder, workload=Hashed)
    assert disagreements(folder, 5) == []
    assert {record.state for record in Sweep.open(folder).records()} == {TrialState.COMPLETE}
    assert {line["node"] for line in epochs_run(log)} == {good.node_id}
    assert len(told(caplog)) <= 2


def told(caplog):
    """The beginnings of the ids of nodes that were named."""
    lines = [record.getMessage() for record in caplog.records]
    return [line.split("(node ")[1][:8] for line in lines if line.startswith("no trials for")]
