"""A Ray of our own: nobody on the network reaches it, and nothing that lies about on a machine keeps it down."""

import ipaddress
import os

import psutil
import pytest
import ray

from cluster import own_ray
from cluster.own_ray import AUTH, READ_ON_START, SWITCH, by_itself, require_loopback, short_folder
from cluster.session import connect
from cluster.watchdog import own_processes
from dfkd_core.errors import DFKDError


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


def test_it_listens_on_the_loopback_address_only_whatever_the_environment_is(monkeypatch, caplog):
    """No home, a temporary folder too deep for sockets, fewer processors allowed than there are."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setenv("HOME", "/proc/no-home")
    monkeypatch.setenv("TMPDIR", "/tmp/" + "deep/" * 20)
    monkeypatch.setattr(own_ray, "allowed_cpus", lambda: 1)
    with connect(num_cpus=64) as session:
        assert session.is_own
        assert ray.cluster_resources()["CPU"] == 1
        assert ray.get(ray.remote(worker_pid).remote()) != os.getpid()
        assert {process.name() for process in own_processes()} == {"gcs_server", "raylet"}
        found = listening()
        assert "too long a path for Ray's sockets (TMPDIR or RAY_TMPDIR); using /tmp/dfkd-" in caplog.text
    assert found
    assert all(map(is_loopback, found)), found
    assert not {SWITCH, *AUTH} & set(os.environ)
    assert not own_processes(), "and is gone afterwards"


def test_a_usual_temporary_folder_is_used_as_it_is(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    assert short_folder() == {}
    monkeypatch.setenv("RAY_TMPDIR", "/scratch/" + "ü" * 30)
    assert short_folder()["_temp_dir"].startswith("/tmp/dfkd-")


def test_without_a_loopback_interface_it_is_said_at_once(monkeypatch):
    def unreachable(*arguments, **options):
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(own_ray.socket, "create_connection", unreachable)
    with pytest.raises(DFKDError, match=r"nothing on this machine answers .*unreachable.*ip link set lo up"):
        require_loopback()


class SlowRay:
    """Its processes are slow to come up: the first times `init` gives up."""

    def __init__(self, failures, text="The current node timed out during startup."):
        self.failures, self.text, self.calls = failures, text, []

    def init(self, **options):
        self.calls.append("init")
        if len(self.calls) <= self.failures:
            raise Exception(self.text)

    def shutdown(self):
        self.calls.append("shutdown")


@pytest.mark.parametrize("words", ["The current node timed out during startup.", "Timed out waiting for file /tmp/x."])
def test_a_ray_that_is_slow_to_come_up_is_started_once_more(monkeypatch, caplog, words):
    monkeypatch.setattr(own_ray, "ray", slow := SlowRay(1, words))
    own_ray.start(1)
    assert slow.calls == ["init", "shutdown", "init"]
    assert "trying once more" in caplog.text


@pytest.mark.parametrize(("failures", "words"), [(1, "no\nplace"), (3, "The current node\ntimed out during startup.")])
def test_one_that_cannot_be_started_is_told_in_one_line(monkeypatch, failures, words):
    monkeypatch.setattr(own_ray, "ray", SlowRay(failures, words))
    told = " ".join(words.split())
    with pytest.raises(DFKDError, match=f"no Ray could be started on this machine: {told}"):
        own_ray.start(1)


def test_nothing_is_copied_for_workers_when_uv_has_started_the_driver():
    """Ray would copy the working folder, and refuse one of more than 512 MB."""
    assert all(getattr(own_ray.ray_constants, name) for name in READ_ON_START)
    with by_itself():
        assert not any(getattr(own_ray.ray_constants, name) for name in READ_ON_START)
        assert os.environ.items() >= own_ray.SLOW.items()  # which its processes read
    assert all(getattr(own_ray.ray_constants, name) for name in READ_ON_START)


def test_a_token_that_the_user_has_chosen_is_kept(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "chosen")
    with by_itself():
        assert os.environ["RAY_AUTH_TOKEN"] == "chosen"
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    with by_itself():
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
    assert "RAY_AUTH_TOKEN" not in os.environ
