"""Whatever damage lies where a file of ours should: a command answers in one line, at once, or works all the same."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from closed_form import PARAMS, QUALITY, Curve, sweep

from dfkd_core.errors import DFKDError
from sweeps.cli import run
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import build_front
from sweeps.record.ledger import Ledger
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.trials import TrialState
from sweeps.trust.repeats import Repeats

WAIT_S = 60
DEEP = "[" * 5000 + "]" * 5000
DAMAGE = {
    "deep": DEEP,
    "list": "[1, 2]",
    "nothing": "",
    "cut": '{"name": ',
    "infinity": '{"name": Infinity, "pid": Infinity}',
    "digits": "9" * 6000,
    "tag": "name: !!python/tuple [1, 2]",
    "key": "{[1, 2]: 3}",
    "without its keys": '{"name": "s"}',
    "bytes": b"\xff\xfe\x00\x80" * 9,
}
FILES = (
    "sweep.yaml",
    "ledger.json",
    "driver.lock",
    "front/front.json",
    "front/references/x.json",
    "front/sounds/sounds.json",
    "confirm/ledger.json",
)
PIPES = ("ledger.journal", "spool/records-000000000001.jsonl", "trials/0000/metrics.json", "trials/0000/clips.json")
COMMANDS = (
    ["sweep", "status"],
    ["front", "show"],
    ["export", "--knee", "-o", "knee.yaml"],
    ["front", "compare"],
    ["sweep", "stop"],
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A finished sweep of three trials with its front."""
    spec = SweepSpec.model_validate(sweep(3, 1))
    folder = SweepFolder(tmp_path_factory.mktemp("sweep") / "closed")
    folder.create()
    folder.write_note("id", Curve)
    ledger = Ledger.create(folder.path, spec, "id")
    for _ in range(3):
        number, params = ledger.ask()
        ledger.record_epoch(number, 1, {QUALITY: 0.5, PARAMS: 2e6 * params["size"]})
        ledger.finish(number, TrialState.COMPLETE)
    folder.write_spec(spec)
    (folder.path / "front").mkdir()
    (folder.path / "front" / "front.json").write_text(build_front(spec, "id", ledger.records()).to_json())
    return folder.path


@pytest.fixture
def folder(written, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(written, tmp_path / "s")


def answered(arguments, capsys):
    """Run a command; its status, with what it said on stderr, and no wait for anybody."""

    def too_long(*_):
        raise AssertionError(f"{arguments} waits")

    capsys.readouterr()
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(WAIT_S)
    try:
        status = run([str(a) for a in arguments])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    said = capsys.readouterr().err.strip().splitlines()
    assert status in (0, 1, 2), said
    assert status == 0 or (said and said[-1].startswith("dfkd: ") and len(said[-1]) < 800), said
    assert not any("Traceback" in line for line in said)
    return status, said


def every_command(folder, capsys):
    """The status of each command."""
    statuses = []
    for command in COMMANDS:
        other = [folder] if command[1] == "compare" else []
        words = ["export", folder, *command[1:]] if command[0] == "export" else [*command[:2], folder, *other]
        statuses.append(answered(words, capsys)[0])
    return statuses


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_content_is_told_or_passed_over(folder, name, damage, capsys):
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    content = DAMAGE[damage]
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert set(every_command(folder, capsys)) <= {0, 1, 2}


@pytest.mark.parametrize("name", (*FILES, *PIPES))
def test_a_pipe_or_a_folder_in_its_place_keeps_nobody_waiting(folder, name, capsys):
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)
    assert set(every_command(folder, capsys)) <= {0, 1, 2}
    place.unlink()
    place.mkdir()
    assert set(every_command(folder, capsys)) <= {0, 1, 2}


@pytest.mark.parametrize("note", ['{"workload": "sweeps:X"}', '{"sweep_id": 3, "workload": "sweeps:X"}', "{}", None])
def test_repeats_whose_note_has_lost_its_id_are_told_and_left_alone(folder, note):
    (folder / "confirm").mkdir()
    (folder / "confirm" / "ledger.journal").write_bytes(b"kept")
    place = folder / "confirm" / "ledger.json"
    os.mkfifo(place) if note is None else place.write_text(note)
    with pytest.raises(DFKDError, match=r"confirm/ledger\.json: cannot be read .*restore it from a backup"):
        Repeats.find(folder, SweepFolder(folder).spec())
    assert (folder / "confirm" / "ledger.journal").read_bytes() == b"kept"
