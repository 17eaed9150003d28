"""Which nodes do not see a folder is found out at the start, by their names."""

from types import SimpleNamespace

import pytest
from ray.exceptions import TaskUnschedulableError

from cluster import storage
from dfkd_core.errors import ConfigError


class Context:
    @staticmethod
    def get_node_id():
        return "here"


@pytest.fixture
def cluster(monkeypatch):
    """Nodes without Ray; `see` says what a node reads, and `lost` are found dead once they were asked."""

    def build(nodes, see=lambda node, path: path.read_text(), lost=()):
        alive = {name: name != "dead" for name in nodes}

        def read_on(asked, path):
            alive.update(dict.fromkeys(lost, False))
            return {node: see(node, path) for node in asked}

        monkeypatch.setattr(storage.ray, "nodes", lambda: [listed(name, alive[name]) for name in nodes])
        monkeypatch.setattr(storage.ray, "get_runtime_context", Context)
        monkeypatch.setattr(storage, "_read_on", read_on)

    return build


def listed(name, is_alive):
    return {"NodeID": name, "Alive": is_alive, "NodeManagerHostname": f"host-{name}"}


def test_one_node_needs_no_shared_folder(cluster, tmp_path):
    cluster(["here", "dead"], see=lambda node, path: pytest.fail("nobody else is there to ask"))
    assert storage.blind_nodes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_with_ray_s_session_is_refused(cluster, tmp_path, monkeypatch):
    cluster(["here"])
    node = SimpleNamespace(get_session_dir_path=lambda: str(tmp_path / "session"))
    monkeypatch.setattr(storage.ray._private.worker, "_global_node", node)
    with pytest.raises(ConfigError, match=r"runs: must be a place that lives on, but lies in Ray's session"):
        storage.blind_nodes(tmp_path / "session" / "working_dir" / "runs")
    storage.blind_nodes(tmp_path)


def test_a_folder_that_all_nodes_see_is_accepted_and_left_as_it_was(cluster, tmp_path):
    cluster(["here", "b", "c"])
    assert storage.blind_nodes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seen", [None, "a word of yesterday"])
def test_a_node_that_cannot_see_it_or_sees_something_else_is_named(cluster, tmp_path, seen):
    cluster(["here", "b", "c"], see=lambda node, path: seen if node == "c" else path.read_text())
    assert storage.blind_nodes(tmp_path) == ["host-c"]
    assert list(tmp_path.iterdir()) == []


def no_answer(node, path):
    return TaskUnschedulableError("the node doesn't exist any more") if node == "c" else path.read_text()


def test_a_node_that_turns_out_dead_is_passed_over(cluster, tmp_path):
    cluster(["here", "b", "c"], see=no_answer, lost=["c"])
    assert storage.blind_nodes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_living_node_that_does_not_answer_is_named(cluster, tmp_path):
    cluster(["here", "b", "c"], see=no_answer)
    with pytest.raises(ConfigError, match=r"but host-c does not \(TaskUnschedulableError\); take it out"):
        assert storage.blind_nodes(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_blind_node_is_named_beside_a_dead_one(cluster, tmp_path):
    cluster(["here", "b", "c"], see=lambda node, path: None, lost=["b"])
    assert storage.blind_nodes(tmp_path) == ["host-c"]


def test_reading_a_path_that_is_not_there_is_an_answer(tmp_path):
    assert storage.read_text(str(tmp_path / "missing")) is None
    (tmp_path / "there").write_text("word")
    assert storage.read_text(str(tmp_path / "there")) == "word"
