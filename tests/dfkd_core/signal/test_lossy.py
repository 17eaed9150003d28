"""Lossy files that hold more than their header tells, or less."""

import re

import numpy as np
import pytest
import soundfile

from dfkd_core.signal.audio import info, read_channels
from dfkd_core.signal.lossy import lacks_end

FORMATS = {"ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III")}
RATE = 16_000


@pytest.fixture(params=FORMATS)
def lossy(request, tmp_path):
    """Two seconds of a tone, in a file of each format."""
    path, (container, encoding) = tmp_path / f"a.{request.param}", FORMATS[request.param]
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    soundfile.write(path, tone, RATE, format=container, subtype=encoding)
    return path


def test_a_whole_file_is_read_as_it_was_and_ends(lossy, caplog):
    assert read_channels(lossy)[0].shape == (1, 2 * RATE) and not lacks_end(lossy)
    assert not caplog.records


def test_joined_files_are_read_to_the_end(lossy):
    joined = lossy.with_name(f"joined{lossy.suffix}")
    joined.write_bytes(2 * lossy.read_bytes())
    samples, rate = read_channels(joined)
    assert samples.shape[1] == pytest.approx(4 * rate, abs=0.2 * rate)  # encoders' delays between the two
    assert info(joined).num_frames == samples.shape[1]
    assert np.abs(samples[0, -rate:]).max() > 0.2, "the second one is heard"


def test_a_title_that_reads_like_a_header_joins_nothing(tmp_path):
    path = tmp_path / "a.mp3"
    with soundfile.SoundFile(path, "w", RATE, 1, "MPEG_LAYER_III", format="MP3") as file:
        file.title = "Info Xing Info"
        file.write(np.zeros(RATE))
    assert read_channels(path)[0].shape == (1, RATE)


def test_one_that_breaks_off_is_told_of(lossy, caplog):
    container, encoding = FORMATS[lossy.suffix.removeprefix(".")]
    hiss = np.random.default_rng(0).normal(0, 0.1, 12 * RATE)
    soundfile.write(lossy, hiss, RATE, format=container, subtype=encoding)
    lossy.write_bytes(lossy.read_bytes()[: lossy.stat().st_size // 2])
    samples, _ = read_channels(lossy)
    assert RATE < samples.shape[1] < 11 * RATE
    told = [record.getMessage() for record in caplog.records]
    is_told = any(re.search("breaks off: 192,000 samples are told, but [0-9,]+ there", text) for text in told)
    assert is_told or lacks_end(lossy)
