"""A folder that another node cannot see is refused at the start, by its name."""

import pytest

from cluster import storage
from dfkd_core.errors import ConfigError


class Context:
    @staticmethod
    def get_node_id():
        return "here"


@pytest.fixture
def cluster(monkeypatch):
    """Nodes without Ray; `see` says what a node reads."""

    def build(nodes, see=lambda node, path: path.read_text()):
        listed = [{"NodeID": name, "Alive": name != "dead", "NodeManagerHostname": f"host-{name}"} for name in nodes]
        monkeypatch.setattr(storage.ray, "nodes", lambda: listed)
        monkeypatch.setattr(storage.ray, "get_runtime_context", Context)
        monkeypatch.setattr(storage, "_read_on", see)

    return build


def test_one_node_needs_no_shared_folder(cluster, tmp_path):
    cluster(["here", "dead"], see=lambda node, path: pytest.fail("nobody else is there to ask"))
    storage.check_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_all_nodes_see_is_accepted_and_left_as_it_was(cluster, tmp_path):
    cluster(["here", "b", "c"])
    storage.check_shared(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seen", [None, "a word of yesterday"])
def test_a_node_that_cannot_see_it_or_sees_something_else_is_named(cluster, tmp_path, seen):
    cluster(["here", "b", "c"], see=lambda node, path: seen if node == "c" else path.read_text())
    with pytest.raises(ConfigError, match=r"visible from every node, but host-c cannot.*--out") as caught:
        storage.check_shared(tmp_path)
    assert caught.value.file == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_reading_a_path_that_is_not_there_is_an_answer(tmp_path):
    assert storage._read(str(tmp_path / "missing")) is None
    (tmp_path / "there").write_text("word")
    assert storage._read(str(tmp_path / "there")) == "word"
