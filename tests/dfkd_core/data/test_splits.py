"""The names that people give to splits."""

import pytest

from dfkd_core.data.splits import level_of_splits, split_named
from dfkd_core.errors import DataError


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Train", "train"),
        ("TRAINING", "train"),
        ("train-clean-100", "train"),
        ("trainset_28spk_wav", "train"),
        ("train_set", "train"),
        ("tr", "train"),
        ("si_tr_s", "train"),
        ("valid", "valid"),
        ("Validation", "valid"),
        ("val", "valid"),
        ("dev-other", "valid"),
        ("devset", "valid"),
        ("cv", "valid"),
        ("test", "test"),
        ("testing", "test"),
        ("test-clean", "test"),
        ("eval92", "test"),
        ("tt", "test"),
        ("TrainData", "train"),
        ("validdata", "valid"),
        ("tr05_bus_simu", "train"),
        ("dt05", "valid"),
        ("si_et_05", "test"),
        ("01_train", "train"),
        ("test2017", "test"),
        ("devtest", None),
        ("train+val", None),
        ("train_dev", None),
        ("speaker1", None),
        ("trains", None),
        ("latest", None),
        ("contrast", None),
        ("p225", None),
    ],
)
def test_a_name_means_a_split_or_none(name, split):
    assert split_named(name) == split


def level(*folders, kind="clean"):
    return level_of_splits([tuple(folder.split("/")) if folder else () for folder in folders], kind, "clean")


@pytest.mark.parametrize(
    ("folders", "depth"),
    [
        (["train", "valid", "test"], 0),
        (["Train/p1", "Valid/p2", "Test/p3"], 0),
        (["training", "testing"], 0),
        (["train"], 0),
        (["LibriSpeech/train-clean-100/103", "LibriSpeech/dev-clean/84", "LibriSpeech/test-clean/61"], 1),
        (["p1/train", "p1/test", "p2/train"], 1),
        (["corpus/v2/train", "corpus/v2/dev"], 2),
        (["p1", "p2", "p3"], None),
        ([""], None),
        (["Val", "Ann", "Bob"], None),
        (["train", "valid", "extra"], 0),
        (["wav16k/min/tr", "wav16k/min/cv", "wav16k/min/tt"], 2),
        (["corpus/train", "corpus/valid", "corpus/extra"], 1),
        (["corpus/train", "corpus/test", ""], 1),
        (["corpus/Val", "corpus/Dev", "corpus/Ann"], None),
    ],
)
def test_splits_are_found_at_the_level_that_names_them(folders, depth):
    assert level(*folders) == depth


@pytest.mark.parametrize(
    "folders",
    [
        ["train", "test", "trainval"],
        ["train", "p1", "p2"],
        ["train", ""],
        ["holdout", "p1", "p2"],
        ["test", "train_dev", "train"],
        ["corpus/train", "corpus/test", "corpus/trainval"],
        ["train", "unseen"],
    ],
)
def test_what_looks_like_a_split_and_is_not_understood_is_refused_with_the_way_to_say_it(folders):
    with pytest.raises(DataError, match=r"looks like a split.* name them train/, valid/ and test/, or list .*manifest"):
        level(*folders)


def test_a_train_is_a_noise_beside_cars_and_buses():
    assert level("train", "car", "bus", kind="noise") is None
