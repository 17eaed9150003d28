"""A sweep's copy is brought, refused and kept up with; a store that is away ends nothing."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import yaml
from closed_form import sweep

from cluster.object_store import StoreError
from dfkd_core.errors import ConfigError
from sweeps import SweepSpec
from sweeps.engine.driving.mirroring import Mirroring, bring_or_refuse, fetched
from sweeps.record.driver_lock import Holder, LockLost
from sweeps.record.mirror import Mirror
from sweeps.record.sweep_folder import SweepFolder


@pytest.fixture
def spec(tmp_path):
    return SweepSpec.model_validate(sweep(storage={"shared": (tmp_path / "store").as_uri()}))


@pytest.fixture
def url(tmp_path, spec):
    """Where a sweep's copy lies, left by a driver that has ended."""
    folder = tmp_path / "a" / "closed"
    folder.mkdir(parents=True)
    (folder / "ledger.journal").write_text("{}\n")
    (folder / "ledger.json").write_text(json.dumps({"sweep_id": "x", "workload": "sweeps.distillation.workload:X"}))
    (folder / "sweep.yaml").write_text(yaml.safe_dump(spec.model_dump(mode="json")))
    mirror = Mirror.of(folder, spec)
    mirror.take(Holder.this_process())
    mirror.update()
    mirror.give_back()
    return mirror.store.url


def test_a_run_is_refused_where_the_store_holds_the_sweep_and_or_resume_brings_it(url, spec, tmp_path):
    place = SweepFolder(tmp_path / "b")
    with pytest.raises(ConfigError, match=f"already holds a sweep; go on with `dfkd sweep resume {url}`"):
        bring_or_refuse(place, spec, brings=False)
    assert not place.path.exists()
    bring_or_refuse(place, spec, brings=True)
    assert place.is_sweep and place.note()["folder"] == str(place.path)


def test_what_a_url_names_is_brought_and_a_path_is_a_folder(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fetched(url) == tmp_path / "runs" / "closed"
    assert fetched("runs/closed").name == "closed"
    with pytest.raises(ConfigError, match="runs/closed is a folder; leave it out"):
        fetched("runs/closed", out="c")


def test_nothing_is_written_for_a_url_without_a_sweep_or_into_another_sweep(url, spec, tmp_path):
    with pytest.raises(ConfigError, match=r"name behind it, but .*store/other holds none"):
        fetched(url.replace("closed", "other"), tmp_path / "c")
    assert not (tmp_path / "c").exists()
    other = SweepFolder(tmp_path / "d")
    other.path.mkdir()
    other.write_spec(spec.model_copy(update={"name": "another"}))
    with pytest.raises(ConfigError, match="holds another sweep than"):
        fetched(url, other.path)
    assert other.spec().name == "another"


def test_a_copy_that_a_driver_elsewhere_works_on_is_not_taken(url, spec, tmp_path):
    mirror = Mirror.of(tmp_path / "a" / "closed", spec)
    mirror.take(replace(Holder.this_process(), pid=os.getpid()))
    with pytest.raises(ConfigError, match=rf"is driven by process {os.getpid()} on .*; stop it there"):
        fetched(url, tmp_path / "e")
    assert not (tmp_path / "e").exists()


def copy(update):
    return SimpleNamespace(update=update, folder="runs/x", give_back=lambda: None)


def test_a_store_that_is_away_is_named_and_its_rest_is_left_to_sync(caplog):
    def away(*_):
        raise StoreError("s3://b/x: no route")

    mirroring = Mirroring(copy(away))
    mirroring.note([1])
    mirroring.finish()
    assert (
        "the store has not all of the sweep (s3://b/x: no route); `dfkd sweep sync runs/x` sends the rest"
        in caplog.text
    )


def test_a_driver_that_was_overtaken_hears_of_it():
    def lost(*_):
        raise LockLost("another driver has taken this sweep over")

    mirroring = Mirroring(copy(lost))
    mirroring._thread.join()
    with pytest.raises(LockLost, match="another driver"):
        mirroring.note([1])
