import numpy as np

from dfkd_core.data.activity import FRAME_SAMPLES, HANGOVER_FRAMES, active_frames


def tone(num_frames, amplitude):
    return np.round(amplitude * np.sin(0.3 * np.arange(num_frames * FRAME_SAMPLES))).astype(np.int16)


def test_long_pauses_are_silent_and_short_ones_belong_to_the_speech():
    short, long = HANGOVER_FRAMES - 2, 60
    samples = np.concatenate([tone(50, 8000), tone(short, 0), tone(50, 8000), tone(long, 0), tone(50, 8000)])
    active = active_frames(samples)
    assert active[: 100 + short].all()
    assert not active[100 + short + HANGOVER_FRAMES : 100 + short + long].any()
    assert active[100 + short + long :].all()


def test_a_background_20_db_under_the_speech_is_silence():
    samples = np.concatenate([tone(100, 8000), tone(100, 800)])
    assert active_frames(samples).sum() == 100 + HANGOVER_FRAMES - 1


def test_the_level_of_the_recording_does_not_matter():
    samples = np.concatenate([tone(40, 300), tone(40, 3), tone(40, 300)])
    np.testing.assert_array_equal(active_frames(samples), active_frames(samples * np.int16(100)))


def test_silence_has_no_active_frames_and_full_scale_does_not_overflow():
    assert not active_frames(np.zeros(1600, np.int16)).any()
    assert active_frames(np.full(1600, -32768, np.int16)).all()
    assert len(active_frames(np.ones(100, np.int16))) == 0
