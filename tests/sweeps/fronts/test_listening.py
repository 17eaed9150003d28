"""Excerpts as the page carries them."""

from __future__ import annotations

import base64
import io
import zlib
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from sweeps.fronts.listening import RANGE_DB, STEP_DB, Excerpt, Listening, encoded, grey_png, spectrogram

RATE_HZ = 16_000
TIME_S = np.arange(RATE_HZ) / RATE_HZ
TONE = 0.5 * np.sin(2 * np.pi * 1000 * TIME_S)
NOISE = 0.1 * np.random.default_rng(0).standard_normal(RATE_HZ)


def excerpt(num_students=2):
    students = {trial: TONE + NOISE * trial / 10 for trial in range(num_students)}
    return Excerpt("mixture 3", TONE + NOISE, TONE, None, students)


def samples_of(url):
    head, content = url.split(",", 1)
    return head, soundfile.read(io.BytesIO(base64.b64decode(content)))[0]


def test_the_loudest_power_is_white_and_the_range_below_it_black():
    grey = spectrogram(TONE, loudest=float((np.abs(np.fft.rfft(TONE[:512] * np.hanning(512))) ** 2).max()) / 2)
    assert grey.max() == 255 and grey.min() == 0


def test_a_tone_lies_at_its_frequency_low_ones_at_the_bottom():
    grey = spectrogram(TONE, loudest=1000.0)
    bin_hz = RATE_HZ / 2 / len(grey)
    assert len(grey) - 1 - grey[:, 10].argmax() == pytest.approx(1000 / bin_hz, abs=1)


def test_half_the_amplitude_is_six_decibel_darker_on_the_same_scale():
    loud, soft = (int(spectrogram(gain * TONE, loudest=1e4)[:, 10].max()) for gain in (1.0, 0.5))
    assert (loud - soft) / 255 * RANGE_DB == pytest.approx(6.02, abs=STEP_DB)


def test_silence_is_black():
    assert spectrogram(np.zeros(4000), loudest=0.0).max() == 0


def test_the_picture_is_a_grey_png_with_every_pixel():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    png = grey_png(pixels)
    start = png.index(b"IDAT") + 4
    rows = np.frombuffer(zlib.decompress(png[start : png.index(b"IEND") - 8]), np.uint8).reshape(3, 5)
    assert png.startswith(b"\x89PNG") and (rows[:, 1:] == pixels).all() and not rows[:, 0].any()


def test_models_from_elsewhere_are_on_the_page_by_name():
    page = Listening([replace(excerpt(), references={"gtcrn": TONE})]).to_page()
    assert np.allclose(samples_of(page["clips"][0]["references"]["gtcrn"]["audio"])[1], TONE, atol=1e-4)


def test_sounds_are_lossless_while_they_fit():
    page = Listening([excerpt()]).to_page()
    head, heard = samples_of(page["clips"][0]["students"]["1"]["audio"])
    assert (page["codec"], head) == ("flac", "data:audio/flac;base64")
    assert np.abs(heard - (TONE + NOISE / 10)).max() < 1 / 32000


def test_a_teacher_that_is_missing_is_left_out():
    assert set(Listening([excerpt()]).to_page()["clips"][0]["versions"]) == {"noisy", "clean"}


def test_excerpts_that_do_not_fit_are_left_out_and_the_last_one_becomes_mp3():
    room = Listening([excerpt(), excerpt(), excerpt()])
    whole = sum(len(str(clip)) for clip in room.to_page()["clips"])
    assert len(room.to_page(budget_bytes=whole * 3 // 4)["clips"]) == 2
    smallest = room.to_page(budget_bytes=100)
    assert (smallest["codec"], len(smallest["clips"])) == ("mpeg", 1)
    assert len(samples_of(smallest["clips"][0]["versions"]["noisy"]["audio"])[1]) == RATE_HZ


def test_no_excerpts_make_an_empty_room():
    assert Listening([]).to_page()["clips"] == []


def test_what_is_beyond_full_scale_is_clipped_not_wrapped():
    heard = soundfile.read(io.BytesIO(encoded(np.array([2.0, -2.0] * 800), RATE_HZ, "flac")))[0]
    assert heard[0] == pytest.approx(1, abs=1e-4) and heard[1] == -1
