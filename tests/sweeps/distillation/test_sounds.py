"""Recorded sounds of a front, on stand-ins for corpus and models."""

from __future__ import annotations

import numpy as np
import pytest

from dfkd_core.config import ExperimentConfig, TeacherConfig
from dfkd_core.errors import CheckpointError, DataError
from sweeps.distillation import sounds

NUM_SAMPLES = 4000


class Listed:
    """Six mixtures whose SNR rises with their number; the first half is the loudest."""

    snr_db = np.array([5.0, -5.0, 0.0, 20.0, 10.0, 15.0])
    reference = "clean"
    noise_families = ("rain", "cafe", "car", "bell", "fan", "bird")
    speakers = ("a", "b", "c", "d", "e", "f")

    def __len__(self):
        return 6

    def name(self, index):
        return f"valid-{index:06d}"

    def batch(self, indices):
        clean = np.stack([np.full(NUM_SAMPLES, 0.01 * (1 + i), np.float32) for i in indices])
        return 2 * clean, clean


class SignalsOf:
    def __init__(self, config, *, needs_teacher):
        self.validation = Listed()
        self.probes = {}


@pytest.fixture
def models(monkeypatch):
    """Models that halve their input; trial 9 is damaged. The list holds the trials that were run."""
    asked = []

    def opened(folder):
        asked.append(int(folder.name))
        if folder.name == "0009":
            raise CheckpointError("damaged")
        return lambda noisy: 0.5 * noisy

    monkeypatch.setattr("dfkd_core.training.signals.Signals", SignalsOf)
    monkeypatch.setattr("dfkd_core.teachers.open_network", opened)
    monkeypatch.setattr("dfkd_core.teachers.open_teacher", lambda config: lambda noisy, listed: 0.4 * noisy)
    return asked


def test_one_hard_one_middling_and_one_easy_mixture_are_kept(tmp_path, models):
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    names = [excerpt.name for excerpt in sounds.read_sounds(tmp_path, [3]).excerpts]
    assert names == ["car, 0 dB", "fan, 10 dB", "bell, 20 dB"]


def test_all_versions_of_a_mixture_share_one_gain(tmp_path, models):
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    for excerpt in sounds.read_sounds(tmp_path, [3]).excerpts:
        levels = [wave[0] for wave in (excerpt.noisy, excerpt.clean, excerpt.teacher, excerpt.students[3])]
        assert levels == pytest.approx([0.8, 0.4, 0.32, 0.4], abs=1e-3)


def test_what_is_there_is_not_rendered_again(tmp_path, models):
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    sounds.record_sounds(tmp_path, [3, 4], ExperimentConfig())
    assert models == [3, 4]


def test_models_from_elsewhere_are_heard_beside_the_trials_at_the_same_gain(tmp_path, models):
    sounds.record_reference(tmp_path, "mean of a, b", TeacherConfig(), ExperimentConfig())
    assert sounds.read_sounds(tmp_path, [3], ["mean of a, b"]).excerpts == [], "no trial has sound yet"
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    for excerpt in sounds.read_sounds(tmp_path, [3], ["mean of a, b", "never heard"]).excerpts:
        assert list(excerpt.references) == ["mean of a, b"]
        assert excerpt.references["mean of a, b"][0] == pytest.approx(0.32, abs=1e-3)


def test_mixtures_stay_those_that_were_recorded_first_however_they_would_be_chosen_now(tmp_path, models, monkeypatch):
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    before = [excerpt.name for excerpt in sounds.read_sounds(tmp_path, [3]).excerpts]
    monkeypatch.setattr(sounds, "chosen_mixtures", lambda *about: np.array([0, 1, 4]))
    sounds.record_reference(tmp_path, "gtcrn", TeacherConfig(), ExperimentConfig())
    sounds.record_sounds(tmp_path, [3, 4], ExperimentConfig())
    after = sounds.read_sounds(tmp_path, [3, 4], ["gtcrn"]).excerpts
    assert [excerpt.name for excerpt in after] == before
    assert all(set(excerpt.students) == {3, 4} and set(excerpt.references) == {"gtcrn"} for excerpt in after)


def test_a_damaged_model_costs_its_sound_and_nothing_else(tmp_path, models, caplog):
    sounds.record_sounds(tmp_path, [9, 3], ExperimentConfig())
    assert "no sound 't0009': damaged" in caplog.text
    assert [set(excerpt.students) for excerpt in sounds.read_sounds(tmp_path, [9, 3]).excerpts] == [{3}] * 3


def test_without_a_teacher_there_is_no_version_of_it(tmp_path, models, monkeypatch):
    monkeypatch.setattr("dfkd_core.teachers.open_teacher", lambda config: None)
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    assert all(excerpt.teacher is None for excerpt in sounds.read_sounds(tmp_path, [3]).excerpts)


