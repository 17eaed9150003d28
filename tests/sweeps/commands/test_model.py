"""`dfkd train` interrupted and finished; `dfkd enhance` on streams."""

import csv
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import tiny_corpus as tiny

from dfkd_core.base.documents import dump_yaml
from dfkd_core.config import ExperimentConfig
from dfkd_core.export import sherpa_onnx
from dfkd_core.models import build_student
from dfkd_core.scoring import teacher_scores
from dfkd_core.signal.audio import write_audio
from dfkd_core.trained.model_folder import write_model_folder
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


def test_an_interrupted_training_says_how_to_go_on(config, tmp_path):
    out = tmp_path / "model"
    words = [sys.executable, "-m", "sweeps", "train", str(config), "--out", str(out), "--set", "training.epochs=5000"]
    training = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not training.stdout.readline().startswith("epoch 1/"):
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    told = training.communicate(timeout=300)[1].strip().splitlines()
    assert training.returncode == 130
    again = told[-1].split("go on with `")[1].rstrip("`")
    assert shlex.split(again) == ["dfkd", *words[3:]]
    assert "Traceback" not in "".join(told)


DROPPED = """
import os, signal, sys, time
from dfkd_core.training import train_run
from sweeps.cli import main

class Dies:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)

def train_model(*_, **__):
    Dies()
    time.sleep(100)

train_run.train_model = train_model
main()
"""


def test_one_interrupt_is_enough_also_in_a_destructor(config, tmp_path):
    """Where Python drops it, and says so with a traceback."""
    words = ["train", str(config), "--out", str(tmp_path / "model"), "--no-track"]
    words = [sys.executable, "-c", DROPPED, *words]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 130
    assert "interrupted; go on with" in done.stderr and "Traceback" not in done.stderr


def test_a_finished_training_whose_corpus_is_gone_still_answers(config, tmp_path, capsys):
    arguments = ["train", str(config), "--out", str(tmp_path / "model"), "--set", "training.epochs=1"]
    assert run(arguments) == 0
    first = capsys.readouterr().out.splitlines()[-1]
    shutil.rmtree(tmp_path / "corpus")
    assert run(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-1] == first


def live(model, content, *options):
    words = [sys.executable, "-m", "sweeps", "enhance", model, "--live", *options]
    return subprocess.run(words, check=False, input=content, capture_output=True, timeout=300)


def test_a_stream_through_a_pipe_is_what_enhance_makes_of_the_file(tmp_path, capsys):
    noisy = np.random.default_rng(0).normal(size=24_000) * (1.2 + np.sin(np.arange(24_000) / 4_000))
    noisy *= 10 ** (-25 / 20) / np.sqrt(np.mean(noisy**2))  # the level at which files are heard
    soundfile.write(tmp_path / "in.wav", noisy, 16_000, subtype="PCM_16")
    content = soundfile.read(tmp_path / "in.wav", dtype="int16")[0].astype("<i2").tobytes()
    assert run(["enhance", "own-dccrn", str(tmp_path / "in.wav"), str(tmp_path / "out.wav")]) == 0
    expected = soundfile.read(tmp_path / "out.wav", dtype="int16")[0].astype(int)
    done = live("own-dccrn", content)
    assert (done.returncode, done.stderr) == (0, b"")
    np.testing.assert_allclose(np.frombuffer(done.stdout, "<i2"), expected, atol=4)


def piped(content, monkeypatch):
    """stdin and stdout as pipes, without a process; what is written."""
    written = io.BytesIO()
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(content)), isatty=lambda: False)
    )
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=written, isatty=lambda: False))
    return written


@pytest.fixture(scope="module")
def causal(tmp_path_factory):
    """The folder of a small model that runs in sherpa-onnx."""
    fields = {"n_fft": 512, "window_samples": 512, "hop_samples": 256, "causal": True, "window": "hann_sqrt"}
    config = ExperimentConfig.parse({"student": {"model": "dccrn", "width": 0.0625, "num_layers": 2, **fields}})
    state, place = build_student(config.student).state_dict(), tmp_path_factory.mktemp("causal") / "model"
    write_model_folder(place, config, state, {}, noisy={}, epochs=1, origin={})
    return place


@pytest.mark.parametrize("runtime", ["onnx", "sherpa-onnx"])
def test_a_streaming_graph_hears_a_pipe_as_its_model_does(runtime, causal, tmp_path, monkeypatch):
    options = ["--streaming"] if runtime == "onnx" else ["--runtime", runtime]
    monkeypatch.setattr(sherpa_onnx, "has_sherpa_onnx", lambda: False)  # the wheel has tests of its own
    assert run(["export-onnx", str(causal), "-o", str(tmp_path / "x.onnx"), *options]) == 0
    content = np.random.default_rng(0).integers(-3000, 3000, 4_000).astype("<i2").tobytes()
    given = []
    for model in (str(causal), str(tmp_path / "x.onnx")):
        written = piped(content, monkeypatch)
        assert run(["enhance", model, "--live"]) == 0
        given.append(np.frombuffer(written.getvalue(), "<i2").astype(int))
    assert len(given[1]) == 4_000
    np.testing.assert_allclose(given[1], given[0], atol=2)


