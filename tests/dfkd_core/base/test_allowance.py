"""What a process may use is told from its affinity and its cgroups, of either version."""

import os

import psutil
import pytest

from dfkd_core.base import allowance
from dfkd_core.base.allowance import allowed_cpus, allowed_memory_bytes


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    """A machine of 64 processors, whose cgroups hold these files; membership as /proc/self/cgroup tells it."""

    def build(membership, files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(allowance, "MEMBERSHIP", tmp_path / "membership")
        monkeypatch.setattr(allowance, "CGROUPS", tmp_path / "cgroup")
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)))

    return build


V1 = "4:memory:/job\n3:cpu,cpuacct:/job\n0::/\n"


@pytest.mark.parametrize(
    ("membership", "files", "cpus"),
    [
        ("0::/job/step\n", {"job/step/cpu.max": "400000 100000\n"}, 4),
        ("0::/job/step\n", {"job/cpu.max": "250000 100000", "job/step/cpu.max": "max 100000"}, 2),
        ("0::/job\n", {"job/cpu.max": "50000 100000"}, 1),
        ("0::/job\n", {"job/cpu.max": "max 100000"}, 64),
        ("0::/host/only\n", {"cpu.max": "300000 100000"}, 3),  # in a container, whose own cgroup is the top
        ("0::/../../elsewhere\n", {"cpu.max": "300000 100000"}, 64),  # of another namespace: above what is seen
        (V1, {"cpu/job/cpu.cfs_quota_us": "800000", "cpu/job/cpu.cfs_period_us": "100000"}, 8),
        (V1, {"cpu/job/cpu.cfs_quota_us": "-1", "cpu/job/cpu.cfs_period_us": "100000"}, 64),
        ("rubbish", {}, 64),
        ("", {}, 64),
    ],
)
def test_processors_by_the_quota_of_the_cgroup(cgroup, membership, files, cpus):
    cgroup(membership, files)
    assert allowed_cpus() == cpus


def test_processors_by_affinity(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7})
    monkeypatch.setattr(os, "cpu_count", lambda: 128)
    assert allowed_cpus() <= 3


@pytest.mark.parametrize(
    ("membership", "files"),
    [
        ("0::/job\n", {"job/memory.max": "1073741824\n"}),
        (V1, {"memory/job/memory.limit_in_bytes": "1073741824\n", "memory/memory.limit_in_bytes": f"{2**63 - 4096}"}),
    ],
)
def test_memory_by_the_limit_of_the_cgroup(cgroup, membership, files):
    cgroup(membership, files)
    assert allowed_memory_bytes() == 2**30


def test_memory_without_a_limit_is_the_machines(cgroup):
    cgroup("0::/job\n", {"job/memory.max": "max"})
    assert allowed_memory_bytes() == psutil.virtual_memory().total
