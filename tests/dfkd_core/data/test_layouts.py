from collections import Counter

import numpy as np
import pytest
from layout_trees import TREES, noisy_and_clean_valid

from dfkd_core.data.corpora import open_corpus, scan
from dfkd_core.data.layouts import recognise, split_labels
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio

SECOND = np.full(16_000, 0.1, np.float32)


def plant(root, *paths):
    for path in paths:
        write_audio(root / path, SECOND)


def voicebank(root, speakers=("p226", "p287", "p228", "p230"), test=("p232", "p257")):
    for kind in ("clean", "noisy"):
        plant(root, *(f"{kind}_trainset_28spk_wav/{speaker}_{n:03d}.wav" for speaker in speakers for n in (1, 2)))
        plant(root, *(f"{kind}_testset_wav/{speaker}_{n:03d}.wav" for speaker in test for n in (1, 2)))


def test_voicebank_holds_two_speakers_out_of_training(tmp_path):
    voicebank(tmp_path)
    manifest = scan(tmp_path)
    speakers = {split: {c.label for c in manifest.select("clean", split)} for split in ("train", "valid", "test")}
    assert speakers == {"train": {"p228", "p230"}, "valid": {"p226", "p287"}, "test": {"p232", "p257"}}
    assert Counter(clip.kind for clip in manifest.clips) == {"clean": 12, "noisy": 12}


def test_files_that_are_only_clean_or_only_noisy_are_named(tmp_path):
    voicebank(tmp_path)
    (tmp_path / "noisy_trainset_28spk_wav" / "p228_001.wav").unlink()
    (tmp_path / "clean_trainset_28spk_wav" / "p230_002.wav").unlink()
    with pytest.raises(DataError, match="no noisy file for p228_001 and no clean file for p230_002"):
        scan(tmp_path)


def test_voicebank_without_noisy_files_says_what_is_missing(tmp_path):
    plant(tmp_path, "clean_trainset_28spk_wav/p226_001.wav")
    with pytest.raises(DataError, match="noisy_trainset_28spk_wav is missing; accepted are"):
        scan(tmp_path)


@pytest.mark.parametrize(("top", "suffix"), [("", ""), ("datasets", ""), ("datasets_fullband", "_fullband")])
def test_dns_splits_by_reader_and_noise_family(tmp_path, top, suffix):
    root = tmp_path / top
    for reader in range(10):
        for n in range(2):
            plant(root, f"clean{suffix}/book_00001_chp_0002_reader_{reader:05d}_{n}_seg_1.wav")
    for family in ("door", "rain", "typing_2", "fan"):
        plant(root, *(f"noise{suffix}/{family}_Freesound_validated_{n}.wav" for n in range(2)))
    plant(root, f"noise{suffix}/-0CgGhRUhdc.wav", "impulse_responses/SLR26/room1.wav")
    plant(root, "impulse_responses/SLR28/room2.wav", "impulse_responses/BUT/room3.wav")
    manifest = scan(tmp_path)
    assert recognise(tmp_path).name == "dns"
    assert {c.label for c in manifest.select("noise")} == {"door", "rain", "typing", "fan", "-0CgGhRUhdc"}
    assert {c.label for c in manifest.select("clean")} == {f"reader_{n:05d}" for n in range(10)}
    assert len(manifest.select("impulse_response")) == 3
    assert_disjoint(manifest)


def test_dns_trains_on_rooms_and_leaves_recordings_of_noise_out(tmp_path):
    TREES["dns"](tmp_path)
    manifest = scan(tmp_path)
    assert recognise(tmp_path).name == "dns"
    rooms = {(c.split, c.label) for c in manifest.select("impulse_response")}
    assert rooms == {
        ("train", "SLR26/simulated_rirs_48k/smallroom/Room001"),
        ("train", "SLR28/RIRS_NOISES/real_rirs_isotropic_noises"),
    }
    assert not manifest.select("noisy")


@pytest.mark.parametrize("layout", TREES)
def test_each_layout_is_recognised_by_its_names(tmp_path, layout):
    TREES[layout](tmp_path)
    assert recognise(tmp_path).name == layout
    assert {clip.split for clip in scan(tmp_path).clips} == {"train", "valid", "test"}


@pytest.mark.parametrize("place", ["noisy", "real_recordings", "datasets/test_set/real_recordings", "blind_test_set"])
def test_recordings_are_found_where_they_usually_lie(tmp_path, place):
    plant(tmp_path / place, *(f"take{n}.wav" for n in range(3)))
    assert recognise(tmp_path).name == "noisy-only"
    assert {clip.kind for clip in scan(tmp_path).clips} == {"noisy"}


