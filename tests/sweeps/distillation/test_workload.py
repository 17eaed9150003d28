"""One epoch of distillation as a workload's step."""

from types import SimpleNamespace

import pytest
from tiny_corpus import experiment, hissing, write_corpus, write_teacher

from dfkd_core.base.key_paths import with_overrides
from dfkd_core.base.progress import silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import DFKDError
from dfkd_core.metrics import METRICS
from dfkd_core.scoring.clip_table import ClipTable
from dfkd_core.scoring.evaluation import ClipScores, Evaluation
from dfkd_core.signal.audio import write_audio
from dfkd_core.teachers.onnx_file import ONNXTeacher
from dfkd_core.training.train_run import train_model
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.deciding.fetching import fetch
from sweeps.engine.deciding.serving import Server


@pytest.fixture
def workload():
    """A workload whose trainer only pretends."""
    made = DistillationWorkload.__new__(DistillationWorkload)
    clips = tuple(ClipScores(f"clip {k}", "anna", "rain", 5.0, dict.fromkeys(METRICS, 1.0 + k)) for k in range(2))
    made.trainer = SimpleNamespace(
        epoch=1,
        config=SimpleNamespace(training=SimpleNamespace(epochs=1)),
        start_scores={"val/pesq_wb": 1.6},
        train_epoch=lambda: {"train/loss": 0.5},
        evaluate=lambda: Evaluation(clips),
        evaluate_probes=dict,
        save=lambda directory: (directory / "state").write_text("whole"),
    )
    made._speed, made._clips = {"model/rtf_cpu": 0.1}, None
    return made


def test_a_step_reports_training_validation_and_speed(workload):
    metrics = workload.step()
    assert (metrics["train/loss"], metrics["val/pesq_wb"], metrics["model/rtf_cpu"]) == (0.5, 1.5, 0.1)


def test_a_trained_start_is_told_beside_the_last_epoch_s_scores_and_that_it_was_better(workload, caplog):
    metrics = workload.step()
    assert (metrics["start/val/pesq_wb"], metrics["val/pesq_wb"]) == (1.6, 1.5)
    told = "the start was better (PESQ-WB 1.600 against 1.500); values and weights are the last epoch's"
    assert [record.message for record in caplog.records] == [told]


@pytest.mark.parametrize(("scores", "is_told"), [((1.6, 1.5), True), ((1.5, 1.6), False)])
def test_the_card_of_a_trial_whose_start_was_better_says_so(tmp_path, monkeypatch, scores, is_told):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    made = experiment(write_corpus(tmp_path / "speech"), write_teacher(tmp_path / "gain.onnx"))
    trained = DistillationWorkload(made)
    trained.save(tmp_path / "checkpoint")
    metrics = dict(zip(("start/val/pesq_wb", "val/pesq_wb"), scores, strict=True))
    config = ExperimentConfig.parse(made)
    DistillationWorkload.domain.publish(tmp_path / "checkpoint", tmp_path / "trial", config, {"metrics": metrics})
    said = "the start was better (PESQ-WB 1.600 against 1.500); values and weights are the last epoch's"
    card = (tmp_path / "trial" / "README.md").read_text().splitlines()
    assert (f"- On the validation mixtures {said}" in card) == is_told == ("the start was" in " ".join(card))


def test_the_start_s_hash_is_a_tag_of_the_trial(workload):
    workload.trainer.start = SimpleNamespace(origin={"start_hash": "abc", "start": "the weights of x"})
    assert workload.tags == {"start_hash": "abc"}


def test_before_the_last_epoch_nothing_is_said_of_the_start(workload, caplog):
    workload.trainer.config.training.epochs = 2
    workload.step()
    assert not caplog.records


def test_what_is_saved_after_an_epoch_holds_the_score_of_every_clip(workload, tmp_path):
    workload.step()
    workload.save(tmp_path)
    table = ClipTable.read(tmp_path)
    assert (table.names, table.crossing.speakers) == (("clip 0", "clip 1"), ("anna",) * 2)
    assert table.scores["val/stoi"] == (1.0, 2.0)


