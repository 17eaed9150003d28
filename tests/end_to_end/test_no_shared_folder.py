"""Only the driver sees sweep folder and corpus: checkpoints are handed over, each node is given the corpus once."""

import os
import time
from itertools import pairwise

import pytest
from blind_nodes import BlindNodes
from closed_form import epochs_run, sweep
from drivers import begin, dfkd, wait_for_epochs
from one_story import disagreements

from sweeps.record.sweep import Sweep
from sweeps.record.trial_folder import TrialFolder
from sweeps.terminal.status import sweep_status

TRIALS, EPOCHS = 4, 6


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """Two nodes that see everything but the folder of the sweeps and the corpus, each with a cache of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root may hide a folder from a process")
    hidden = [tmp_path / "runs", tmp_path / "corpus"]
    for folder in hidden:
        folder.mkdir()
    with BlindNodes(hidden, tmp_path) as cluster:
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        for number in range(2):
            cluster.add(DFKD_CACHE=str(tmp_path / f"cache-{number}"))
        yield cluster


def test_a_node_and_the_driver_die_and_every_epoch_that_was_reported_is_there(nodes, tmp_path):
    log, folder, corpus = tmp_path / "log", tmp_path / "runs" / "apart", tmp_path / "corpus" / "speech"
    log.mkdir()
    corpus.write_text("speech")
    spec = sweep(TRIALS, EPOCHS, log, config={"epoch_s": 0.7, "gate": str(tmp_path / "gate"), "data": str(corpus)})
    with begin({**spec, "failures": {"max_retries": 0}}, folder, "Served") as driver:
        wait_for_epochs(log, 6, driver)  # both trials are in their third
        nodes.kill(nodes.processes[0])
        nodes.add(DFKD_CACHE=str(tmp_path / "cache-2"))  # joins late: it was not asked at the start
        wait_for_served(folder, 3)  # it has taken the lost node's trial up
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
    served = sweep_status(folder)["served"]
    assert len({one["node"] for one in served}) == len(served) == 3, "each node once, not once a trial or a driver"
    assert [(one["what"], one["num_bytes"]) for one in served] == [("speech", len("speech"))] * 3
    for number in range(3):
        copies = [path.read_text() for path in (tmp_path / f"cache-{number}" / "served").glob("*/speech")]
        assert copies == ["speech"]


def wait_for_served(folder, num_nodes):
    """Wait until the ledger has what so many nodes were given."""
    deadline = time.monotonic() + 400
    while len(sweep_status(folder).get("served", ())) < num_nodes:
        assert time.monotonic() < deadline, "no further node is given what it lacks"
        time.sleep(0.2)