def test_recordings_are_split_by_folder_or_else_one_by_one(tmp_path):
    plant(tmp_path / "a" / "noisy", *(f"device{d}/take_{n}.wav" for d in range(3) for n in range(4)))
    plant(tmp_path / "b" / "noisy", *(f"take_{n}.wav" for n in range(20)))
    assert Counter(clip.split for clip in scan(tmp_path / "a").clips) == {"train": 4, "valid": 4, "test": 4}
    assert Counter(clip.split for clip in scan(tmp_path / "b").clips) == {"train": 16, "valid": 2, "test": 2}


def test_recordings_train_and_clean_speech_elsewhere_validates(tmp_path):
    noisy_and_clean_valid(tmp_path)
    manifest = scan(tmp_path)
    assert {(c.kind, c.split) for c in manifest.clips} == {
        ("noisy", "train"),
        *((kind, split) for kind in ("clean", "noise") for split in ("valid", "test")),
    }


def test_any_folder_holds_recordings_when_it_is_said_to(tmp_path):
    plant(tmp_path / "device", *(f"take{n}.wav" for n in range(5)))
    assert len(scan(tmp_path / "device", "noisy-only").select("noisy")) == 5


def assert_disjoint(manifest):
    for kind in ("clean", "noise"):
        labels = [{c.label for c in manifest.select(kind, split)} for split in ("train", "valid", "test")]
        assert all(labels)
        assert sum(map(len, labels)) == len(set.union(*labels))


def test_plain_folders_are_split_by_label_and_always_alike(tmp_path):
    for speaker in range(20):
        plant(tmp_path, f"clean/s{speaker:02d}/a.wav", f"clean/s{speaker:02d}/b.flac")
    plant(tmp_path, *(f"noise/{family}-{n}.wav" for family in ("sea", "wind", "bus", "cafe") for n in (1, 2)))
    manifest = scan(tmp_path)
    assert recognise(tmp_path).name == "clean-noise"
    assert Counter(c.split for c in manifest.select("clean")) == {"train": 32, "valid": 4, "test": 4}
    assert {c.label for c in manifest.select("noise")} == {"sea", "wind", "bus", "cafe"}
    assert_disjoint(manifest)
    assert scan(tmp_path) == manifest


def test_named_splits_are_taken_as_they_are(tmp_path):
    plant(tmp_path, "clean/train/p1/a.wav", "clean/valid/p2/a.wav", "noise/train/sea_1.wav", "noise/valid/bus_1.wav")
    manifest = scan(tmp_path)
    assert {(c.kind, c.split, c.label) for c in manifest.clips} == {
        ("clean", "train", "p1"),
        ("clean", "valid", "p2"),
        ("noise", "train", "sea"),
        ("noise", "valid", "bus"),
    }


@pytest.mark.parametrize(
    ("paths", "rule"),
    [
        (["readme/a.wav"], "no known layout; accepted are manifest .*voicebank-demand .*dns .*clean-noise"),
        (["clean/train/a.wav", "noise/train/a.wav"], "the valid split has no clean audio"),
        (["clean/train/a.wav", "clean/valid/a.wav", "noise/train/a.wav"], "the valid split has no noise audio"),
        (["noisy/train/a.wav"], "valid split has neither recordings nor clean speech with noise"),
        (["noisy/valid/a.wav"], "the train split has no recordings"),
        (["clean/a_1.wav", "clean/b_1.wav"], "needs 3 speakers or noise families .* but has 2 \\(.*\\)"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path, paths, rule):
    plant(tmp_path, *paths)
    if "clean/" in paths[0]:
        (tmp_path / "noise").mkdir(exist_ok=True)
    with pytest.raises(DataError, match=rule) as caught:
        scan(tmp_path)
    assert "\n" not in str(caught.value)


def test_folders_without_audio_say_so(tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "noise").mkdir()
    with pytest.raises(DataError, match="no clean audio found"):
        open_corpus(str(tmp_path))


def test_a_layout_that_does_not_fit_or_exist_is_refused(tmp_path):
    with pytest.raises(DataError, match="not the layout dns"):
        recognise(tmp_path, "dns")
    with pytest.raises(DataError, match=r"layout must be one of auto, manifest, .*'vctk'"):
        recognise(tmp_path, "vctk")


def test_new_labels_are_spread_by_hash_and_every_split_has_one():
    splits = split_labels([f"speaker{n}" for n in range(100)], "corpus")
    assert Counter(splits.values()) == {"train": 80, "valid": 10, "test": 10}
    assert set(split_labels("abc", "corpus").values()) == {"train", "valid", "test"}
