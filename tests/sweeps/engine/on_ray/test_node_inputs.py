"""A node that lacks what trials read, or differs in it, is given it where there is a keeper; else it is kept out."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
from closed_form import Served, ServedDomain

from dfkd_core.errors import DataError
from sweeps.engine.deciding.inputs import Inputs, NodeDiffers
from sweeps.engine.on_ray import node_inputs
from sweeps.engine.on_ray.by_value import by_value
from sweeps.engine.on_ray.node_inputs import NodeInputs
from sweeps.engine.on_ray.trial_desk import Keeper


class Beside:
    """A keeper on another machine, called without Ray; `calls` are those that arrived."""

    def __init__(self, keeper, calls):
        for name in ("parcel", "pieces", "tell"):

            def remote(*arguments, name=name):
                calls.append(name)
                return getattr(keeper, name)(*pickle.loads(pickle.dumps(arguments)))

            setattr(self, name, SimpleNamespace(remote=remote))


@pytest.fixture
def calls(monkeypatch):
    context = SimpleNamespace(get_node_id=lambda: "1a2b3c4d5e6f")
    monkeypatch.setattr(node_inputs.ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(node_inputs, "answer_of", lambda answer: answer)
    return []


class HereAndThere(ServedDomain):
    """The driver's corpus lies at `there`, whatever the config calls it."""

    def __init__(self, there):
        self.there = there

    def input_files(self, config):
        return {config["data"]: {"": self.there}}


@pytest.fixture
def keeper(tmp_path, monkeypatch, calls):
    """Beside the driver, whose corpus is right."""
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "there").write_text("right")
    kept = Keeper(tmp_path, tmp_path, "session", by_value(Served), 1)
    kept.__dict__["_server"] = node_inputs_server(HereAndThere(tmp_path / "there"))
    return kept


def node_inputs_server(domain):
    from sweeps.engine.deciding.serving import Server

    return Server(domain, 1)


@pytest.mark.parametrize("content", [None, "wrong"])
def test_a_node_without_the_data_or_with_other_is_given_it_once_and_keeps_its_own(tmp_path, keeper, calls, content):
    own = tmp_path / "here"
    if content:
        own.write_text(content)
    inputs = Inputs({"data": str(own)}, 1, {"data_hash": "right"})
    places = [NodeInputs(ServedDomain(), 1, Beside(keeper, calls)).require("", inputs) for _ in range(2)]
    assert places[0] == places[1]
    given = ServedDomain().moved({"data": str(own)}, places[0])["data"]
    assert given.startswith(str(tmp_path / "cache")) and Path(given).read_text() == "right"
    assert calls.count("pieces") == 1
    assert (own.read_text() if content else own.exists()) == (content or False)
    _, told = keeper.news(0)
    assert [(news.num_bytes, news.is_over) for news in told.values()] == [(5, True)]
    assert all("(node 1a2b3c4d)" in news.node for news in told.values())


def test_a_node_that_has_it_asks_for_nothing(tmp_path, keeper, calls):
    inputs = Inputs({"data": str(tmp_path / "there")}, 1, {"data_hash": "right"})
    assert NodeInputs(ServedDomain(), 1, Beside(keeper, calls)).require("", inputs) == {}
    assert calls == []


def test_a_worker_is_asked_once_for_each_key(tmp_path, keeper, calls):
    node = NodeInputs(ServedDomain(), 1, Beside(keeper, calls))
    inputs = Inputs({"data": str(tmp_path / "here")}, 1, {"data_hash": "right"})
    assert node.require("", inputs) is node.require("", inputs)
    assert calls.count("parcel") == 1


def test_without_a_keeper_the_node_is_kept_out(tmp_path):
    inputs = Inputs({"data": str(tmp_path / "here")}, 1, {"data_hash": "right"})
    with pytest.raises(NodeDiffers, match=r"lacks what trials need: .*here.*; mend it there"):
        NodeInputs(ServedDomain(), 1, None).require("", inputs)


def test_a_node_that_cannot_be_given_it_says_why(tmp_path, keeper, calls, monkeypatch):
    def full(*arguments):
        raise DataError("/cache: must have room for 131 MB, but has 20 MB")

    monkeypatch.setattr(node_inputs, "fetch", full)
    inputs = Inputs({"data": str(tmp_path / "here")}, 1, {"data_hash": "right"})
    with pytest.raises(NodeDiffers, match=r"lacks what trials need: .*; nor can it be given that: /cache: must have"):
        NodeInputs(ServedDomain(), 1, Beside(keeper, calls)).require("", inputs)


def test_what_still_differs_after_it_was_given_is_kept_out(tmp_path, keeper, calls):
    inputs = Inputs({"data": str(tmp_path / "here")}, 1, {"data_hash": "of another sweep"})
    with pytest.raises(NodeDiffers, match="data_hash is right there, of another sweep in this"):
        NodeInputs(ServedDomain(), 1, Beside(keeper, calls)).require("", inputs)


class Computed(HereAndThere):
    """What is long to compute of the data: computed where `name` lies below the cache folder."""

    def cached_files(self, config):
        from dfkd_core.base.cache import cache_dir

        return [cache_dir() / "estimates"]


def test_a_node_with_the_data_is_given_what_it_would_have_to_compute(tmp_path, keeper, calls, monkeypatch):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "estimates").write_text("long to compute")
    domain = Computed(tmp_path / "there")
    keeper.__dict__["_server"] = node_inputs_server(domain)
    keeper.parcel({"data": str(tmp_path / "there")}, True)  # listed on the driver's machine
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "node"))
    inputs = Inputs({"data": str(tmp_path / "there")}, 1, {"data_hash": "right"})
    assert NodeInputs(domain, 1, Beside(keeper, calls)).require("", inputs) == {}
    assert (tmp_path / "node" / "estimates").read_text() == "long to compute"
    assert not list((tmp_path / "node" / "served").glob("*/there"))


def test_a_node_that_cannot_be_given_these_computes_them(tmp_path, keeper, calls, monkeypatch, caplog):
    def full(*arguments):
        raise DataError("no room")

    monkeypatch.setattr(node_inputs, "fetch", full)
    inputs = Inputs({"data": str(tmp_path / "there")}, 1, {"data_hash": "right"})
    assert NodeInputs(Computed(tmp_path / "there"), 1, Beside(keeper, calls)).require("", inputs) == {}
    assert "this node makes for itself what it was not given: no room" in caplog.text
