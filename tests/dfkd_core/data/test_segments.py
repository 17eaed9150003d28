import numpy as np
import pytest

from dfkd_core.data.segments import GAP_FRAMES, cut


@pytest.fixture
def part(store):
    return store.part("train")


def pass_of(part, seconds, min_active=0, seed=0, gap=GAP_FRAMES):
    clips = part.of_kind("clean")
    speakers = np.unique([part.clips[i].label for i in clips], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    return cut(part, clips, speakers, rng, length=round(100 * seconds), gap=gap, min_active=min_active)


def pieces_of(segments, index):
    return segments.pieces[segments.first[index] : segments.first[index + 1]]


@pytest.mark.parametrize("seconds", [0.5, 2.0, 4.0, 7.0])
def test_no_frame_of_speech_is_used_twice_in_a_pass(part, seconds):
    segments = pass_of(part, seconds)
    used = [np.zeros(n, int) for n in part.num_frames]
    for clip, start, _, length in segments.pieces.tolist():
        assert start >= 0 and start + length <= len(used[clip])
        used[clip][start : start + length] += 1
    assert max(u.max() for u in used) == 1


@pytest.mark.parametrize("seconds", [4.0, 7.0])
def test_pieces_of_a_segment_are_one_speakers_and_do_not_overlap(part, seconds):
    segments = pass_of(part, seconds)
    assert (np.diff(segments.first) > 1).any()
    for index in range(len(segments)):
        pieces = pieces_of(segments, index)
        assert len({part.clips[i].label for i in pieces["clip"]}) == 1
        ends = pieces["at"] + pieces["length"]
        assert (pieces["at"][1:] >= ends[:-1] + GAP_FRAMES).all()
        assert ends.max() <= round(100 * seconds)


def test_a_long_clip_is_not_joined_with_another(part):
    segments = pass_of(part, 2.0)
    long = part.num_frames[segments.clips] >= 200
    assert (np.diff(segments.first)[long] == 1).all()
    assert (segments.pieces["length"][segments.first[:-1]][long] == 200).all()


def test_active_frames_are_those_of_the_pieces(part):
    segments = pass_of(part, 4.0)
    for index in range(len(segments)):
        clips, starts, lengths = (pieces_of(segments, index)[n].astype(np.int64) for n in ("clip", "start", "length"))
        assert segments.num_active[index] == part.num_active(clips, starts, lengths).sum()


def test_segments_with_too_little_speech_are_left_out(part):
    all_of_them, some = pass_of(part, 2.0), pass_of(part, 2.0, min_active=170)
    assert (some.num_active >= 170).all()
    assert len(some) == (all_of_them.num_active >= 170).sum() < len(all_of_them)


def test_another_draw_gives_another_pass_and_the_same_draw_the_same(part):
    first, again, other = pass_of(part, 2.0), pass_of(part, 2.0), pass_of(part, 2.0, seed=1)
    assert first.pieces.tobytes() == again.pieces.tobytes()
    assert first.pieces.tobytes() != other.pieces.tobytes()


def test_take_and_add_keep_each_segment_whole(part):
    segments = pass_of(part, 4.0)
    order = np.random.default_rng(0).permutation(len(segments))
    both = segments.take(order) + segments
    for place, index in enumerate([*order, *range(len(segments))]):
        assert pieces_of(both, place).tobytes() == pieces_of(segments, index).tobytes()
        assert both.num_active[place] == segments.num_active[index]