def test_what_is_saved_before_any_epoch_holds_none(workload, tmp_path):
    workload.save(tmp_path)
    assert (tmp_path / "state").exists() and ClipTable.read(tmp_path) is None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A small corpus, a teacher, and an experiment on them."""
    root = tmp_path_factory.mktemp("hashes")
    return root, experiment(write_corpus(root / "corpus"), write_teacher(root / "teacher.onnx"))


def test_what_a_node_has_is_named_and_hashed_as_by_the_preparation(corpus, tmp_path, monkeypatch):
    root, mapping = corpus
    domain = DistillationWorkload.domain
    prepared = domain.prepare(domain.trial_config(mapping, 1), silent)
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "of another node"))
    assert domain.hashes(domain.trial_config(mapping, 1)) == prepared
    write_audio(root / "corpus" / "noise" / "train0.wav", hissing(9.0, 99))
    other = domain.hashes(domain.trial_config(mapping, 1))
    assert other["data_hash"] != prepared["data_hash"] and other["teacher_hash"] == prepared["teacher_hash"]
    write_teacher(root / "teacher.onnx", 0.8)
    assert domain.hashes(domain.trial_config(mapping, 1))["teacher_hash"] != prepared["teacher_hash"]
    (root / "teacher.onnx").unlink()
    with pytest.raises(DFKDError, match=r"teacher\.onnx"):
        domain.hashes(domain.trial_config(mapping, 1))


def test_the_start_s_hash_is_that_of_the_model_which_the_config_names():
    domain = DistillationWorkload.domain
    begun = domain.trial_config({"student": {"model": "gtcrn"}, "training": {"start_from": "gtcrn"}}, 1)
    assert len(domain.start_hash(begun)) == 64
    assert domain.start_hash(domain.trial_config({"student": {"model": "gtcrn"}}, 1)) is None


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"data": {"corpus": "other"}}, False),
        ({"data": {"probes": {"abroad": "demo-abroad"}}}, False),
        ({"teacher": {"pretrained": "gtcrn"}}, False),
        ({"distillation": {"method": "none"}}, False),
        ({"distillation": {"weight": 3.0, "temperature": 2.0}, "training": {"start_from": "own-dccrn"}}, True),
    ],
)
def test_configs_of_one_input_key_read_the_same_data_and_teacher(changes, same):
    domain = DistillationWorkload.domain
    base = {"student": {"model": "dccrn", "width": 0.25}, "teacher": {"pretrained": "dtln"}}
    keys = [domain.input_key(domain.trial_config({**base, **more}, 1)) for more in ({}, changes)]
    assert (keys[0] == keys[1]) is same


def test_a_node_that_was_given_all_trains_what_the_driver_s_machine_would(tmp_path, monkeypatch):
    """The same hashes and estimates from another place; each goes on from the other's checkpoint."""
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "driver"))
    corpus, teacher = write_corpus(tmp_path / "corpus"), write_teacher(tmp_path / "gain.onnx")
    probed = {"training.epochs": 2, "data.probes": {"same": str(write_corpus(tmp_path / "probe", first=30))}}
    domain, changes = DistillationWorkload.domain, {**probed, "training.start_from": str(tmp_path / "before")}
    first = with_overrides(experiment(corpus, teacher), {"training.epochs": 1})
    train_model(ExperimentConfig.parse(first), tmp_path / "before")
    config = domain.trial_config(with_overrides(experiment(corpus, teacher), changes), 2)
    hashes = domain.prepare(config, silent)
    here = DistillationWorkload(domain.dump(config))
    here.trainer.train_epoch()
    here.save(ensured(tmp_path / "saved"))
    server = Server(domain, 2)
    parcel = server.parcel(domain.dump(config), only_cached=False)
    contents = [server.read(domain.dump(config), False, [(f.place, 0, f.num_bytes)]) for f in parcel.files]
    for place in ("corpus", "probe", "before", "gain.onnx"):
        (tmp_path / place).rename(tmp_path / f"not-{place}")
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "node"))
    by_place = {f.place: content for f, (content,) in zip(parcel.files, contents, strict=True)}
    fetch(parcel, ensured(tmp_path / "node"), lambda pieces: [by_place[p][a : a + n] for p, a, n in pieces])
    places = {name: str(tmp_path / "node" / place) for name, place in parcel.places.items()}
    moved = domain.moved(config, places)
    monkeypatch.setattr(ONNXTeacher, "__call__", lambda *arguments: pytest.fail("estimates are computed again"))
    assert domain.hashes(moved) == hashes
    there = DistillationWorkload(domain.dump(moved))
    there.load(tmp_path / "saved")
    assert there.trainer.epoch == 1
    there.trainer.train_epoch()
    there.save(ensured(tmp_path / "saved again"))
    here.trainer.train_epoch()
    here.load(tmp_path / "saved again")
    assert here.trainer.epoch == 2


def ensured(folder):
    folder.mkdir()
    return folder
