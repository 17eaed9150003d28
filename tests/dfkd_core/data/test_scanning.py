import logging

import numpy as np
import pytest
import soundfile

from dfkd_core.base.progress import silent
from dfkd_core.data.corpora import scan
from dfkd_core.data.scanning import Entry, audio_files, entries_sha256, read_headers
from dfkd_core.errors import DataError
from dfkd_core.signal.audio import write_audio


def test_audio_is_found_at_any_depth_in_one_order_and_hidden_files_are_not(tmp_path):
    for name in ("b/z.WAV", "b/a.flac", "a.ogg", ".git/x.wav", "b/.x.wav", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in audio_files(tmp_path)] == ["a.ogg", "b/a.flac", "b/z.WAV"]


def entries(root, good, bad):
    for n in range(good):
        write_audio(root / f"{n:03d}.wav", np.full(1600, 0.1, np.float32))
    for n in range(bad):
        (root / f"bad{n}.wav").write_bytes(b"RIFF")
    return [Entry(path, "clean", "train", "p1") for path in audio_files(root)]


def test_damaged_headers_are_named_and_skipped_under_one_percent(tmp_path, caplog):
    listed = entries(tmp_path, good=150, bad=1)
    with caplog.at_level(logging.WARNING):
        clips, rates = read_headers(tmp_path, listed, silent)
    assert len(clips) == 150 and rates == {16_000: 150}
    assert "bad0.wav" in caplog.text


def test_the_partner_of_a_damaged_file_is_left_out_with_it(tmp_path):
    for kind in ("clean", "noisy"):
        for n in range(120):
            write_audio(tmp_path / kind / f"speaker{n}_1.wav", np.full(1600, 0.1, np.float32))
    (tmp_path / "noisy" / "speaker7_1.wav").write_bytes(b"RIFF")
    manifest = scan(tmp_path)
    assert len(manifest.clips) == 238
    assert not any("speaker7_1" in clip.path for clip in manifest.clips)


def test_clips_of_no_length_are_named_and_counted(tmp_path):
    listed = entries(tmp_path, good=3, bad=0)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16_000)
    listed.append(Entry(tmp_path / "empty.wav", "clean", "train", "p1"))
    with pytest.raises(DataError, match=r"1 of 4 files .*empty\.wav: holds no samples"):
        read_headers(tmp_path, listed, silent)


def test_more_damage_is_refused_naming_a_file(tmp_path):
    with pytest.raises(DataError, match=r"2 of 50 files .*bad0\.wav"):
        read_headers(tmp_path, entries(tmp_path, good=48, bad=2), silent)


def test_a_folders_identity_changes_with_any_file(tmp_path):
    listed = entries(tmp_path, good=3, bad=0)
    before = entries_sha256(tmp_path, listed)
    assert entries_sha256(tmp_path, listed) == before
    listed[1].path.unlink()
    assert entries_sha256(tmp_path, listed) != before
