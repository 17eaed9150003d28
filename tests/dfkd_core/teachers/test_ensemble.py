"""Several teachers as one: their mean, or one of them by the mixture's SNR."""

import numpy as np
import pytest

from dfkd_core.config import ExperimentConfig, TeacherConfig, absolute_paths
from dfkd_core.errors import ConfigError, DataError
from dfkd_core.teachers import open_teacher
from dfkd_core.teachers.ensemble import EnsembleTeacher, estimated_snr_db

RNG = np.random.default_rng(0)
CLEAN = RNG.normal(0, 0.1, (3, 4000)).astype(np.float32)
NOISE = RNG.normal(0, 0.1, (3, 4000)).astype(np.float32)
SNRS_DB = np.array([0.0, 8.0, 20.0])
NOISY = CLEAN + NOISE * 10 ** (-SNRS_DB[:, None] / 20).astype(np.float32)


class Member:
    """Returns what it is given to return."""

    def __init__(self, name, answer):
        self.name, self.sha256, self.answer = name, name * 8, answer

    def __call__(self, noisy, listed=()):
        return self.answer(noisy)


def knowing(gain, name="knowing"):
    """The clean speech at a gain."""
    return Member(name, lambda noisy: np.float32(gain) * CLEAN[: len(noisy)])


def test_the_mean_is_that_of_all_estimates():
    teacher = EnsembleTeacher([knowing(0.5), knowing(1.0), knowing(1.5)])
    np.testing.assert_allclose(teacher(NOISY), CLEAN, rtol=1e-5)


def test_the_snr_is_that_of_the_estimate_to_what_it_takes_away():
    np.testing.assert_allclose(estimated_snr_db(NOISY, CLEAN), SNRS_DB, atol=0.2)


def test_a_mixture_s_snr_chooses_who_answers():
    teacher = EnsembleTeacher([knowing(0.98, "a"), knowing(1.0, "b"), knowing(1.02, "c")], [4.0, 14.0])
    gains = [np.vdot(e, s) / np.vdot(s, s) for e, s in zip(teacher(NOISY), CLEAN, strict=True)]
    np.testing.assert_allclose(gains, [0.98, 1.0, 1.02], rtol=1e-4)
    assert teacher.name == "a, from 4 dB b, from 14 dB c"


def test_silence_has_an_snr():
    assert np.isfinite(estimated_snr_db(0 * NOISY, 0 * NOISY)).all()


def test_its_identity_follows_members_order_and_borders():
    members = [knowing(1, "a"), knowing(1, "b")]
    kinds = [
        EnsembleTeacher(members),
        EnsembleTeacher(members[::-1]),
        EnsembleTeacher(members, [3.0]),
        EnsembleTeacher(members, [4.0]),
    ]
    assert len({teacher.sha256 for teacher in kinds}) == 4
    assert EnsembleTeacher(members, [3.0]).sha256 == kinds[2].sha256


def test_a_member_that_lags_behind_the_others_is_named_with_its_delay():
    late = Member("late", lambda noisy: np.roll(CLEAN, 40, axis=1))
    with pytest.raises(DataError, match=r"teacher late: .* aligned with knowing .* lags by 40 samples"):
        EnsembleTeacher([knowing(1), late])(NOISY)


def test_a_member_of_another_length_is_named():
    short = Member("short", lambda noisy: noisy[:, :-1])
    with pytest.raises(DataError, match="teacher short: must return 4000 samples"):
        EnsembleTeacher([knowing(1), short])(NOISY)


@pytest.mark.parametrize(
    ("ensemble", "rule"),
    [
        ({"members": [{"pretrained": "dtln"}]}, "members"),
        ({"members": [{"pretrained": "dtln"}, {}]}, "members.1 must name a checkpoint"),
        ({"members": [{"pretrained": "dtln"}] * 2, "combine": "by_snr"}, "snr_db must hold 1 borders for 2 members"),
        ({"members": [{"pretrained": "dtln"}] * 2, "snr_db": [1]}, "snr_db must hold 0 borders"),
        ({"members": [{"pretrained": "dtln"}] * 3, "combine": "by_snr", "snr_db": [5, 1]}, "snr_db must rise"),
        ({"members": [{"pretrained": "a", "estimates": "b"}] * 2}, "must name one source"),
        ({"members": [{"pretraind": "a"}] * 2}, "did you mean 'pretrained'"),
    ],
)
def test_a_wrong_ensemble_is_told_in_one_line(ensemble, rule):
    with pytest.raises(ConfigError, match=rule) as caught:
        ExperimentConfig.parse({"teacher": {"ensemble": ensemble}})
    assert "\n" not in str(caught.value)


def test_an_ensemble_beside_a_source_is_one_teacher_too_many():
    with pytest.raises(ConfigError, match="got pretrained and ensemble"):
        TeacherConfig.parse({"pretrained": "dtln", "ensemble": {"members": [{"pretrained": "dtln"}] * 2}})


def test_members_paths_are_seen_from_the_configs_folder(tmp_path):
    block = {"ensemble": {"members": [{"checkpoint": "big/model"}, {"estimates": "wavs/x"}]}}
    config = absolute_paths(ExperimentConfig.parse({"teacher": block}), tmp_path)
    first, second = config.teacher.ensemble.members
    assert (first.checkpoint, second.estimates) == (str(tmp_path / "big/model"), str(tmp_path / "wavs/x"))


def test_a_config_opens_its_ensemble(tiny_teacher):
    member = {"checkpoint": str(tiny_teacher)}
    for more in ({}, {"combine": "by_snr", "snr_db": [5]}):
        teacher = open_teacher(TeacherConfig.parse({"ensemble": {"members": [member, member], **more}}))
        np.testing.assert_allclose(teacher(NOISY), 0.9 * NOISY, rtol=1e-5)


def test_a_missing_member_is_told_by_its_key(tmp_path):
    members = [{"pretrained": "dtlm"}, {"checkpoint": str(tmp_path / "absent")}]
    for order, key in ((members, "0.pretrained"), (members[::-1], "0.checkpoint")):
        with pytest.raises(ConfigError, match=rf"teacher.ensemble.members.{key}"):
            open_teacher(TeacherConfig.parse({"ensemble": {"members": order}}))
