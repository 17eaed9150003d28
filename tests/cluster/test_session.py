"""Connecting to Ray: addresses that cannot work are refused at once, naming the setting they came from."""

import socket
import time

import pytest

from cluster import own_ray, session
from cluster.session import connect
from dfkd_core.errors import ConfigError


def refused(address=None):
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught, connect(address):
        pass
    assert time.monotonic() - started < 5
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def dead_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_client_address_is_refused_with_the_reason_and_the_remedy():
    error = refused("ray://head:10001")
    assert error.key == "--address"
    assert "without the ledger" in str(error)
    assert "on a machine of the cluster, with the address auto" in str(error)


def test_an_address_that_nobody_answers_is_named_with_its_setting(dead_port, monkeypatch):
    assert refused(f"127.0.0.1:{dead_port}").key == "--address"
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{dead_port}")
    error = refused()
    assert error.key == "RAY_ADDRESS"
    assert f"127.0.0.1:{dead_port}" in str(error)


def test_the_option_beats_the_environment(dead_port, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    assert refused(f"127.0.0.1:{dead_port}").key == "--address"


@pytest.mark.parametrize("address", ["no-such-host.invalid:6379", "host:99999", "rubbish"])
def test_what_is_no_address_is_refused(address):
    assert address in str(refused(address))


class FakeRay:
    def __init__(self, initialized=False):
        self.initialized, self.calls = initialized, []

    def is_initialized(self):
        return self.initialized

    def init(self, **options):
        self.calls.append(options)

    def shutdown(self):
        self.calls.append("shutdown")

    def nodes(self):
        return [{"Alive": True}]


def test_without_an_address_a_ray_of_our_own_is_started_and_stopped(monkeypatch):
    """Never somebody else's: a bare ray.init() would attach to any cluster of this machine. Nothing listens outside."""
    ray = FakeRay()
    monkeypatch.setattr(session, "ray", ray)
    monkeypatch.setattr(own_ray, "ray", ray)
    monkeypatch.setattr(own_ray, "allowed_cpus", lambda: 4)
    with connect(num_cpus=2) as found:
        assert found.is_own
        assert found.nodes() == [{"Alive": True}]
    options, stopped = ray.calls
    assert (options["address"], options["num_cpus"], options["include_dashboard"]) == ("local", 2, False)
    assert stopped == "shutdown"


def test_a_cluster_that_is_attached_to_keeps_its_own_size(monkeypatch):
    ray = FakeRay()
    monkeypatch.setattr(session, "ray", ray)
    monkeypatch.setattr(session, "_lets_in", lambda target: True)
    with connect("auto", num_cpus=2) as found:
        assert not found.is_own
    assert ray.calls[0]["address"] == "auto"
    assert "num_cpus" not in ray.calls[0]


def test_a_session_of_the_caller_is_used_and_left_running(monkeypatch):
    ray = FakeRay(initialized=True)
    monkeypatch.setattr(session, "ray", ray)
    with connect("auto") as found:
        assert not found.is_own
    assert ray.calls == []
