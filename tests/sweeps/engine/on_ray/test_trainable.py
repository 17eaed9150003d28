"""A worker's step: what is raised in it is told with its kind."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from sweeps.engine.deciding.failures import FailureKind
from sweeps.engine.deciding.inputs import Inputs, NodeDiffers
from sweeps.engine.on_ray import trainable
from sweeps.engine.on_ray.trainable import TrialError, TrialRunner, WorkOrder
from sweeps.workload import FreeDomain


def stepping(tmp_path, raised):
    """A worker whose step raises."""
    runner = TrialRunner.__new__(TrialRunner)
    runner.order, runner.is_far = SimpleNamespace(folder=tmp_path), False
    runner.desk = SimpleNamespace(log=Path(tmp_path, "log.txt"), send_log=lambda: None)

    def step():
        raise raised

    runner._step = step
    return runner


@pytest.mark.parametrize("code", [0, 3, "no licence for this machine"])
def test_sys_exit_in_a_trial_is_an_error_of_its_code(tmp_path, code):
    """Not a lost worker, and no want of memory."""
    with pytest.raises(TrialError) as caught:
        stepping(tmp_path, SystemExit(code)).step()
    assert caught.value.kind == FailureKind.ERROR
    assert caught.value.reason.startswith(f"SystemExit: {code} (test_trainable.py:")
    assert "SystemExit" in (tmp_path / "log.txt").read_text()


def test_a_worker_that_is_told_to_go_goes(tmp_path):
    told = SystemExit(1)
    told.ray_terminate_msg = "The process receives a SIGTERM."
    with pytest.raises(SystemExit):
        stepping(tmp_path, told).step()


@pytest.fixture
def node(monkeypatch):
    context = SimpleNamespace(get_node_id=lambda: "1a2b3c4d5e6f")
    monkeypatch.setattr(trainable.ray, "get_runtime_context", lambda: context)


def test_what_a_node_lacks_is_told_with_its_name(tmp_path, node):
    with pytest.raises(TrialError, match=r"\(node 1a2b3c4d\) lacks the corpus") as caught:
        stepping(tmp_path, NodeDiffers("lacks the corpus")).step()
    assert (caught.value.kind, caught.value.node) == (FailureKind.NODE_DIFFERS, "1a2b3c4d5e6f")


def test_a_node_that_does_not_see_the_sweep_folder_is_no_place_for_trials(tmp_path, node):
    """One that joins late was not asked at the start."""
    with pytest.raises(TrialError, match=r"does not see .*/elsewhere; mend it there") as caught:
        stepping(tmp_path / "elsewhere", RuntimeError("never reached")).step()
    assert caught.value.kind == FailureKind.NODE_DIFFERS


class Corpora(FreeDomain):
    """What this node has of two corpora."""

    def __init__(self, **content):
        self.content, self.asked = content, []

    def hashes(self, config):
        self.asked.append(config["data"])
        return {"data_hash": self.content[config["data"]]}


def drawn_on(domain, tmp_path, *trials):
    """One worker on this node takes up trials that read these corpora; "base" is what the sweep's own config names."""
    runner = TrialRunner.__new__(TrialRunner)
    runner.kind = type("Reads", (), {"domain": domain})
    shared = Inputs({"data": "base"}, 1, {"data_hash": "of base"})
    runner.is_far, runner.order = False, WorkOrder(tmp_path, tmp_path, "session", b"", shared)
    for number, data in enumerate(trials):
        inputs = ("", {}) if data == "base" else (data, {"data_hash": f"of {data}"})
        trial = {"number": number, "config": json.dumps({"data": data}), "start_hash": None, "inputs": inputs}
        runner._take_up(trial)
        runner._require_inputs()
    return domain.asked


