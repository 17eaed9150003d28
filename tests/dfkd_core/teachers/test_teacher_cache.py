import multiprocessing
import os
import time

import numpy as np
import pytest

from dfkd_core.base import cache
from dfkd_core.errors import DataError
from dfkd_core.teachers import teacher_cache
from dfkd_core.teachers.teacher_cache import TeacherCache, cache_path

NUM, TIME = 70, 200
NOISY = np.random.default_rng(0).uniform(-1, 1, (NUM, TIME)).astype(np.float32)


class Mixtures:
    sha256 = "m" * 64
    num_samples = TIME

    def __len__(self):
        return NUM

    def name(self, index):
        return f"mixture-{index}"

    def made_of(self, index, read):
        return None

    def batch(self, indices):
        return NOISY[indices], NOISY[indices]


class Halver:
    """Halves what it hears and counts the mixtures."""

    name = "halver"
    sha256 = "a" * 64

    def __init__(self, fail_after=NUM):
        self.heard, self.fail_after = [], fail_after

    def __call__(self, noisy, listed=()):
        if len(self.heard) >= self.fail_after:
            raise KeyboardInterrupt
        self.heard += [mixture.name for mixture in listed]
        return noisy / 2


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path))


def test_estimates_are_those_of_the_teacher_in_half_precision():
    cache = TeacherCache.open(Halver(), Mixtures())
    estimates = cache.estimates([3, 1])
    assert estimates.dtype == np.float32
    np.testing.assert_allclose(estimates, NOISY[[3, 1]] / 2, rtol=1e-3)


def test_a_second_opening_asks_the_teacher_nothing():
    first = TeacherCache.open(Halver(), Mixtures())
    second = TeacherCache.open(Halver(fail_after=0), Mixtures())
    np.testing.assert_array_equal(second.estimates([3, 1]), first.estimates([3, 1]))


def test_another_teacher_or_list_has_a_cache_of_its_own():
    other = Halver()
    other.sha256 = "b" * 64
    assert cache_path(other, Mixtures()) != cache_path(Halver(), Mixtures())
    TeacherCache.open(Halver(), Mixtures())
    TeacherCache.open(other, Mixtures())
    assert len(other.heard) == NUM


def damage_length(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_header(path):
    path.write_bytes(b"x" + path.read_bytes()[1:])


def damage_identity(path):
    path.write_bytes(path.read_bytes().replace(b"a" * 64, b"b" * 64))


def flip_a_byte(path, place=9000):
    """As a disk does: size and time stay."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    cache._checked.clear()  # as in another process


def flip_the_hash(path):
    flip_a_byte(path, path.read_bytes().find(b"sha256") + 12)


@pytest.mark.parametrize("damage", [damage_length, damage_header, damage_identity, flip_a_byte, flip_the_hash])
def test_a_damaged_or_foreign_file_is_computed_again(damage):
    TeacherCache.open(Halver(), Mixtures())
    damage(cache_path(Halver(), Mixtures()))
    again = Halver()
    assert np.allclose(TeacherCache.open(again, Mixtures()).estimates([0]), NOISY[:1] / 2, rtol=1e-3)
    assert len(again.heard) == NUM


def test_interrupted_work_is_taken_up_and_gives_the_same_file():
    with pytest.raises(KeyboardInterrupt):
        TeacherCache.open(Halver(fail_after=40), Mixtures())
    rest = Halver()
    cache = TeacherCache.open(rest, Mixtures())
    assert 0 < len(rest.heard) < NUM
    np.testing.assert_allclose(cache.estimates(range(NUM)), NOISY / 2, rtol=1e-3)


def test_an_unfit_teacher_leaves_no_cache_behind():
    class Late(Halver):
        def __call__(self, noisy, listed=()):
            return np.roll(noisy, 50, axis=1)

    with pytest.raises(DataError, match="lags by 50 samples"):
        TeacherCache.open(Late(), Mixtures())
    assert not cache_path(Late(), Mixtures()).exists()


def test_progress_is_told_up_to_the_last_mixture():
    told = []
    TeacherCache.open(Halver(), Mixtures(), progress=lambda what, done, total: told.append((done, total)))
    assert told[-1] == (NUM, NUM)


class Slow(Halver):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def __call__(self, noisy, listed=()):
        time.sleep(0.1)
        with self.log.open("a") as file:
            file.writelines(f"{mixture.name}\n" for mixture in listed)
        return noisy / 2


def open_slowly(log):
    assert teacher_cache.TeacherCache.open(Slow(log), Mixtures()).estimates([NUM - 1])[0, 0] != 0


def test_two_processes_that_start_at_once_compute_once(tmp_path):
    log = tmp_path / "log"
    processes = [multiprocessing.get_context("fork").Process(target=open_slowly, args=(log,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(log.read_text().split()) == sorted(f"mixture-{i}" for i in range(NUM))
