"""No node but the driver's sees the sweep folder: checkpoints are handed over, and nothing is lost for that."""

import os
from itertools import pairwise

import pytest
from blind_nodes import BlindNodes
from closed_form import epochs_run, sweep
from drivers import begin, dfkd, wait_for_epochs
from one_story import disagreements

from sweeps.record.sweep import Sweep
from sweeps.record.trial_folder import TrialFolder

TRIALS, EPOCHS = 4, 6


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """Two nodes that see everything but the folder of the sweeps."""
    if os.geteuid() != 0:
        pytest.skip("only root may hide a folder from a process")
    (tmp_path / "runs").mkdir()
    with BlindNodes([tmp_path / "runs"], tmp_path) as cluster:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        cluster.add(), cluster.add()
        yield cluster


def test_a_node_and_the_driver_die_and_every_epoch_that_was_reported_is_there(nodes, tmp_path):
    log, folder = tmp_path / "log", tmp_path / "runs" / "apart"
    log.mkdir()
    spec = sweep(TRIALS, EPOCHS, log, config={"epoch_s": 0.7, "gate": str(tmp_path / "gate")})
    with begin({**spec, "failures": {"max_retries": 0}}, folder) as driver:
        wait_for_epochs(log, 6, driver)  # both trials are in their third
        nodes.kill(nodes.processes[0])
        nodes.add()  # joins late: it was not asked at the start
        (tmp_path / "gate").touch()
        wait_for_epochs(log, 4, driver)
        driver.kill()
    reached = {record.number: record.epochs for record in Sweep.open(folder).records()}
    assert any(0 < epochs < EPOCHS for epochs in reached.values())
    for number, epochs in reached.items():
        newest = TrialFolder(folder, number).generations()[:1]
        assert not epochs or int(newest[0].name) >= epochs, "what was reported lies in the folder"
    with dfkd("sweep", "resume", folder, "--yes") as driver:
        status, said = driver.end()
    assert status == 0 and f"do not see {folder}: their trials hand each checkpoint" in said
    assert disagreements(folder, TRIALS) == []
    histories = {}
    for line in epochs_run(log):
        histories.setdefault(line["x"], []).append(line["epoch"])
    for epochs in histories.values():
        assert sorted(set(epochs)) == list(range(1, EPOCHS + 1))
        again = [later - earlier for earlier, later in pairwise(epochs)]
        assert set(again) <= {0, 1}, "no more is paid again than the epoch in flight"
    assert [path.name for path in (folder / "trials" / "0000" / "checkpoint").iterdir()]
