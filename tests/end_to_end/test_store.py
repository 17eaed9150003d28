"""A sweep with a copy in an S3 store, of whose requests every tenth fails: its disk is lost, and nothing else."""

import os
import shutil
import time

import pytest
import services
import yaml
from closed_form import epochs_run, sweep
from drivers import begin, dfkd, epochs_by_trial, wait_for_epochs
from fault_proxy import FaultProxy
from one_story import disagreements, texts_below

from sweeps import SweepSpec
from sweeps.record.driver_lock import Holder
from sweeps.record.mirror import Mirror
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trial_folder import TrialFolder

TRIALS, EPOCHS = 5, 6
FAULTS = {9: "error", 19: "drop"}  # of twenty requests


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """Before a real server: of twenty requests one is answered by an error, and one not at all."""
    folder = tmp_path_factory.mktemp("s3")
    with (
        services.s3(folder / "s3") as address,
        FaultProxy(
            int(address.rpartition(":")[2]), lambda number, *_: FAULTS.get(number % 20, "none"), keeps_host=True
        ) as proxy,
    ):
        yield proxy
        faults = [fault for *_, fault in proxy.requests]
        assert faults.count("none") < 0.92 * len(faults)


@pytest.fixture
def url(proxy, monkeypatch):
    """The store's address, with credentials in the environment."""
    for name, value in services.ACCOUNT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.uri)
    return f"s3://{services.BUCKET}/shared"


def test_a_copy_comes_back_from_the_store_byte_for_byte(url, tmp_path):
    folder, place = tmp_path / "first", tmp_path / "second"
    for number in range(4):
        TrialFolder(folder, number).create({})
        TrialFolder(folder, number).save(1, {}, lambda path: (path / "weights").write_bytes(os.urandom(300_000)))
    (folder / "ledger.journal").write_bytes(os.urandom(200_000).replace(b"\n", b"") + b"\n")
    (folder / "ledger.json").write_text('{"sweep_id": "x", "workload": "sweeps.distillation.workload:X"}')
    (folder / "sweep.yaml").write_text(yaml.safe_dump(SweepSpec.model_validate(sweep()).model_dump(mode="json")))
    mirror = Mirror(folder, f"{url}/bytes")
    mirror.take(Holder.this_process())
    mirror.update()
    mirror.give_back()
    place.mkdir()
    other = Mirror(place, f"{url}/bytes")
    other.require_free()
    assert other.is_there and other.bring()
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (".mirror", "ledger.json")]
    assert len(files) == 4 * 3 + 2
    assert all((place / path.relative_to(folder)).read_bytes() == path.read_bytes() for path in files)
    assert SweepFolder(place).note()["folder"] == str(place) and not Mirror(place, f"{url}/bytes").bring()


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
        status, said = driver.end()
    assert status == 0, said
    assert disagreements(second, TRIALS) == []
    for epochs in epochs_by_trial(log).values():
        assert sorted(epochs) == list(range(1, EPOCHS + 1))
        assert epochs.total() <= EPOCHS + 1, "no more is paid again than the epoch in flight"
    # the folder of the driver that died comes back, and is no second sweep
    shutil.move(kept, tmp_path / "a")
    before = len(epochs_run(log))
    with dfkd("sweep", "resume", first, "--yes") as driver:
        status, said = driver.end()
    assert status == 0, said
    assert len(epochs_run(log)) == before
    assert Sweep.open(first).ledger.num_finished() == TRIALS
    with begin({**spec, "storage": {"shared": url}}, tmp_path / "third") as driver:
        status, said = driver.end()
    assert "already holds a sweep; go on with `dfkd sweep resume" in said
    told = "".join(texts_below(second).values())
    assert not any(secret in told for name, secret in services.ACCOUNT.items() if "KEY" in name), os.environ[
        "AWS_ENDPOINT_URL"
    ]


def wait_until_sent(copy, driver, timeout_s=400):
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
