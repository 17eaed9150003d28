"""A run's key, its text and its tags say the same thing."""

import pytest

from sweeps.tracking.run_key import PARENT, RunKey


@pytest.mark.parametrize(
    ("key", "text", "name"),
    [
        (PARENT, "sweep", "first"),
        (RunKey("trial", 7), "trial/7", "first/t0007"),
        (RunKey("confirm", 7, 2), "confirm/7/2", "first/t0007/confirm-2"),
        (RunKey("final", 0), "final/0", "first/t0000/final"),
        (RunKey("final"), "final", "first"),
    ],
)
def test_text_and_tags_lead_back_to_the_key(key, text, name):
    assert key.text == text
    assert key.run_name("first") == name
    assert RunKey.parse(text) == key
    assert RunKey.of_tags(key.tags("abc")) == key


def test_tags_of_foreign_runs_are_nobodys():
    assert RunKey.of_tags({}) is None
    assert RunKey.of_tags({"dfkd.kind": "trial"}) is None


def test_a_trials_seed_tag_does_not_make_it_another_run():
    assert RunKey.of_tags({"dfkd.kind": "trial", "dfkd.trial_number": "3", "dfkd.seed": "9"}) == RunKey("trial", 3)


def test_a_model_that_comes_from_a_sweep_is_no_run_of_that_sweep():
    """It carries the sweep's id and the trial's number, and may be trained many times."""
    of_sweep = {"dfkd.sweep_id": "abc", "dfkd.trial_number": "7"}
    assert RunKey.of_tags(of_sweep | RunKey("final").tags("own")) == RunKey("final")
    assert RunKey("final").id_tag != PARENT.id_tag == RunKey("final", 7).id_tag
