"""A sweep folder's copy in a store: whole at every moment, one driver's at a time, and enough to go on from."""

import json
import os
from contextlib import suppress
from dataclasses import replace

import pytest

from cluster.object_store import StoreError
from dfkd_core.errors import ConfigError
from sweeps.record.driver_lock import Holder, LockLost
from sweeps.record.mirror import CLAIM, Mirror
from sweeps.record.trial_folder import TrialFolder

STEPS = ["sweep.yaml", "ledger.journal", "ledger.json", "front/front.json", "trials/0000/config.yaml"]


def save(folder, epoch, content="x"):
    TrialFolder(folder, 0).save(epoch, {"m": 1.0}, lambda place: (place / "weights").write_text(f"{content}{epoch}"))


@pytest.fixture
def folder(tmp_path):
    """What a driver leaves after one epoch of one trial; some of it is nobody else's business."""
    path = tmp_path / "runs" / "first"
    TrialFolder(path, 0).create({})
    for name in (*STEPS, "spool/1.jsonl", ".tune/x", "driver.lock", "ledger.lock"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(f"{name}\n")
    (path / "ledger.json").write_text(json.dumps({"sweep_id": "id", "workload": "sweeps.distillation.workload:X"}))
    save(path, 1)
    return path


@pytest.fixture
def url(tmp_path):
    return (tmp_path / "store" / "first").as_uri()


def taken(folder, url, **changes):
    """A copy as its driver holds it, a process of this machine that has died since."""
    mirror = Mirror(folder, url)
    mirror.take(replace(Holder.this_process(), **{"pid": 1 << 22, **changes}))
    return mirror


def elsewhere(tmp_path, url, name="other"):
    """The copy, brought to a folder of another machine."""
    place = tmp_path / name / "first"
    place.mkdir(parents=True)
    mirror = Mirror(place, url)
    (place / "sweep.yaml").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweeps.record.mirror.SweepFolder.renote", lambda *_: None)
        assert mirror.bring()
    return place


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in named.items() if not name.startswith(".")}


def test_what_is_brought_elsewhere_is_the_sweep_without_what_is_this_machine_s(folder, url, tmp_path):
    mirror = taken(folder, url)
    mirror.update()
    found = contents(elsewhere(tmp_path, url))
    assert set(found) == {*STEPS, "trials/0000/checkpoint/00001/weights", "trials/0000/checkpoint/00001/epoch.json"}
    assert found["trials/0000/checkpoint/00001/weights"] == "x1"


def test_only_what_has_changed_is_sent_and_what_was_dropped_is_removed(folder, url, tmp_path, monkeypatch):
    mirror = taken(folder, url)
    mirror.update()
    sent, put = [], mirror.store.put
    monkeypatch.setattr(mirror.store, "put", lambda name, content: (sent.append(name), put(name, content)))
    mirror.update([0])
    assert sent == []
    for epoch in (2, 3):
        save(folder, epoch)
    mirror.update([])
    assert sent == [], "trials that are not named are not looked at"
    mirror.update([0])
    kept = [f"trials/0000/checkpoint/0000{epoch}/{name}" for epoch in (2, 3) for name in ("epoch.json", "weights")]
    assert sorted(sent) == kept
    assert sorted(name for name in mirror.store.files() if "checkpoint" in name) == kept


def test_a_driver_that_finds_nothing_to_do_leaves_the_copy_its_ledgers(folder, url, tmp_path):
    (folder / "confirm").mkdir()
    (folder / "confirm" / "ledger.journal").write_text("line\n")
    for _ in range(2):
        mirror = taken(folder, url)
        mirror.update()
        mirror.give_back()
    place = elsewhere(tmp_path, url)
    assert (place / "ledger.journal").read_text() == (folder / "ledger.journal").read_text() != ""
    assert (place / "confirm" / "ledger.journal").read_text() == "line\n"


