"""What we start listens on the loopback address only: nobody on the network can reach a sweep's Ray."""

import ipaddress
import os

import psutil
import ray

from cluster.loopback import SWITCH
from cluster.session import connect
from cluster.watchdog import own_processes


def listening():
    """Addresses on which this process and its children listen."""
    found = set()
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        connections = process.net_connections(kind="inet") if process.is_running() else []
        found |= {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}
    return found


def worker_pid():
    return os.getpid()


def is_loopback(text):
    address = ipaddress.ip_address(text)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_a_ray_of_our_own_listens_on_the_loopback_address_only(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    with connect(num_cpus=1) as session:
        assert session.is_own
        assert ray.get(ray.remote(worker_pid).remote()) != os.getpid()
        assert {process.name() for process in own_processes()} == {"gcs_server", "raylet"}
        found = listening()
    assert found
    assert all(map(is_loopback, found)), found
    assert SWITCH not in os.environ
    assert not own_processes(), "and is gone afterwards"
