"""What is said before trials run."""

from types import SimpleNamespace

import pytest

from sweeps.engine.driving import preparing


@pytest.mark.parametrize(
    ("blind", "said"),
    [
        (["n1"], ["n1 does not see /data/runs: its trials hand"]),
        (["n1", "n2"], ["n1, n2 do not see /data/runs: their trials hand"]),
        ([], []),
    ],
)
def test_nodes_that_do_not_see_the_folder_are_named(monkeypatch, blind, said):
    notes = []
    monkeypatch.setattr(preparing, "blind_nodes", lambda path: blind)
    preparing.tell_blind_nodes(SimpleNamespace(path="/data/runs"), SimpleNamespace(note=notes.append))
    assert [note.partition(" each checkpoint")[0] for note in notes] == said