def test_each_searched_corpus_is_compared_once_a_process(tmp_path):
    node = Corpora(base="of base", a="of a", b="of b")
    assert drawn_on(node, tmp_path, "base", "a", "a", "b", "base", "a") == ["base", "a", "b"]


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (Corpora(base="of base", a="of a", b="other"), "differs in its data: data_hash is other there, of b in this"),
        (Corpora(base="of base", a="of a"), "lacks what trials need: 'b'"),
    ],
)
def test_a_node_that_differs_in_a_searched_corpus_is_found_by_the_trial_that_reads_it(tmp_path, node, fault):
    drawn_on(node, tmp_path, "base", "a")
    with pytest.raises(NodeDiffers, match=fault):
        drawn_on(node, tmp_path, "a", "b")


class Asked(FreeDomain):
    """Finds what the config says lies on this node, and notes how often it was asked."""

    num_asked = 0

    def start_hash(self, config):
        Asked.num_asked += 1
        if config["here"] is None:
            raise FileNotFoundError("no such folder: wide")
        return config["here"]


class Begun:
    """A workload that begins with what lies on this node, and tells it where the config wants."""

    domain = Asked()

    def __init__(self, config):
        if config["here"] is None:
            raise FileNotFoundError("no such folder: wide")
        self.tags = {"start_hash": config["here"]} if config["tells"] else {}


def built(here, tells, right="of wide"):
    """What a worker of the trial that should begin with `right` builds."""
    runner, Asked.num_asked = TrialRunner.__new__(TrialRunner), 0
    runner.kind, runner.trial_config, runner.start_hash = Begun, {"here": here, "tells": tells}, right
    runner.order = SimpleNamespace(inputs=Inputs({}, 1), keeper=None)
    return runner._built()


@pytest.mark.parametrize("tells", [True, False])
def test_a_start_is_the_driver_s_whether_the_workload_tells_it_or_the_domain(tells):
    assert isinstance(built("of wide", tells), Begun)
    assert Asked.num_asked == (0 if tells else 1), "a config is parsed once"
    with pytest.raises(NodeDiffers, match="differs in its start: start_hash is of another there, of wide in this"):
        built("of another", tells)


def test_a_start_that_is_not_there_is_the_node_s_fault_and_other_errors_are_the_trial_s():
    with pytest.raises(NodeDiffers, match="lacks what the trial begins with: no such folder: wide"):
        built(None, True)
    with pytest.raises(FileNotFoundError):
        built(None, True, right=None)


class Elsewhere(FreeDomain):
    """Knows that a start was given to this node."""

    def moved(self, config, places):
        return {**config, "here": places.get("wide", config["here"])}

    def start_hash(self, config):
        return config["here"]


def test_a_start_that_a_node_lacks_or_has_otherwise_is_given_to_it():
    for here in (None, "of another"):
        runner = TrialRunner.__new__(TrialRunner)
        runner.kind = type("Begun", (Begun,), {"domain": Elsewhere()})
        runner.trial_config, runner.start_hash = {"here": here, "tells": True}, "of wide"
        runner.order, asked = SimpleNamespace(inputs=Inputs({}, 1), keeper=None), []
        given = {"wide": "of wide"}
        runner.node_inputs = SimpleNamespace(given=lambda config, lack: asked.append((config, str(lack))) or given)  # noqa: B023 - called at once
        assert runner._built().tags == {"start_hash": "of wide"}
        ((config, lack),) = asked
        assert (config == runner.trial_config and "start" in lack) or "begins with" in lack


def test_trials_of_one_worker_train_on_what_each_was_given(tmp_path):
    """Those that read the base's data at the base's place, one that reads other data at its own."""
    places = {"": {"wide": "of base"}, "a": {"wide": "of a"}}
    runner = TrialRunner.__new__(TrialRunner)
    runner.kind = type("Begun", (Begun,), {"domain": Elsewhere()})
    runner.is_far, runner.order = False, WorkOrder(tmp_path, tmp_path, "session", b"", Inputs({}, 1))
    runner.node_inputs = SimpleNamespace(require=lambda key, inputs: places[key])
    began = []
    for key in ("", "a", ""):
        config = {"here": "nowhere", "tells": True}
        trial = {"number": 0, "config": json.dumps(config), "start_hash": None, "inputs": (key, {})}
        runner._take_up(trial)
        runner._require_inputs()
        began.append(runner._built().tags["start_hash"])
    assert began == ["of base", "of a", "of base"]
