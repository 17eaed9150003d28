"""One recording in two splits, whatever it is called."""

import os
import shutil

import numpy as np
import pytest
import soundfile

from dfkd_core.data.corpora import open_corpus, scan
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio

LEAK = r"clean/test/.* \(test\) and clean/train/.* \(train\) are one recording"


@pytest.fixture
def root(tmp_path):
    for seed, split in enumerate(("train", "valid", "test")):
        for number in range(2):
            rng = np.random.default_rng(10 * seed + number)
            for kind in ("clean", "noise"):
                write_audio(tmp_path / kind / split / f"{kind}{number}_{split}.wav", rng.normal(0, 0.1, 8000))
    return tmp_path


def copied(source, target):
    shutil.copy(source, target)


def linked(source, target):
    target.symlink_to(source)


def hard_linked(source, target):
    os.link(source, target)


def with_a_title(source, target):
    samples, rate = soundfile.read(source, dtype="int16")
    with soundfile.SoundFile(target, "w", rate, 1) as file:
        file.title = "take 7"
        file.write(samples)


def written_anew(source, target):
    samples, rate = soundfile.read(source, dtype="int16")
    soundfile.write(target, samples, rate)


def as_floats(source, target):
    soundfile.write(target, *soundfile.read(source), subtype="FLOAT")


@pytest.mark.parametrize(
    ("again", "suffix"),
    [
        (copied, "wav"),
        (linked, "wav"),
        (hard_linked, "wav"),
        (copied, "WAV"),
        (with_a_title, "wav"),
        (written_anew, "flac"),
        (written_anew, "aiff"),
        (as_floats, "wav"),
    ],
)
def test_a_clip_that_is_in_two_splits_is_refused(root, again, suffix):
    again(root / "clean" / "train" / "clean0_train.wav", root / "clean" / "test" / f"other_name.{suffix}")
    with pytest.raises(DataError, match=LEAK):
        scan(root)
    with pytest.raises(DataError, match=LEAK):
        open_corpus(str(root))


def test_speech_of_one_split_is_no_noise_of_another(root):
    copied(root / "clean" / "test" / "clean0_test.wav", root / "noise" / "train" / "babble_1.wav")
    with pytest.raises(DataError, match=r"clean0_test.wav \(test\) and noise/train/babble_1.wav \(train\) are one"):
        scan(root)


def test_the_alias_of_a_folder_is_no_other_folder(root):
    shutil.rmtree(root / "clean" / "test")
    (root / "clean" / "test").symlink_to("train")
    with pytest.raises(DataError, match=rf"{LEAK}, and so are 1 others"):
        scan(root)


def test_a_manifest_that_lists_a_clip_twice_is_refused(root):
    listed = ((0, "train"), (0, "test"), (1, "valid"))
    rows = "".join(f"clean/train/clean{n}_train.wav,clean,{split},p{n},,0.5\n" for n, split in listed)
    (root / "m.csv").write_text(f"path,kind,split,label,licence,seconds\n{rows}")
    with pytest.raises(DataError, match="are one recording"):
        open_corpus(str(root / "m.csv"))


def test_within_a_split_a_clip_may_come_twice(root):
    copied(root / "noise" / "train" / "noise0_train.wav", root / "noise" / "train" / "again_1.wav")
    assert len(scan(root).select("noise", "train")) == 3


def test_an_alias_inside_a_split_leads_out_of_it(root):
    (root / "clean" / "test" / "again").symlink_to("../train")
    with pytest.raises(DataError, match=LEAK):
        scan(root)


def test_files_of_one_length_that_sound_alike_in_the_middle_are_two(root):
    for split, end in (("train", 0.1), ("test", 0.2)):
        sound = np.sin(np.arange(8000)) / 4
        sound[-1] = end
        soundfile.write(root / "clean" / split / f"{split}_1.{'wav' if end == 0.1 else 'flac'}", sound, 16_000)
    assert len(scan(root).select("clean")) == 8


def test_silence_is_nobody_s_recording(root):
    for split in ("train", "test"):
        write_audio(root / "noise" / split / "off_1.wav", np.full(8000, 0.25, np.float32))
    assert len(scan(root).clips) == 14
