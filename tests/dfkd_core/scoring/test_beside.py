"""Models of one name, side by side."""

from dfkd_core.scoring.beside import set_apart
from dfkd_core.scoring.model_scores import ModelScores


def test_models_of_one_name_are_called_by_their_places():
    model, *others = (ModelScores(name, "test", None, None) for name in ("best", "best", "gtcrn", "noisy", "dtln"))
    apart = set_apart(model, others, ["x/best", "gtcrn", "y/noisy", "dtln"])
    assert [one.name for one in apart] == ["x/best", "gtcrn", "y/noisy", "dtln"]