def test_whenever_the_store_fails_the_copy_holds_what_its_ledger_speaks_of(folder, url, tmp_path, monkeypatch):
    """The ledger's line n speaks of checkpoint n; every write is the last one once."""
    mirror = taken(folder, url)
    mirror.update()
    calls, limit = [0], [0]

    def counted(work):
        def call(*arguments):
            calls[0] += 1
            if calls[0] > limit[0]:
                raise StoreError("the store is away")
            return work(*arguments)

        return call

    for name in ("put", "delete"):
        monkeypatch.setattr(mirror.store, name, counted(getattr(mirror.store, name)))
    for epoch in range(2, 12):
        save(folder, epoch)
        with (folder / "ledger.journal").open("a") as file:
            file.write(f"{epoch}\n")
        calls[0], limit[0] = 0, epoch - 2
        with suppress(StoreError):
            mirror.update([0])
        place = elsewhere(tmp_path, url, f"after-{epoch}")
        *_, spoken_of = (place / "ledger.journal").read_text().split()
        held = [path.name for path in TrialFolder(place, 0).generations()]
        assert held and (spoken_of == "ledger.journal" or max(map(int, held)) >= int(spoken_of)), (epoch, held)
        assert all((path / "weights").exists() for path in TrialFolder(place, 0).generations())


def test_a_torn_last_line_of_the_ledger_is_not_sent(folder, url):
    mirror = taken(folder, url)
    with (folder / "ledger.journal").open("a") as file:
        file.write("torn")
    mirror.update()
    assert mirror.store.get("ledger.journal") == b"ledger.journal\n"


def test_a_folder_that_was_the_copy_s_origin_keeps_what_was_not_sent(folder, url):
    taken(folder, url).update()
    save(folder, 2)
    assert not Mirror(folder, url).bring()
    assert len(TrialFolder(folder, 0).generations()) == 2


def test_a_folder_that_another_one_has_overtaken_becomes_what_that_was(folder, url, tmp_path, monkeypatch):
    taken(folder, url).update()
    place = elsewhere(tmp_path, url)
    save(place, 2, "other ")
    taken(place, url).update()
    (folder / "trials" / "0000" / "stale").write_text("x")
    monkeypatch.setattr("sweeps.record.mirror.SweepFolder.renote", lambda *_: None)
    assert Mirror(folder, url).bring()
    assert (TrialFolder(folder, 0).generations()[0] / "weights").read_text() == "other 2"
    assert not (folder / "trials" / "0000" / "stale").exists()
    assert not (folder / "spool").exists(), "MLflow is told again"


def test_a_driver_at_work_is_named_and_one_that_has_ended_is_not_in_the_way(folder, url):
    other = {"host": "far", "pid": 7, "place": "another boot"}
    mirror = taken(folder, url, **other)
    with pytest.raises(ConfigError, match=r"is driven by process 7 on far; stop it there"):
        taken(folder, url)
    mirror.give_back()
    taken(folder, url, pid=os.getpid())
    with pytest.raises(ConfigError, match=rf"is driven by process {os.getpid()} on"):
        taken(folder, url)


def test_a_driver_of_this_machine_that_has_died_is_not_in_the_way(folder, url, tmp_path):
    claim = tmp_path / "store" / "first" / CLAIM
    taken(folder, url)
    first = claim.read_bytes()
    taken(folder, url)
    assert claim.read_bytes() != first


def test_a_driver_that_was_cut_off_finds_that_another_one_has_the_sweep(folder, url):
    first = taken(folder, url)
    first.update()
    second = taken(folder, url)
    with pytest.raises(LockLost, match="another driver has taken this sweep over"):
        first.update()
    second.update()


def test_a_silent_driver_of_another_machine_has_died(folder, url, tmp_path):
    taken(folder, url, host="far", place="another boot")
    claim = tmp_path / "store" / "first" / CLAIM
    os.utime(claim, (claim.stat().st_mtime - 61,) * 2)
    taken(folder, url)
    assert json.loads(claim.read_text())["host"] != "far"
