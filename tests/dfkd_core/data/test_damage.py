"""A WAV file that breaks off is noticed, whatever its header leaves open is not; few such files are skipped."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import soundfile

from dfkd_core.data.corpora import scan
from dfkd_core.data.damage import tolerate, whole_info
from dfkd_core.data.decoding import decode
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import info

DATA_BYTES = slice(40, 44)  # of the header that soundfile writes


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).integers(-9000, 9000, 16_000).astype(np.int16), 16_000)
    return path


@pytest.mark.parametrize("read", [whole_info, decode])
def test_a_wav_file_that_breaks_off_is_named_with_what_is_there(wav, read):
    wav.write_bytes(wav.read_bytes()[:20_044])
    with pytest.raises(DataError, match=r"a\.wav: breaks off: 32,000 bytes of samples are told, but 20,000 there"):
        read(wav)


def test_it_is_still_a_recording_to_listen_to(wav):
    wav.write_bytes(wav.read_bytes()[:20_044])
    assert info(wav).seconds == pytest.approx(0.625)


@pytest.mark.parametrize("length", [0xFFFF_FFFF, 0x7FFF_FFFF, 32_100])
def test_a_length_that_was_not_known_or_nearly_right_is_no_damage(wav, length):
    content = bytearray(wav.read_bytes())
    content[DATA_BYTES] = length.to_bytes(4, "little")
    wav.write_bytes(content)
    assert whole_info(wav).seconds == 1.0


def test_a_scan_skips_it_by_name_and_its_partner_with_it(tmp_path, caplog):
    for kind in ("clean", "noisy"):
        for number in range(120):
            sound = np.random.default_rng(number).integers(-900, 900, 800).astype(np.int16)
            path = tmp_path / kind / f"p{number % 6}_{number}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, sound, 16_000)
    cut = tmp_path / "noisy" / "p3_33.wav"
    cut.write_bytes(cut.read_bytes()[:844])
    assert len(scan(tmp_path).clips) == 238
    assert f"{cut}: breaks off" in caplog.text and "1 of 240 files" in caplog.text


def test_under_one_percent_is_named_counted_and_skipped(caplog):
    with caplog.at_level(logging.WARNING):
        tolerate({"a.flac": "a.flac: holds no samples"}, 101, "corpus")
    assert "skipped: a.flac: holds no samples" in caplog.text
    assert "1 of 101 files (1.0%) cannot be used and were skipped" in caplog.text


def test_one_percent_is_refused_with_the_first_file_named():
    with pytest.raises(DataError, match=r"corpus: 1 of 100 files \(1\.0%\) cannot be used, .*a\.flac"):
        tolerate({"a.flac": "a.flac: holds no samples"}, 100, "corpus")


def test_an_intact_corpus_is_not_spoken_of(caplog):
    tolerate({}, 0, "corpus")
    assert not caplog.records
