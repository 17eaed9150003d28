"""What confirming asks of the trials that it trains again."""

import math

import tiny_corpus

from dfkd_core.base.documents import read_yaml
from dfkd_core.config import ExperimentConfig
from dfkd_core.trained.model_folder import model_sha256
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer
from sweeps.definition.spec import SweepSpec
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.deciding.conductor import Conductor
from sweeps.engine.driving.checking import resolved
from sweeps.record.ledger import Ledger
from sweeps.trust.repeats import Repeats


class Quiet:
    """A tracker and a lock that have nothing to say."""

    session = "session"

    def __getattr__(self, name):
        return lambda *arguments, **named: None


def conduct(ledger, folder):
    return Conductor(
        ledger,
        DistillationWorkload,
        folder,
        Quiet(),
        Quiet(),
        lambda number: number,
        lambda: math.inf,
        lambda *told: None,
    )


def test_the_repeats_of_a_slice_begin_with_the_same_slice_of_the_same_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    corpus = tiny_corpus.write_corpus(tmp_path / "corpus")
    config = tiny_corpus.experiment(corpus, tiny_corpus.write_teacher(tmp_path / "teacher.onnx"))
    wide = config | {"student": config["student"] | {"width": 0.125}, "training": config["training"] | {"epochs": 1}}
    train_model(ExperimentConfig.parse(wide), tmp_path / "wide")
    given = {
        "name": "slices",
        "experiment": "tests",
        "config": config,
        "space": {"training.start_from": {"values": [None, str(tmp_path / "wide")]}},
        "objectives": [{"metric": "val/si_sdr_db", "goal": "maximize"}],
        "reference_point": {"val/si_sdr_db": -30.0},
        "evaluate_first": [{"training.start_from": str(tmp_path / "wide")}],
        "budget": {"trials": 1, "epochs_per_trial": 3},
    }
    spec = resolved(SweepSpec.model_validate(given), DistillationWorkload)
    (tmp_path / "sweep").mkdir()
    ledger = Ledger.create(tmp_path / "sweep", spec, "id")
    trial = conduct(ledger, tmp_path / "sweep").next()
    repeats = Repeats.begin(tmp_path / "sweep", spec, DistillationWorkload)
    repeats.add({trial.number: 2}, {trial.number: trial.params})
    conductor = conduct(repeats.ledger, repeats.folder)
    first, second = conductor.next(), conductor.next()
    assert [again.config["seed"] - trial.config["seed"] for again in (first, second)] == [1, 2]
    written = read_yaml(repeats.folder / "trials/0001/config.yaml")
    assert written["training"]["start_from"] == trial.config["training"]["start_from"] == str(tmp_path / "wide")
    trainers = [Trainer(ExperimentConfig.parse(c)) for c in (trial.config, first.config, written)]
    assert {t.start.origin["start_hash"] for t in trainers} == {model_sha256(tmp_path / "wide")}
    states = [trainer.student.state_dict() for trainer in trainers]
    assert all(value.equal(states[0][name]) for state in states[1:] for name, value in state.items())
