import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from dfkd_core.base import atomic_files
from dfkd_core.errors import CheckpointError
from dfkd_core.trained.checkpoint import MANIFEST, has_state, load_state, save_state

STATE = {
    "epoch": 3,
    "best": None,
    "rates": [1e-3, 0.1],
    "model": {"weight": torch.randn(3, 4), "steps": torch.tensor(7), "empty": torch.empty(0)},
    "random": {"torch": torch.get_rng_state()},
    "nothing": {},
}


def assert_equal(left, right):
    if isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            assert_equal(left[key], right[key])
    elif isinstance(left, torch.Tensor):
        assert left.dtype == right.dtype and torch.equal(left, right)
    else:
        assert left == right


def test_a_state_comes_back_bit_for_bit(tmp_path):
    save_state(tmp_path, STATE)
    assert_equal(load_state(tmp_path), STATE)


def test_a_second_save_replaces_the_first_and_leaves_three_files(tmp_path):
    save_state(tmp_path, {"epoch": 1})
    save_state(tmp_path, STATE)
    assert load_state(tmp_path)["epoch"] == 3
    assert len(list(tmp_path.iterdir())) == 3


def test_shared_and_transposed_tensors_are_saved_by_value(tmp_path):
    weight = torch.randn(3, 4)
    save_state(tmp_path, {"a": weight, "b": weight.T})
    assert torch.equal(load_state(tmp_path)["b"], weight.T)


def test_nothing_is_loaded_from_a_file_that_has_changed(tmp_path):
    save_state(tmp_path, STATE)
    file = next(tmp_path.glob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{file.name}: must have sha256 .*delete its folder") as caught:
        load_state(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {"tensors": 1, "values": 2}}', "\xff"])
def test_a_broken_manifest_is_told_in_one_line(tmp_path, content):
    save_state(tmp_path, STATE)
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(CheckpointError, match=MANIFEST):
        load_state(tmp_path)


def test_a_manifest_cannot_reach_outside_its_folder(tmp_path):
    save_state(tmp_path, STATE)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["files"]["values"]["name"] = "../secret"
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="of its own folder"):
        load_state(tmp_path)


def test_a_missing_checkpoint_is_told(tmp_path):
    assert not has_state(tmp_path)
    with pytest.raises(CheckpointError, match="missing"):
        load_state(tmp_path / "absent")


@pytest.mark.parametrize("allowed_writes", [0, 1, 2])
def test_a_disk_that_fills_at_any_file_leaves_the_previous_state(tmp_path, monkeypatch, allowed_writes):
    save_state(tmp_path, {"epoch": 1, "weight": torch.ones(2)})
    writes = 0

    def limited(descriptor, synchronise=os.fsync):
        nonlocal writes
        writes += 1
        if writes > 2 * allowed_writes:  # each file forces itself and its folder
            raise OSError(errno.ENOSPC, "No space left on device")
        synchronise(descriptor)

    monkeypatch.setattr(atomic_files.os, "fsync", limited)
    with pytest.raises(OSError, match="No space"):
        save_state(tmp_path, {"epoch": 2, "weight": torch.zeros(2)})
    assert load_state(tmp_path)["epoch"] == 1


def test_values_that_json_cannot_hold_exactly_are_refused(tmp_path):
    for value in (float("nan"), {1: "integer key"}, object()):
        with pytest.raises((TypeError, ValueError)):
            save_state(tmp_path, {"value": value})
    assert not has_state(tmp_path)


ENDLESS_SAVES = """
import pathlib, sys, torch
from dfkd_core.trained.checkpoint import save_state
for epoch in range(10**6):
    save_state(pathlib.Path(sys.argv[1]), {"epoch": epoch, "weight": torch.full((1000,), float(epoch))})
    print(epoch, flush=True)
"""


def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ENDLESS_SAVES, tmp_path], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    state = load_state(tmp_path)
    assert (state["weight"] == state["epoch"]).all()
