import logging
import multiprocessing
import os

import numpy as np
import pytest
import soundfile

from dfkd_core.base import cache
from dfkd_core.data import decoding
from dfkd_core.data.activity import FRAME_SAMPLES, active_frames
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.manifest import Clip, manifest_of
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import read_audio, write_audio


def test_every_clip_comes_back_as_it_was_recorded(corpus, store):
    part = store.part("train")
    assert [clip.path for clip in part.clips] == [clip.path for clip in corpus.select(split="train")]
    for index, clip in enumerate(part.clips):
        np.testing.assert_array_equal(part.read(index, 0, 10**9), read_audio(corpus.path(clip)))
        np.testing.assert_array_equal(part.read(index, 320, 160), read_audio(corpus.path(clip))[320:480])


def test_active_frames_are_counted_as_each_clip_has_them(store):
    part = store.part("valid")
    for index in range(len(part.clips)):
        active = active_frames(part.clip(index))
        assert part.num_frames[index] == len(active) == len(part.clip(index)) // FRAME_SAMPLES
        for start, length in ((0, len(active)), (13, 40)):
            counted = part.num_active(np.array([index]), np.array([start]), np.array([length]))
            assert counted[0] == active[start : start + length].sum()


def test_a_second_store_decodes_nothing(corpus, store, monkeypatch):
    first = store.part("train")
    monkeypatch.setattr(decoding, "build", lambda *_: pytest.fail("decoded again"))
    again = AudioStore.open(corpus).part("train")
    np.testing.assert_array_equal(again.samples, first.samples)
    assert again.sha256 == first.sha256


def test_training_leaves_the_test_split_alone(store):
    store.part("train"), store.part("valid")
    assert not store.folder("test").exists()


@pytest.mark.parametrize("name", ["samples.i16", "active.i32", "index.npz", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "altered", "removed"])
def test_a_damaged_cache_is_repaired(corpus, store, name, damage):
    whole = np.array(store.part("train").samples)
    path = store.folder("train") / name
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(
            content[: len(content) // 2] + (b"" if damage == "cut" else b"x" + content[len(content) // 2 + 1 :])
        )
    part = AudioStore.open(corpus).part("train")
    np.testing.assert_array_equal(part.samples, whole)
    assert part.read(0, 0, 100).shape == (100,)


def flip(path, place):
    """Change one byte as a disk does: the file's size and time stay."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    cache._checked.clear()  # as in another process


@pytest.mark.parametrize("name", ["samples.i16", "active.i32", "index.npz", "state.json"])
def test_one_flipped_byte_does_not_train_on(corpus, store, name, caplog):
    part = store.part("train")
    whole, sha256 = np.array(part.samples), part.sha256
    content = (store.folder("train") / name).read_bytes()
    flip(store.folder("train") / name, content.find(sha256.encode()) + 5 if name == "state.json" else len(content) // 2)
    again = AudioStore.open(corpus).part("train")
    np.testing.assert_array_equal(again.samples, whole)
    assert again.sha256 == sha256 and "is damaged" in caplog.text


def test_an_index_of_pickled_content_is_no_index(corpus, store):
    store.part("train")
    np.savez(store.folder("train") / "index.npz", usable=np.array([{}], object), num_samples=[1], steps=[1])
    assert len(AudioStore.open(corpus).part("train").clips) == 15


def test_a_build_that_was_interrupted_is_done_again(corpus, store, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(decoding, "tolerate", interrupted)
        store.part("train")
    assert not store.folder("train").exists()
    assert len(store.part("train").clips) == 15


def test_a_changed_file_makes_another_store(corpus, store):
    before = store.part("train")
    clip = corpus.select("noise", "train")[0]
    write_audio(corpus.path(clip), read_audio(corpus.path(clip))[::-1])
    after = AudioStore.open(corpus).part("train")
    assert after.sha256 != before.sha256


def test_the_hash_does_not_know_the_corpus_place(corpus, store, tmp_path):
    corpus.root.rename(tmp_path / "moved")
    moved = AudioStore.open(manifest_of(tmp_path / "moved", corpus.clips))
    corpus_hash = moved.part("valid").sha256
    (tmp_path / "moved").rename(corpus.root)
    assert store.part("valid").sha256 == corpus_hash


def _open(manifest, queue):
    queue.put(AudioStore.open(manifest).part("train").sha256)


def test_two_processes_that_start_at_once_share_one_store(corpus, store):
    spawn = multiprocessing.get_context("fork")
    queue = spawn.Queue()
    processes = [spawn.Process(target=_open, args=(corpus, queue)) for _ in range(2)]
    for process in processes:
        process.start()
    hashes = {queue.get(timeout=300) for _ in processes}
    for process in processes:
        process.join()
    assert hashes == {store.part("train").sha256}
    folders = [path for path in store.folder("train").parent.iterdir() if path.is_dir()]
    assert folders == [store.folder("train")]


def many(root, good, bad):
    """Clips of 10 ms, the last ones damaged in three ways."""
    clips = [Clip(f"{n:03d}.wav", "clean", "train", "p1", "", 0.01) for n in range(good + bad)]
    for clip in clips:
        write_audio(root / clip.path, np.full(160, 0.1, np.float32))
    for n, clip in enumerate(clips[good:]):
        if n == 0:
            (root / clip.path).write_bytes(b"RIFFxxxx")
        else:
            soundfile.write(root / clip.path, np.full(160, np.nan), 16_000, subtype="FLOAT")
    return manifest_of(root, clips)


def test_damage_in_the_middle_of_a_corpus_is_named_counted_and_skipped(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        part = AudioStore.open(many(tmp_path / "c", good=210, bad=2)).part("train")
    assert len(part.clips) == 210
    assert "210.wav: cannot be read as audio" in caplog.text
    assert "211.wav: samples must be finite" in caplog.text
    assert "2 of 212 files (0.9%) cannot be used and were skipped" in caplog.text


def test_damage_over_one_percent_is_refused_and_leaves_no_store(tmp_path):
    store = AudioStore.open(many(tmp_path / "c", good=50, bad=1))
    with pytest.raises(DataError, match=r"1 of 51 files \(2\.0%\).*050\.wav"):
        store.part("train")
    assert not store.folder("train").exists()


def test_a_file_that_is_missing_is_named(corpus, store):
    corpus.path(corpus.clips[0]).unlink()
    with pytest.raises(DataError, match=r"test-speaker0_0\.flac: .*no such file"):
        store.part("test")


def test_an_empty_split_is_named(corpus):
    only = manifest_of(corpus.root, corpus.select(split="train"))
    with pytest.raises(DataError, match="the valid split is empty"):
        AudioStore.open(only).part("valid")


def test_a_silent_clip_is_no_noise(tmp_path):
    clips = [Clip(f"{name}.wav", "noise", "train", name, "", 0.1) for name in ("hum", "nothing")]
    write_audio(tmp_path / "hum.wav", np.tile(np.float32([0.1, -0.1]), 800))
    write_audio(tmp_path / "nothing.wav", np.zeros(1600, np.float32))
    part = AudioStore.open(manifest_of(tmp_path, clips)).part("train")
    assert [part.clips[i].label for i in part.of_kind("noise")] == ["hum"]
