"""Progress in a notebook: one output, drawn anew; elsewhere a library call stays silent."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from sweeps.definition.objectives import Objective
from sweeps.record.trials import TrialRecord, TrialState
from sweeps.terminal.display import Display, SweepView
from sweeps.terminal.notebook import NotebookDisplay, display_here


@pytest.fixture
def shown(monkeypatch):
    """IPython with a kernel, as far as it is asked for; every drawing of the one output."""
    drawings = []
    ipython, pages = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    pages.HTML = str

    def display(page, display_id):
        drawings.append(page)
        return SimpleNamespace(update=drawings.append)

    pages.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", pages)
    return drawings


def view(done, front=()):
    objectives = (Objective(metric="val/q", goal="maximize"), Objective(metric="model/params", goal="minimize"))
    return SweepView("s", objectives, 2, {TrialState.COMPLETE: done}, 1.5, lambda: tuple(front), 60.0)


def test_without_a_notebook_nothing_is_said(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert type(display_here()) is Display
    terminal = ModuleType("IPython")
    terminal.get_ipython = SimpleNamespace
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert type(display_here()) is Display


def test_a_sweep_shows_preparation_then_trials_best_values_and_failures(shown, monkeypatch):
    monkeypatch.setattr("sweeps.terminal.notebook.INTERVAL_S", 0.0)
    display = display_here()
    assert isinstance(display, NotebookDisplay)
    with display.preparing() as told:
        told("decode audio", 1, 2)
    assert shown[-1] == "decode audio: 1/2"
    record = TrialRecord(0, TrialState.COMPLETE, metrics={"val/q": 2.5, "model/params": 100.0})
    other = TrialRecord(1, TrialState.COMPLETE, metrics={"val/q": 3.5, "model/params": 900.0})
    display.finished(view(1), "trial 2", TrialRecord(2, TrialState.FAILED, reason="<b>out of memory"))
    display.update(view(2, [record, other]))
    assert "2 of 2 trials; 2 complete" in shown[-1]
    assert "val/q 3.5, model/params 100" in shown[-1]
    assert "trial 2 failed: &lt;b&gt;out of memory" in shown[-1]


def test_it_is_drawn_once_a_second_and_at_the_end(shown):
    display = NotebookDisplay()
    for _ in range(50):
        display.update(view(1))
    assert len(shown) == 1
    display.update(view(2))
    assert len(shown) == 2
