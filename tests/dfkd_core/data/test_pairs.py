import numpy as np
import pytest

from dfkd_core.data.corpora import Clip
from dfkd_core.data.pairs import check_pairs, noisy_partners, without_partners
from dfkd_core.errors import DataError


def clips(*places):
    return [Clip(f"{kind}/{name}.wav", kind, "train", "p1", "", 1.0) for kind, name in places]


def test_a_noisy_file_belongs_to_the_clean_one_of_its_name():
    listed = clips(("clean", "a"), ("clean", "b"), ("noise", "a"), ("noisy", "b"), ("noisy", "a"))
    partners = noisy_partners(listed, np.full(5, 100))
    assert partners.tolist() == [4, 3, -1, -1, -1]


def test_a_pair_of_two_lengths_is_refused_by_name():
    with pytest.raises(DataError, match=r"clean/a\.wav and noisy/a\.wav.* 100 and 99 samples"):
        noisy_partners(clips(("clean", "a"), ("noisy", "a")), np.array([100, 99]))


def test_lists_that_differ_are_named_and_the_rest_counted():
    listed = clips(*(("clean", f"c{n}") for n in range(5)), ("noisy", "c0"), ("noisy", "n0"))
    with pytest.raises(DataError, match=r"train: .*no noisy file for c1, c2, c3 and 1 more and no clean file for n0"):
        check_pairs(listed)


def test_two_files_of_one_name_cannot_be_paired():
    listed = clips(("clean", "a"), ("noisy", "a"), ("noisy", "s2/a"))
    with pytest.raises(DataError, match=r"train: noisy files are paired by name, but a is there more than once"):
        check_pairs(listed)


def test_the_partner_of_a_lost_file_goes_with_it():
    listed = clips(("clean", "a"), ("noisy", "a"), ("clean", "b"), ("noise", "a"))
    assert [clip.path for clip in without_partners(listed, {("train", "a")})] == ["clean/b.wav", "noise/a.wav"]
    unpaired = clips(("clean", "a"), ("noise", "a"))
    assert without_partners(unpaired, {("train", "a")}) == unpaired


def test_corpora_without_noisy_files_have_no_pairs_to_check():
    check_pairs(clips(("clean", "a"), ("noise", "b")))
    assert noisy_partners(clips(("clean", "a"), ("noise", "a")), np.array([1, 2])).tolist() == [-1, -1]
