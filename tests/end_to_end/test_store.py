"""A sweep with a copy in an S3 store, of whose requests every tenth fails: its disk is lost, and nothing else."""

import os
import shutil
import time

import pytest
from closed_form import epochs_run, sweep
from drivers import begin, dfkd, wait_for_epochs
from fault_proxy import FaultProxy
from one_story import disagreements, texts_below
from s3_server import BUCKET, KEYS, s3_server

from sweeps.record.mirror import Mirror
from sweeps.record.sweep import Sweep

TRIALS, EPOCHS = 5, 6


@pytest.fixture
def url(tmp_path, monkeypatch):
    """The store's address, with credentials in the environment."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "s3").mkdir()

    def fault(number, method, path):
        return {9: "error", 19: "drop"}.get(number % 20, "none")

    with s3_server(tmp_path / "s3") as port, FaultProxy(port, fault, keeps_host=True) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.uri)
        yield f"s3://{BUCKET}/shared"
        faults = [fault for *_, fault in proxy.requests]
        assert 1 - faults.count("none") / len(faults) > 0.08


def test_a_sweep_goes_on_from_the_store_when_its_disk_is_gone(url, tmp_path):
    log, first, second = tmp_path / "log", tmp_path / "a" / "closed", tmp_path / "b" / "closed"
    log.mkdir()
    spec = sweep(TRIALS, EPOCHS, log, config={"epoch_s": 0.7, "gate": str(tmp_path / "gate")})
    with begin({**spec, "storage": {"shared": url}}, first) as driver:
        wait_for_epochs(log, 6, driver)  # both trials are in their third
        copy = Mirror(first, f"{url}/closed")
        wait_until_sent(copy, driver)
        driver.kill()
    (tmp_path / "gate").touch()
    kept = tmp_path / "kept"
    shutil.move(tmp_path / "a", kept)
    with dfkd("sweep", "resume", f"{url}/closed", "--out", second, "--yes") as driver:
        status, said = driver.end(180)
    assert status == 0, said
    assert disagreements(second, TRIALS) == []
    by_trial = {}
    for line in epochs_run(log):
        by_trial.setdefault(line["x"], []).append(line["epoch"])
    for epochs in by_trial.values():
        assert sorted(set(epochs)) == list(range(1, EPOCHS + 1))
        assert len(epochs) <= EPOCHS + 1, "no more is paid again than the epoch in flight"
    # the folder of the driver that died comes back, and is no second sweep
    shutil.move(kept, tmp_path / "a")
    before = len(epochs_run(log))
    with dfkd("sweep", "resume", first, "--yes") as driver:
        status, said = driver.end(180)
    assert status == 0, said
    assert len(epochs_run(log)) == before
    assert Sweep.open(first).ledger.num_finished() == TRIALS
    with begin({**spec, "storage": {"shared": url}}, tmp_path / "third") as driver:
        status, said = driver.end(180)
    assert "already holds a sweep; go on with `dfkd sweep resume" in said
    told = "".join(texts_below(second).values())
    assert not any(secret in told for name, secret in KEYS.items() if "KEY" in name), os.environ["AWS_ENDPOINT_URL"]


def wait_until_sent(copy, driver, timeout_s=120):
    """Until the store has the second epoch of two trials, and a ledger that speaks of both."""
    deadline = time.monotonic() + timeout_s
    while True:
        ledger = (copy.store.get("ledger.journal") or b"").count(b"epoch:2")
        saved = [name for name in copy.store.files() if name.endswith("00002/epoch.json")]
        if ledger >= 2 and len(saved) >= 2 and copy.is_there:
            return
        assert driver.process.poll() is None, driver.process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.5)
