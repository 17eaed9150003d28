"""Models of one name, side by side."""

from types import SimpleNamespace

from dfkd_core.scoring import beside


def test_models_of_one_name_are_called_by_their_places(monkeypatch):
    monkeypatch.setattr(beside, "replace", lambda one, name: SimpleNamespace(name=name))
    model, *others = (SimpleNamespace(name=name) for name in ("best", "best", "gtcrn", "noisy", "dtln"))
    apart = beside.set_apart(model, others, ["x/best", "gtcrn", "y/noisy", "dtln"])
    assert [one.name for one in apart] == ["x/best", "gtcrn", "y/noisy", "dtln"]
