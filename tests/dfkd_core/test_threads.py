"""A training keeps to its threads, whichever library would start more."""

from __future__ import annotations

import json
import os
import subprocess
import sys

CODE = """
import json
import numpy
import torch
from threadpoolctl import threadpool_info
from dfkd_core.threads import limit_threads

limit_threads(int(__import__("sys").argv[1]))
pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
print(json.dumps([torch.get_num_threads(), pools]))
"""


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
