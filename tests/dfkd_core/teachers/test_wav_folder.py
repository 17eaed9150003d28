import numpy as np
import pytest

from dfkd_core.errors import ConfigError, DataError
from dfkd_core.signal.audio import write_audio
from dfkd_core.teachers.wav_folder import WavFolderTeacher

ESTIMATES = {"a": np.full(400, 0.25, np.float32), "sub/b": np.full(400, -0.5, np.float32)}
NOISY = np.zeros((2, 400), np.float32)


class Mixture:
    """One mixture; `stem` names the noisy file whose middle it is, where there is one."""

    def __init__(self, name, stem=None):
        self.name, self.stem = name, stem

    def made_of(self, read):
        return None if self.stem is None else 2 * read(self.stem, 400)


@pytest.fixture
def folder(tmp_path):
    for name, samples in ESTIMATES.items():
        write_audio(tmp_path / f"{name}.wav", samples)
    return tmp_path


def test_estimates_are_found_by_the_names_of_mixtures(folder):
    estimate = WavFolderTeacher(folder)(NOISY, [Mixture("sub/b"), Mixture("a")])
    np.testing.assert_allclose(estimate, [ESTIMATES["sub/b"], ESTIMATES["a"]], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "samples", "rate", "rule"),
    [
        ("c", np.zeros(400, np.float32), 8000, "c.wav: must be at 16000 Hz, but is at 8000 Hz"),
        ("c", np.zeros(399, np.float32), 16000, "c.wav: must be one channel of 400 samples"),
        ("c", np.zeros((2, 400), np.float32), 16000, "c.wav: must be one channel of 400 samples"),
        ("d", np.zeros(400, np.float32), 16000, "lacks c.wav; add it"),
    ],
)
def test_an_unfit_file_is_named_with_its_rule(folder, name, samples, rate, rule):
    write_audio(folder / f"{name}.wav", samples, rate)
    with pytest.raises(DataError, match=rule):
        WavFolderTeacher(folder)(NOISY, [Mixture("a"), Mixture("c")])


def test_audio_without_a_name_has_no_estimate(folder):
    with pytest.raises(DataError, match="listed mixtures only"):
        WavFolderTeacher(folder)(NOISY)


def test_its_identity_follows_names_and_contents(folder):
    before = WavFolderTeacher(folder).sha256
    (folder / "a.wav").rename(folder / "c.wav")
    assert WavFolderTeacher(folder).sha256 != before
    (folder / "c.wav").rename(folder / "a.wav")
    assert WavFolderTeacher(folder).sha256 == before


def test_an_absent_or_empty_folder_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"teacher.estimates: must be a folder"):
        WavFolderTeacher(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no audio files"):
        _ = WavFolderTeacher(tmp_path).sha256


def test_estimates_of_whole_noisy_files_are_cut_and_levelled_as_the_mixtures_are(folder):
    estimate = WavFolderTeacher(folder)(NOISY, [Mixture("x", stem="a"), Mixture("a", stem="sub/b")])
    np.testing.assert_allclose(estimate, [2 * ESTIMATES["a"], ESTIMATES["a"]], atol=1e-4)


@pytest.mark.parametrize("stem", ["corpus/noisy/sub/b", "noisy/sub/b", "sub/b", "elsewhere/b", "b"])
def test_an_estimate_is_found_by_its_path_in_the_corpus_or_by_a_name_of_its_own(folder, stem):
    estimate = WavFolderTeacher(folder)(NOISY[:1], [Mixture("x", stem=stem)])
    np.testing.assert_allclose(estimate, [2 * ESTIMATES["sub/b"]], atol=1e-4)


def test_of_two_of_one_name_the_path_decides_and_without_one_neither_is_taken(folder):
    write_audio(folder / "train" / "b.wav", ESTIMATES["a"])
    teacher = WavFolderTeacher(folder)
    np.testing.assert_allclose(teacher(NOISY[:1], [Mixture("x", "noisy/train/b")]), [2 * ESTIMATES["a"]], atol=1e-4)
    with pytest.raises(DataError, match=r"valid/b may be sub/b or train/b; move them"):
        teacher(NOISY[:1], [Mixture("x", "noisy/valid/b")])


def test_two_formats_of_one_name_are_refused(folder):
    write_audio(folder / "a.flac", ESTIMATES["a"])
    with pytest.raises(DataError, match=r"one estimate of each name, but holds a\.flac and a\.wav; remove one"):
        _ = WavFolderTeacher(folder).sha256


@pytest.mark.parametrize("target", ["gone.wav", "c.wav"])
def test_a_link_to_nothing_is_named(folder, target):
    (folder / "c.wav").symlink_to(target)
    with pytest.raises(DataError, match=r"c\.wav: must be an audio file, but is none, or a link to nothing; mend or"):
        _ = WavFolderTeacher(folder).sha256


def test_hidden_files_are_no_estimates(folder):
    (folder / "._a.wav").write_bytes(b"\0\5\x16\7")
    assert sorted(WavFolderTeacher(folder).files) == ["a", "sub/b"]


def test_an_estimate_at_a_higher_rate_is_resampled_as_the_corpus_is(folder):
    write_audio(folder / "c.wav", np.zeros(1200, np.float32), 48_000)
    assert WavFolderTeacher(folder)(NOISY[:1], [Mixture("c")]).shape == (1, 400)
