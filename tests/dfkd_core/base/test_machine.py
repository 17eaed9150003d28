"""The machine as a training uses it: device, precision, threads and freed memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys

import pytest
import torch

from dfkd_core.base.machine import choose_device, mixed_precision, refused_memory
from dfkd_core.errors import ConfigError

CODE = """
import json
import numpy
import torch
from threadpoolctl import threadpool_info
from dfkd_core.base.machine import limit_threads

limit_threads(int(__import__("sys").argv[1]))
pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
print(json.dumps([torch.get_num_threads(), pools]))
"""

STEP = """
import resource, torch
from dfkd_core.base.machine import keep_freed_memory
keep_freed_memory()
def step():
    return [torch.ones(1_000_000) for _ in range(8)]
step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_auto_is_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"


@pytest.mark.parametrize("name", ["tpu", "meta", "cuda:1000", "", "cpu:x"])
def test_a_device_that_is_not_there_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match=r"training.device: must be .*; use auto"):
        choose_device(name)


def test_matrix_products_run_in_bfloat16_only_when_asked_for():
    weight = torch.ones(4, 4)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        with mixed_precision(torch.device("cpu"), precision):
            assert (weight @ weight).dtype == dtype


def limited(num_threads):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(num_threads)], env=environment, capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_torch_and_numpy_are_both_held_to_the_number():
    of_torch, of_numpy = limited(1)
    assert of_torch == 1 and of_numpy and set(of_numpy.values()) == {1}


def test_two_threads_may_be_had():
    of_torch, of_numpy = limited(2)
    assert of_torch == 2 and set(of_numpy.values()) <= {1, 2}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_a_repeated_step_touches_no_new_pages():
    result = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 1000  # 4 steps of 32 MB are 31,000 pages


def test_memory_that_the_system_refuses_is_told_with_its_size_and_nothing_else_is():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert refused_memory(caught.value).startswith("4,194,304.0 GiB of memory were asked for at once, more than")
    assert refused_memory(RuntimeError("shapes differ")) is None
