"""Connecting to Ray: addresses that cannot work are refused at once, naming the setting they came from."""

import os
import platform
import socket
import time
from types import SimpleNamespace

import pytest
from ray import __version__ as ray_version
from ray._private.utils import check_version_info
from ray.exceptions import AuthenticationError, RpcError

from cluster import own_ray, session
from cluster.session import connect
from dfkd_core.errors import ConfigError


def refused(address=None):
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught, connect(address):
        pass
    assert time.monotonic() - started < 15
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


def cluster_that(monkeypatch, **does):
    """A head at HOST:PORT whose Ray does what is said."""
    monkeypatch.setattr(session, "ray", SimpleNamespace(is_initialized=lambda: False, **does))
    monkeypatch.setattr(session, "_knock", lambda setting, target: None)


def test_other_versions_of_ray_or_python_are_told_with_both(monkeypatch):
    there = {"ray_version": "2.59.1", "python_version": "3.12.4", "ray_commit": ""}

    def init(**options):
        check_version_info(there, "this process")

    cluster_that(monkeypatch, init=init)
    monkeypatch.setattr(session, "_lets_in", lambda target: True)
    error = refused("head:6379")
    here = f"Ray: {ray_version}, Python: {platform.python_version()}"
    assert error.key == "--address" and f"Ray: 2.59.1, Python: 3.12.4, {here}" in str(error)
    assert "no Ray cluster answers" not in str(error) and "constraints.txt" in str(error)


def without_nodes(times):
    """Ray's `init`, which finds no node on this machine so many times."""
    tries = iter([True] * times + [False])

    def init(**options):
        if next(tries):
            raise ConnectionError("Failed to connect to Ray cluster at head:6379") from RuntimeError(
                "No node info found matching attributes: '' when trying to resolve node to connect to."
            )

    return init


def test_a_node_that_comes_up_late_is_waited_for(monkeypatch, caplog):
    cluster_that(monkeypatch, init=without_nodes(1), shutdown=lambda: None)
    monkeypatch.setattr(session, "_lets_in", lambda target: True)
    with connect("head:6379") as found:
        assert not found.is_own
    assert "no node of the Ray at head:6379 is up on this machine" in caplog.text


def test_a_machine_outside_the_cluster_is_told_so(monkeypatch):
    cluster_that(monkeypatch, init=without_nodes(2))
    monkeypatch.setattr(session, "_lets_in", lambda target: True)
    assert "no node of it is up on this machine; start `dfkd` on a machine of the cluster" in str(refused("head:6379"))


def test_a_port_that_is_no_ray_s_is_told_in_one_line(monkeypatch):
    cluster_that(monkeypatch)

    def gcs_client(address):
        raise RpcError("Timed out while waiting for GCS to become available.")  # as Ray says after 40 s

    monkeypatch.setattr(own_ray.raylet, "GcsClient", gcs_client)
    assert "no Ray cluster answers at '127.0.0.1:80': Timed out" in str(refused("127.0.0.1:80"))


@pytest.mark.parametrize("before", [None, "token"])  # as a Ray of its own leaves it behind in a process
@pytest.mark.parametrize("has_token", [False, True])
@pytest.mark.parametrize("takes", ["no token", "any token", "another's"])
def test_a_head_that_asks_for_a_token_gets_the_one_that_lies_at_home_or_is_told_apart_from_none(
    monkeypatch, has_token, takes, before
):
    modes = []  # as Ray's C++ part knows them

    def gcs_client(address):
        assert modes[-1] == os.environ["RAY_AUTH_MODE"]
        if takes != "no token" and not (takes == "any token" and os.environ.get("RAY_AUTH_MODE") == "token"):
            raise AuthenticationError("Unauthenticated")

    loader = SimpleNamespace(has_token=lambda ignore_auth_mode: has_token, reset_cache=lambda: None)
    raylet = SimpleNamespace(
        GcsClient=gcs_client,
        AuthenticationTokenLoader=SimpleNamespace(instance=lambda: loader),
        Config=SimpleNamespace(initialize=lambda text: modes.append(os.environ.get("RAY_AUTH_MODE"))),
    )
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if before is not None:
        monkeypatch.setenv("RAY_AUTH_MODE", before)
    monkeypatch.setattr(session.own_ray, "raylet", raylet)
    cluster_that(monkeypatch, init=lambda **options: None, shutdown=lambda: None)
    if takes == "no token" or (takes == "any token" and has_token):
        with connect("127.0.0.1:6379") as found:
            assert not found.is_own
            assert modes[-1] == ("disabled" if takes == "no token" else "token"), "the driver's is the cluster's"
    else:
        error = refused("127.0.0.1:6379")
        assert "answers at '127.0.0.1:6379', but refuses this driver" in str(error)
        assert "RAY_AUTH_TOKEN_PATH" in str(error)
    assert os.environ.get("RAY_AUTH_MODE") == modes[-1] == before