def test_a_graph_of_whole_signals_hears_no_pipe(tmp_path, monkeypatch, capsys):
    piped(b"\0\0", monkeypatch)
    assert run(["enhance", str(tiny.write_teacher(tmp_path / "gain.onnx")), "--live"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "gain.onnx: must be a streaming graph of `dfkd export-onnx --streaming`" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["own-dccrn", "in.wav", "--live"], "--live: reads stdin and writes stdout"),
        (["own-dccrn", "in.wav"], "takes a model, IN and OUT, or a model and --live"),
        (["own-dccrn", "--live", "--attenuation-limit-db", "-3"], "must be a number of dB, 0 or above, but got -3"),
        (["own-dccrn", "a.wav", "b.wav", "--attenuation-limit-db", "nan"], "must be a number of dB"),
        (["absent", "--live"], "must be a model folder"),
    ],
)
def test_what_enhance_cannot_do_is_told(arguments, told, capsys):
    assert run(["enhance", *arguments]) == 2
    assert told in capsys.readouterr().err


# --- evaluate ---------------------------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """A corpus of pairs, two of them to test on, one with a name that a spreadsheet would run."""
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    for seed, name in enumerate(("train/a_1", "valid/b_1", "test/c_1", "test/=d_1")):
        clean = tiny.talking(4.5, seed)
        for kind, samples in (("clean", clean), ("noisy", clean + tiny.hissing(4.5, seed))):
            write_audio(tmp_path / f"pairs/{kind}/{name}.wav", samples)
    return tmp_path / "pairs"


def test_what_somebody_else_enhanced_is_scored_with_a_row_for_every_file(pairs, tmp_path, capsys):
    out = tmp_path / "new" / "scores.csv"
    arguments = ["evaluate", "--estimates", str(pairs / "clean"), "--data", str(pairs), "--csv", str(out), "--json"]
    page = tmp_path / "new" / "scores.html"
    assert run([*arguments, "--html", str(page), "--against", "gtcrn"]) == 0
    text = page.read_text()
    assert "2 whole files, all there are" in text and "Beside it" in text
    heard = re.findall(
        r'<audio controls preload="none" aria-label="([^,"]*), [^"]*" src="data:audio/flac;base64,', text
    )
    assert heard == ["noisy input", "clean", "gtcrn", "clean speech"] * 2
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["beside"]] == ["noisy input", "gtcrn"]
    assert told["beside"][1]["model_better_by"]["pesq_wb"] > 0
    assert told["whole_files"] and told["clips"] == 2 and told["mean"]["stoi"] == pytest.approx(1, abs=1e-4)
    rows = list(csv.DictReader(out.open()))
    assert [row["name"] for row in rows] == ["noisy/test/=d_1", "noisy/test/c_1"]
    assert [row["speaker"] for row in rows] == ["'=d", "c"]
    assert float(rows[0]["pesq_wb"]) > 4 > float(rows[0]["gtcrn/pesq_wb"]) > 0.5
    assert float(rows[0]["noisy/pesq_wb"]) < 4
    assert float(rows[1]["noisy/si_sdr_db"]) == pytest.approx(float(rows[1]["snr_db"]), abs=1.5)


def test_a_model_s_probes_are_scored_beside_its_corpus(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    probes = {"abroad": str(tiny.write_corpus(tmp_path / "probe", first=30)), "gone": str(tmp_path / "nowhere")}
    changes = tiny.experiment(tiny.write_corpus(tmp_path / "corpus"), tiny.write_teacher(tmp_path / "gain.onnx"))
    config = ExperimentConfig.parse({**changes, "data": {**changes["data"], "probes": probes}})
    state, place = build_student(config.student).state_dict(), tmp_path / "model"
    write_model_folder(place, config, state, {}, noisy={}, epochs=1, origin={})
    arguments = ["evaluate", str(place), "--split", "valid", "--no-track"]
    assert run(arguments) == 0
    said = capsys.readouterr().out
    assert "\nprobe abroad, valid split, 4 mixtures\nmetric " in said and "\nprobe gone is left out: " in said
    assert run([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["probes"]["abroad"].keys() == told["mean"].keys() and told["probes"]["abroad"] != told["mean"]
    assert told["probes_left_out"].keys() == {"gone"}


def test_another_that_is_none_is_told(pairs, capsys):
    arguments = ["evaluate", "--estimates", str(pairs / "clean"), "--data", str(pairs), "--against", "gtcrm"]
    assert run(arguments) == 2
    assert "--against: must be a public model" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_what_cannot_be_written_is_told_before_anything_is_scored(pairs, option, capsys, monkeypatch):
    monkeypatch.setattr(teacher_scores, "evaluate_teacher", lambda *_, **__: pytest.fail("scored"))
    taken = pairs / "clean" / "test" / "c_1.wav"
    arguments = ["evaluate", "--estimates", str(pairs / "clean"), "--data", str(pairs), option, str(taken / "x")]
    assert run(arguments) == 2
    assert f"{option}: cannot be written (Not a directory); name another file" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["own-dccrn", "--teacher", "gtcrn"], ["--estimates", "a", "--teacher", "b"]])
def test_one_thing_is_scored_at_a_time(arguments, capsys):
    assert run(["evaluate", *arguments]) == 2
    assert "takes a model folder, or --teacher, or --estimates" in capsys.readouterr().err
