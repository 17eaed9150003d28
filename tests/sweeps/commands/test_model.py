"""`dfkd train`: an interrupt ends with the command that goes on; a finished training answers without its corpus."""

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
import tiny_corpus as tiny

from dfkd_core.base.documents import dump_yaml
from sweeps.cli import run


@pytest.fixture
def config(tmp_path, monkeypatch):
    """An experiment config on a small corpus, in a folder with a blank."""
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    corpus, teacher = tiny.write_corpus(tmp_path / "corpus"), tiny.write_teacher(tmp_path / "gain.onnx")
    place = tmp_path / "my configs" / "tiny.yaml"
    place.parent.mkdir()
    place.write_text(dump_yaml(tiny.experiment(corpus, teacher)))
    return place


def interrupted(training):
    """What a process says on stderr after Ctrl-C, pressed again where Python drops one in a destructor."""
    for _ in range(4):
        training.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return training.communicate(timeout=30)[1]
    training.kill()
    return training.communicate()[1]


def test_an_interrupted_training_says_how_to_go_on(config, tmp_path):
    out = tmp_path / "model"
    words = [sys.executable, "-m", "sweeps", "train", str(config), "--out", str(out), "--set", "training.epochs=5000"]
    training = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not training.stdout.readline().startswith("epoch 1/"):
        assert training.poll() is None
    told = interrupted(training).strip().splitlines()
    assert training.returncode == 130
    again = told[-1].split("go on with `")[1].rstrip("`")
    assert shlex.split(again) == ["dfkd", *words[3:]]
    assert "Traceback" not in "".join(told)


def test_a_finished_training_whose_corpus_is_gone_still_answers(config, tmp_path, capsys):
    arguments = ["train", str(config), "--out", str(tmp_path / "model"), "--set", "training.epochs=1"]
    assert run(arguments) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    shutil.rmtree(tmp_path / "corpus")
    assert run(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == first
