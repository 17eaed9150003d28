import os
import unicodedata
from collections import Counter

import numpy as np
import pytest
from layout_trees import TREES, noisy_and_clean_valid

from dfkd_core.data.corpora import open_corpus, scan
from dfkd_core.data.layouts import recognise
from dfkd_core.data.manifest import write_manifest
from dfkd_core.data.splits import split_labels
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


@pytest.mark.parametrize("other", ["noise", "noisy"])
@pytest.mark.parametrize("form", ["valid/{}/a.wav", "{}/valid/a.wav"])
def test_a_folder_with_validation_alone_judges_and_is_not_trained_on(tmp_path, form, other):
    plant(tmp_path, form.format("clean"), form.format(other))
    assert {clip.split for clip in open_corpus(str(tmp_path), splits=("valid",)).clips} == {"valid"}
    scanned = scan(tmp_path)
    assert len(scanned.clips) == 2 and "nothing to train on: a probe" in " ".join(scanned.notes)
    with pytest.raises(DataError, match=r"the train split has no (clean audio|recordings); accepted are"):
        open_corpus(str(tmp_path))
    write_manifest(scanned, tmp_path / "manifest.csv")
    assert open_corpus(str(tmp_path), splits=("valid",)) == scanned
    with pytest.raises(DataError, match="the train split is empty"):
        open_corpus(str(tmp_path))
    with pytest.raises(DataError, match="the test split is empty"):
        open_corpus(str(tmp_path), splits=("test",))


def test_half_a_training_split_is_a_mistake_to_a_scan_and_nothing_to_a_probe(tmp_path):
    plant(tmp_path, "clean/train/a.wav", "clean/valid/b.wav", "noise/valid/c.wav")
    assert len(open_corpus(str(tmp_path), splits=("valid",)).clips) == 3
    for read in (scan, lambda place: open_corpus(str(place))):
        with pytest.raises(DataError, match="the train split has no noise audio"):
            read(tmp_path)


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


# --- names that people give -------------------------------------------------------------------------------


def split_of(manifest, kind="clean"):
    return {clip.path: clip.split for clip in manifest.select(kind)}


NAMES_OF_SPLITS = [
    ("Train", "Valid", "Test"),
    ("training", "validation", "testing"),
    ("train-clean-100", "dev-clean", "test-clean"),
    ("tr", "cv", "tt"),
    ("TRAIN_set", "Dev_set", "Eval_set"),
    ("TrainData", "ValidData", "TestData"),
]
FORMS_OF_TREES = ["{kind}/{name}/{label}", "{name}/{kind}/{label}", "{kind}/Corpus/{name}/{label}/ch1"]


@pytest.mark.parametrize(
    ("names", "form"),
    [(names, form) for names in NAMES_OF_SPLITS for form in FORMS_OF_TREES]
    # noise_train-clean-100 would be of two kinds
    + [(names, "{kind}_{name}/{label}") for names in NAMES_OF_SPLITS if "clean" not in names[0]],
)
def test_the_user_s_own_splits_are_honoured(tmp_path, names, form):
    for split, name in zip(("train", "valid", "test"), names, strict=True):
        for kind in ("clean", "noise"):
            for n in range(4 if split == "train" else 1):
                plant(tmp_path, f"{form.format(kind=kind, name=name, label=f'{split}{n}')}/{split}{n}-0.wav")
    manifest = scan(tmp_path)
    for kind in ("clean", "noise"):
        for clip in manifest.select(kind):
            assert clip.split == clip.stem.rstrip("0123456789-") == clip.label.rstrip("0123456789")
        assert Counter(split_of(manifest, kind).values()) == {"train": 4, "valid": 1, "test": 1}


def test_what_looks_like_a_split_is_never_dealt_out(tmp_path):
    plant(tmp_path, *(f"clean/{name}/a.wav" for name in ("train", "test", "trainval")), "noise/a_1.wav")
    with pytest.raises(DataError, match="trainval/ looks like a split and is not understood; name them"):
        scan(tmp_path)


@pytest.mark.parametrize("above", ["", "Corpus/"])
def test_what_lies_beside_named_splits_is_left_out_with_a_word(tmp_path, above):
    """Files in no folder of a split, and folders that name none."""
    plant(tmp_path, *(f"clean/{above}{split}/{split}{n}_0.wav" for split in ("train", "valid", "test") for n in (1, 2)))
    plant(tmp_path, f"clean/{above}extra/e_0.wav", f"clean/{above}stray_0.wav", *(f"noise/{n}_1.wav" for n in "abc"))
    manifest = scan(tmp_path)
    assert {c.split for c in manifest.select("clean")} == {"train", "valid", "test"}
    assert all(c.stem.startswith(c.split) for c in manifest.select("clean"))
    told = [
        f"left out: clean/{above}{at}, which names no split beside folders that do (files: 1)" for at in ("", "extra/")
    ]
    assert [note for note in manifest.notes if note.startswith("left out")] == told


def test_voicebank_of_56_speakers_holds_two_of_its_own_out(tmp_path):
    for kind in ("clean", "noisy"):
        plant(tmp_path, *(f"{kind}_trainset_56spk_wav/{s}_001.wav" for s in ("p234", "p237", "p241", "p245")))
        plant(tmp_path, f"{kind}_testset_wav/p232_001.wav")
    manifest = scan(tmp_path)
    held_out = {clip.label for clip in manifest.select("clean", "valid")}
    assert len(held_out) == 2 and held_out == {clip.label for clip in manifest.select("noisy", "valid")}
    assert any("are held out of training (clean)" in note for note in manifest.notes)


