import platform
import subprocess
import sys

import pytest

STEP = """
import resource, torch
from dfkd_core.base.memory import keep_freed_memory
keep_freed_memory()
def step():
    return [torch.ones(1_000_000) for _ in range(8)]
step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_a_repeated_step_touches_no_new_pages():
    result = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 1000  # 4 steps of 32 MB are 31,000 pages