def test_a_corpus_that_is_gone_costs_all_sounds_and_is_told(tmp_path, monkeypatch, caplog):
    def missing(config, *, needs_teacher):
        raise DataError("no corpus here")

    monkeypatch.setattr("dfkd_core.training.signals.Signals", missing)
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    assert "no corpus here" in caplog.text and sounds.read_sounds(tmp_path, [3]) is None


def test_the_excerpts_are_of_three_noises_and_three_voices_where_there_are():
    snr_db = np.repeat([0.0, 5.0, 10.0], 4)
    families = ["rain", "rain", "rain", "cafe"] + ["rain", "rain", "car", "rain"] + ["bell"] * 4
    speakers = list("aaaa" + "aaba" + "abac")
    chosen = sounds.chosen_mixtures(snr_db, families, speakers)
    assert [families[i] for i in chosen] == ["rain", "car", "bell"]
    assert [speakers[i] for i in chosen] == ["a", "b", "c"]
    assert snr_db[chosen].tolist() == [0, 5, 10]


def test_a_probe_lends_what_validation_has_none_of_and_nothing_else():
    snr_db = [0.0, 0.0, 5.0, 5.0, 10.0, 10.0]
    one_voice, three = ["music"] * 3, ["rain", "cafe", "bell"]

    def chosen(noises, voices):
        families, speakers = (
            list(sum(zip(own, ["babble", "hum", "hum"], strict=True), ())) for own in (noises, voices)
        )
        return sounds.chosen_mixtures(snr_db, families, speakers, [False, True] * 3).tolist()

    assert chosen(one_voice, one_voice) == [0, 3, 4], "hum is new after music, and nothing is after both"
    assert chosen(three, three) == [0, 2, 4]


class Abroad(Listed):
    """A probe: two noises that validation has not, of one voice that it has not; its names are its own."""

    noise_families = ("babble", "hum") * 3
    speakers = ("maxim",) * 6

    def name(self, index):
        return f"valid-{index:06d}-abroad"


class OneNoise(Listed):
    noise_families, speakers = ("music",) * 6, ("June",) * 6


def with_probes(monkeypatch, probes):
    class Signals(SignalsOf):
        def __init__(self, config, *, needs_teacher):
            self.validation = OneNoise()

        @property
        def probes(self):
            return probes()

    monkeypatch.setattr("dfkd_core.training.signals.Signals", Signals)


def test_where_validation_has_one_noise_and_one_voice_excerpts_are_of_three_kinds(tmp_path, models, monkeypatch):
    with_probes(monkeypatch, lambda: {"abroad": Abroad()})
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    excerpts = sounds.read_sounds(tmp_path, [3]).excerpts
    kinds = [excerpt.name.rpartition(", ")[0] for excerpt in excerpts]
    assert kinds[0] == "music" and sorted(kinds[1:]) == ["abroad: babble", "abroad: hum"]
    assert all(e.clean is not None and e.teacher is not None and 3 in e.students for e in excerpts)
    sounds.record_sounds(tmp_path, [3, 4], ExperimentConfig())
    assert [e.name for e in sounds.read_sounds(tmp_path, [4]).excerpts] == [e.name for e in excerpts]


def test_a_probe_that_is_gone_costs_its_excerpts_alone(tmp_path, models, monkeypatch, caplog):
    def gone():
        raise DataError("no such folder: abroad")

    with_probes(monkeypatch, gone)
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    assert {excerpt.name.split(",")[0] for excerpt in sounds.read_sounds(tmp_path, [3]).excerpts} == {"music"}
    assert "no sounds of its probes: no such folder: abroad" in caplog.text


def test_a_teacher_that_knows_validation_alone_is_silent_abroad_and_nowhere_else(tmp_path, models, monkeypatch, caplog):
    def of_validation(noisy, listed):
        if listed[0].name.endswith("abroad"):
            raise DataError(f"no estimate of {listed[0].name}")
        return 0.4 * noisy

    with_probes(monkeypatch, lambda: {"abroad": Abroad()})
    monkeypatch.setattr("dfkd_core.teachers.open_teacher", lambda config: of_validation)
    sounds.record_sounds(tmp_path, [3], ExperimentConfig())
    excerpts = sounds.read_sounds(tmp_path, [3]).excerpts
    assert [e.teacher is None for e in excerpts] == ["abroad" in e.name for e in excerpts] == [False, True, True]
    assert "no estimate of valid-" in caplog.text


def test_with_one_noise_and_one_voice_the_excerpts_still_differ_by_snr():
    chosen = sounds.chosen_mixtures(np.array([15.0, 0.0, 5.0, 10.0]), ["moh"] * 4, ["June"] * 4)
    assert chosen.tolist() == [2, 3, 0]
    assert sounds.chosen_mixtures(np.array([3.0]), ["moh"], ["June"]).tolist() == [0]