def test_public_copies_of_voicebank_have_splits_above_their_kinds(tmp_path):
    for split, speakers in (("train", ("p226", "p287", "p228", "p230")), ("test", ("p232", "p257"))):
        plant(tmp_path, *(f"{split}/{kind}/{s}_001.wav" for kind in ("clean", "noisy") for s in speakers))
    manifest = scan(tmp_path)
    assert {clip.label for clip in manifest.select("clean", "valid")} == {"p226", "p287"}
    assert {clip.label for clip in manifest.select("noisy", "test")} == {"p232", "p257"}


def test_speakers_below_a_folder_that_all_share_are_told_apart(tmp_path):
    plant(tmp_path, *(f"clean/LibriSpeech/{s}/{b}/{s}-{b}-0.wav" for s in (19, 26, 27, 32) for b in (1, 2)))
    plant(tmp_path, *(f"noise/{n}_1.wav" for n in "abc"))
    assert {clip.label for clip in scan(tmp_path).select("clean")} == {"19", "26", "27", "32"}


@pytest.mark.parametrize("form", ["_{}", "-{}_1", "__{}-x"])
def test_a_leading_separator_is_no_label(tmp_path, form):
    plant(tmp_path, *(f"clean/{form.format(f's{n}')}.wav" for n in range(4)), *(f"noise/{n}_1.wav" for n in "abc"))
    assert {clip.label for clip in scan(tmp_path).select("clean")} == {"s0", "s1", "s2", "s3"}


def test_a_pair_is_one_in_either_form_of_unicode(tmp_path):
    for n in range(6):
        plant(tmp_path, f"clean/{unicodedata.normalize('NFC', f'sprécher{n}')}.wav")
        plant(tmp_path, f"noisy/{unicodedata.normalize('NFD', f'sprécher{n}')}.wav")
    manifest = scan(tmp_path)
    assert len(manifest.clips) == 12 and {c.pair for c in manifest.select("clean", "train")} == {
        c.pair for c in manifest.select("noisy", "train")
    }


def test_names_that_are_no_utf_8_are_read(tmp_path):
    plant(tmp_path, *(f"clean/s{n}_0.wav" for n in range(3)), *(f"noise/{n}_1.wav" for n in "abc"))
    (tmp_path / "clean" / "s1_0.wav").rename(tmp_path / "clean" / os.fsdecode(b"\xe9t\xe9_0.wav"))
    manifest = scan(tmp_path)
    assert {clip.label for clip in manifest.select("clean")} == {"s0", "s2", "\ufffdt\ufffd"}


def test_pairs_of_dns_s_synthesiser_are_paired_by_number(tmp_path):
    for n in range(12):
        plant(tmp_path, f"clean/clean_fileid_{n}.wav", f"noise/noise_fileid_{n}.wav")
        plant(tmp_path, f"noisy/book_00{n}_chp_1_reader_{n % 6:05d}_2_snr{n}_tl-20_fileid_{n}.wav")
    manifest = scan(tmp_path)
    assert {clip.kind for clip in manifest.clips} == {"clean", "noisy"}
    assert {clip.label for clip in manifest.clips} == {f"reader_{n:05d}" for n in range(6)}
    for split in ("train", "valid", "test"):
        assert {c.pair for c in manifest.select("clean", split)} == {c.pair for c in manifest.select("noisy", split)}


def test_what_is_not_looked_at_is_counted_by_suffix(tmp_path):
    plant(tmp_path, *(f"clean/s{n}_0.wav" for n in range(3)), *(f"noise/{n}_1.wav" for n in "abc"))
    for name in ("a.txt", "b.txt", "c.xyz", "README"):
        (tmp_path / "clean" / name).touch()
    assert "not looked at, by suffix: .txt 2, .xyz 1, no suffix 1" in scan(tmp_path).notes


def test_other_rates_are_told(tmp_path):
    plant(tmp_path, *(f"clean/s{n}_0.wav" for n in range(3)), *(f"noise/{n}_1.wav" for n in "abc"))
    assert not scan(tmp_path).notes
    write_audio(tmp_path / "clean" / "s0_0.wav", SECOND, 8_000)
    told = "files by rate: 8000 Hz 1, 16000 Hz 5; 1 under 16000 Hz hold nothing above half their rate"
    assert told in scan(tmp_path).notes == scan(tmp_path).notes


def test_a_loop_of_links_is_walked_once(tmp_path):
    plant(tmp_path, *(f"clean/s{n}_0.wav" for n in range(3)), *(f"noise/{n}_1.wav" for n in "abc"))
    (tmp_path / "clean" / "up").symlink_to("..")
    (tmp_path / "noise" / "self").symlink_to(".")
    assert len(scan(tmp_path).clips) == 6


def test_a_second_scan_says_that_it_reads_the_manifest_and_what_that_lacks(tmp_path):
    plant(tmp_path, *(f"clean/s{n}_0.wav" for n in range(3)), *(f"noise/{n}_1.wav" for n in "abc"))
    write_manifest(scan(tmp_path), tmp_path / "manifest.csv")
    assert scan(tmp_path).notes == ("manifest.csv, which is there already, is read as it is: 6 clips",)
    plant(tmp_path, "clean/s9_0.wav")
    (note,) = scan(tmp_path).notes
    assert "1 audio files are not in it, such as clean/s9_0.wav; --layout clean-noise scans anew" in note
    assert len(scan(tmp_path, "clean-noise").clips) == 7
