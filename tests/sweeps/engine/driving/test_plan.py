"""What a dry run says."""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from front_cases import spec
from launch_texts import text
from tiny_corpus import experiment, write_corpus, write_teacher

from cluster.asked_for import AskedFor
from dfkd_core.config import ExperimentConfig
from dfkd_core.data import demo
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.manifest import read_manifest, write_rows
from dfkd_core.errors import CheckpointError, ConfigError, DataError
from dfkd_core.models import build_student
from dfkd_core.trained.model_folder import write_model_folder
from sweeps.definition.spec import Resources
from sweeps.distillation.workload import DistillationWorkload
from sweeps.engine.driving.plan import Plan, Room, plan_sweep, room_for_trials
from sweeps.engine.driving.run import run_sweep


class Sized:
    """Knows its size, trains nothing."""

    def __init__(self, config):
        raise AssertionError("a plan trains nothing")

    @classmethod
    def static_metrics(cls, config):
        return {"model/params": 1000.0}


def test_a_plan_counts_dimensions_and_trains_nothing():
    """No workload is built."""
    plan = plan_sweep(spec(), Sized)
    assert plan.sizes["model/params"] == (1000.0, 1000.0, 1000.0)
    assert plan.num_dimensions == 2


@pytest.mark.parametrize(("trials", "warned"), [(19, True), (20, False)])
def test_fewer_than_ten_trials_for_each_active_dimension_are_warned_of(trials, warned):
    text = plan_sweep(spec(budget={"trials": trials, "epochs_per_trial": 6}), Sized).text()
    said = "warning: 2 active dimensions ask for about 20 trials (10 each); raise budget.trials or search fewer keys"
    assert (said in text) is warned


def test_a_budget_of_more_trials_than_there_are_configurations_is_told():
    """Two widths, and a cutoff for one of the splits alone: six configurations."""
    space = {
        "student.width": {"values": [0.125, 0.25]},
        "distillation.split": {"values": ["dynamic", "fixed"]},
        "distillation.cutoff_hz": {"values": [1000, 2000], "when": {"distillation.split": "fixed"}},
    }
    budget = {"trials": 200, "epochs_per_trial": 6}
    plan = plan_sweep(spec(space=space, budget=budget), Sized)
    assert (plan.num_points, plan.num_trials) == (6, 6)
    said = "the space has 6 configurations: when each has a trial, the sweep ends"
    assert said in plan.text()
    few = plan_sweep(spec(space=space, budget={**budget, "trials": 5}), Sized)
    assert few.num_trials == 5 and said not in few.text()
    asha = {"name": "pareto_asha"}
    rests = plan_sweep(spec(space=space, budget=budget, scheduler=asha), Sized)
    assert f"{said}\n  none is stopped early" in rests.text() and rests.stopped_share == 0
    assert plan_sweep(spec(space=space, budget={**budget, "trials": 5}, scheduler=asha), Sized).stopped_share > 0
    assert plan_sweep(spec(), Sized).num_points is None


def test_a_trial_larger_than_this_machine_is_refused():
    too_large = spec().model_copy(update={"resources": Resources(cpus_per_trial=4096)})
    with pytest.raises(ConfigError, match="no node can hold a trial: it asks for 4096 CPU"):
        plan_sweep(too_large, Sized)


def test_what_each_start_costs_is_told():
    config = {
        "student": {"model": "dccrn", "width": 0.0625},
        "data": {"segment_s": 0.25, "validation_clips": 4},
        "training": {"batch_size": 1},
    }
    space = {"training.start_from": {"values": [None, "own-dccrn"]}}
    plan = plan_sweep(spec(config=config, space=space, constraints=[]), DistillationWorkload)
    assert plan.starts["random weights"] == 0.0 and plan.starts["own-dccrn"] > 0.0
    assert "begun with own-dccrn: about" in plan.text() and "begun with random" not in plan.text()


SMALL = {
    "student": {"model": "dccrn", "width": 0.0625},
    "data": {"segment_s": 0.25, "validation_clips": 4},
    "training": {"batch_size": 1},
}
SPACE = {"optimizer.learning_rate": {"min": 1e-4, "max": 1e-2, "log": True}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"teacher": {"pretrained": "dtlnn"}}, "dtlnn.*did you mean 'dtln'"),
        ({"teacher": {"checkpoint": "/nowhere"}}, "nowhere"),
        ({"teacher": {"ensemble": {"members": [{"pretrained": "dtln"}, {"pretrained": "x"}]}}}, r"members\.1.*'x'"),
        ({"data": {**SMALL["data"], "corpus": "/nowhere"}}, "nowhere"),
        ({"data": {**SMALL["data"], "probes": {"street": "/nowhere"}}}, "nowhere"),
        ({"space": {"data.corpus": {"values": ["demo", "/nowhere"]}}}, "nowhere"),
        ({"warm_start": ["/nowhere"]}, r"nowhere: warm_start\[0\]: holds no sweep"),
    ],
)
@pytest.mark.parametrize("begin", [plan_sweep, run_sweep])
def test_what_trials_would_miss_is_missed_before_anything_runs(tmp_path, monkeypatch, begin, changes, said):
    """A teacher's name with a typing error, a corpus that is not there; public models are not fetched for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sweeps.engine.driving.run.ray_for", None)
    base = {key: changes[key] for key in changes if key in SMALL or key == "teacher"}
    asked = {"space": SPACE, "constraints": [], **{key: changes[key] for key in changes if key not in base}}
    with pytest.raises((ConfigError, DataError), match=said) as error:
        begin(spec(config={**SMALL, **base}, **asked), workload=DistillationWorkload)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_probe_that_shares_a_clip_with_training_fails_the_plan_as_it_fails_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    corpus = write_corpus(tmp_path / "speech")
    clips = [
        replace(c, path=str(corpus.parent / c.path), split="valid") for c in read_manifest(corpus).select(split="train")
    ]
    write_rows(clips, tmp_path / "probe.csv")
    config = {
        **SMALL,
        "data": {**SMALL["data"], "corpus": str(corpus), "probes": {"heard": str(tmp_path / "probe.csv")}},
    }
    with pytest.raises(ConfigError, match=r"data\.probes\.heard: must share no clip with training"):
        plan_sweep(spec(config=config, space=SPACE, constraints=[]), DistillationWorkload)


@pytest.mark.parametrize("begin", [plan_sweep, run_sweep])
def test_a_probe_is_compared_with_a_corpus_that_was_fetched_before(tmp_path, monkeypatch, begin):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.engine.driving.run.ray_for", None)
    monkeypatch.chdir(tmp_path)
    fetched = read_manifest(write_corpus(tmp_path / "speech"))
    clips = [replace(c, path=str(fetched.path(c)), split="valid") for c in fetched.select(split="train")]
    write_rows(clips, tmp_path / "probe.csv")
    monkeypatch.setattr(demo, "is_fetched", lambda name: name == "demo")
    monkeypatch.setattr(demo, "demo_corpus", lambda progress: fetched)
    monkeypatch.setattr(demo, "demo_abroad", lambda progress: pytest.fail("fetched"))
    probes = {"abroad": "demo-abroad", "heard": str(tmp_path / "probe.csv")}
    config = {**SMALL, "data": {**SMALL["data"], "probes": probes}}
    with pytest.raises(ConfigError, match=r"data\.probes\.heard: must share no clip with training"):
        begin(spec(config=config, space=SPACE, constraints=[]), workload=DistillationWorkload)


def test_for_a_comparison_no_corpus_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "is_fetched", lambda name: False)
    monkeypatch.setattr(demo, "demo_corpus", lambda progress: pytest.fail("fetched"))
    write_rows(read_manifest(write_corpus(tmp_path / "speech")).clips, tmp_path / "speech" / "probe.csv")
    config = {**SMALL, "data": {**SMALL["data"], "probes": {"street": str(tmp_path / "speech" / "probe.csv")}}}
    assert plan_sweep(spec(config=config, space=SPACE, constraints=[]), DistillationWorkload).epoch_s


def test_a_folder_with_validation_alone_is_a_probe_to_a_plan_and_no_corpus(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    corpus = read_manifest(write_corpus(tmp_path / "speech"))
    for clip in corpus.select(split="valid"):
        place = tmp_path / "abroad" / "valid" / clip.kind
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(corpus.path(clip), place)
    data = {**SMALL["data"], "corpus": str(tmp_path / "speech"), "probes": {"abroad": str(tmp_path / "abroad")}}
    planned = plan_sweep(spec(config={**SMALL, "data": data}, space=SPACE, constraints=[]), DistillationWorkload)
    assert planned.epoch_s
    data = {**SMALL["data"], "corpus": str(tmp_path / "abroad")}
    with pytest.raises(DataError, match="the train split has no clean audio"):
        plan_sweep(spec(config={**SMALL, "data": data}, space=SPACE, constraints=[]), DistillationWorkload)


@pytest.mark.parametrize("searched", [True, False])
@pytest.mark.parametrize("begin", [plan_sweep, run_sweep])
def test_a_damaged_start_is_refused_before_anything_runs_searched_or_not(tmp_path, monkeypatch, begin, searched):
    monkeypatch.setattr("sweeps.engine.driving.run.ray_for", None)
    monkeypatch.chdir(tmp_path)
    config = ExperimentConfig.parse(SMALL)
    weights = build_student(config.student).state_dict()
    write_model_folder(tmp_path / "start", config, weights, {}, noisy={}, epochs=1, origin={})
    content = bytearray((tmp_path / "start" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "start" / "model.safetensors").write_bytes(content)
    start = str(tmp_path / "start")
    space = {"training.start_from": {"values": [None, start]}} if searched else SPACE
    base = SMALL if searched else {**SMALL, "training": {"batch_size": 1, "start_from": start}}
    with pytest.raises(CheckpointError, match=r"must have sha256 .*; restore the file"):
        begin(spec(config=base, space=space, constraints=[]), workload=DistillationWorkload)


def test_a_space_without_a_feasible_trial_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"each of 50 sampled ones breaks them; the nearest has model/params 1000"):
        plan_sweep(spec(constraints=["model/params <= 900"]), Sized)


def test_it_is_said_that_infeasible_trials_count():
    some = Plan("x", 24, 6, 2.0, 0.25, {"model/params": (1.0, 2.0, 3.0)})
    assert "count: of a random 24 about 18 would be trained" in some.text()
    assert "would be trained" not in replace(some, infeasible_share=0.0).text()


def test_a_price_makes_hours_a_cost():
    plan = Plan("x", 10, 6, 2.0, 0.0, {}, epoch_s=60.0, price_per_hour=2.5)
    assert "at resources.price_per_hour 2.5: about 2.5, if trials run as here" in plan.text()


def test_it_is_said_how_many_trials_run_at_once_where_and_for_how_long():
    plan = Plan("x", 60, 6, 2.0, 0.0, {}, epoch_s=60.0, at_once={"head": 0, "one": 4, "two": 8})
    assert "12 trials run at once (one 4, two 8): about 0.5 h" in plan.text()
    assert "3 trials run at once" in replace(plan, max_concurrent=3).text()
    assert replace(plan, num_trials=2).slots == 2


def test_it_is_said_what_a_node_that_lacks_it_is_sent_where_it_need_not_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("DFKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.engine.driving.plan.room_for_trials", lambda spec, address: Room({"far": 1}, {}))
    places = [str(write_teacher(tmp_path / name)) for name in ("a.onnx", "b.onnx")]
    corpus = write_corpus(tmp_path / "speech")
    config = experiment(corpus, places[0])

    def plan(address, **data):
        changed = {**config, "data": {**config["data"], **data}}
        searched = spec(config=changed, space={"teacher.checkpoint": {"values": places}}, constraints=[])
        return plan_sweep(searched, DistillationWorkload, address=address)

    clips = [clip.path for clip in open_corpus(str(corpus)).clips if clip.split != "test"]
    size = sum((corpus.parent / clip).stat().st_size for clip in clips)
    said = f"is sent it once: {size / 1e6:.1f} MB (speech, "
    there = plan("10.0.0.1:6379").text()
    assert said in there and "a.onnx" in there and "b.onnx" in there
    assert "is sent it" not in plan(None).text()
    assert not plan("10.0.0.1:6379", corpus="demo").given
    rows = [replace(clip, path=f"../speech/{clip.path}") for clip in open_corpus(str(corpus)).clips]
    (tmp_path / "list").mkdir()
    write_rows(rows, tmp_path / "list" / "manifest.csv")
    outside = plan("10.0.0.1:6379", corpus=str(tmp_path / "list")).text()
    assert "warning: a node that lacks what trials read cannot be given it: " in outside and "lies outside" in outside


def test_it_is_said_what_an_autoscaler_is_asked_for():
    plan = Plan("x", 60, 6, 2.0, 0.0, {}, epoch_s=60.0, max_concurrent=12, trial="2 CPU, 0.5 GPU")
    assert "the cluster's autoscaler is asked for 12 x 2 CPU, 0.5 GPU: about 0.5 h if all come" in plan.text()
    assert "run at once" not in plan.text()


@pytest.mark.parametrize(
    ("cpus", "room"), [(4.0, Room({"far": 4}, {"far": None})), (0.0, Room({"far": 0}, {}, "1 CPU"))]
)
def test_a_cluster_is_asked_through_its_dashboard_too(monkeypatch, cpus, room):
    nodes = [{"Alive": True, "NodeManagerHostname": "far", "Resources": {"CPU": cpus}}]
    monkeypatch.setattr("cluster.jobs.Cluster", lambda address: SimpleNamespace(nodes=lambda: nodes))
    assert room_for_trials(spec(), "http://head:8265") == room


def test_against_a_file_its_nodes_are_counted_and_what_does_not_go_together_is_warned_of(tmp_path):
    file = tmp_path / "sweep.sbatch"
    file.write_text(text("slurm", workers=3, gpus_per_worker=1, time_limit="2:00:00"))
    eight_gpus = spec().model_copy(update={"resources": Resources(cpus_per_trial=1, gpus_per_trial=8)})
    with pytest.raises(ConfigError, match="no node can hold a trial: it asks for 8 GPU, the largest node has 1"):
        plan_sweep(eight_gpus, Sized, against=file)
    few = spec(budget={"trials": 6, "epochs_per_trial": 6})
    said = plan_sweep(few, Sized, against=file).text()
    assert "the file asks for 3 nodes of 4 CPU, 1 GPU, 16 GB, all at once, for 2 h each time\n" in said
    assert "6 trials run at once (3 nodes 12)" in said
    assert "warning: no more than 6 trials run at once, for which 2 nodes are enough" in said
    assert "warning: no trial uses its GPUs, resources.gpus_per_trial being 0" in said


def test_against_a_file_hours_of_nodes_are_told_and_how_often_a_job_is_requeued():
    asked = AskedFor(3, 4.0, 1.0, None, 16.0, "all at once", 2.0)
    plan = Plan("x", 60, 6, 2.0, 0.0, {}, epoch_s=600.0, at_once={"3 nodes": 12}, gpu_share=0.25, launched=asked)
    said = plan.text().splitlines()
    assert "about 15.0 hours of such nodes, 15.0 GPU-hours, with none idle" in said
    assert "it goes back into the queue and on: about 3 runs of 2 h" in said
    assert not [line for line in said if line.startswith("warning")]


@pytest.mark.parametrize(
    ("share", "gib", "warned"),
    [
        (0.25, 3.0, None),
        (0.25, 9.0, "4 trials need 36 GiB of a GPU of 24 on one; use resources.gpus_per_trial 0.5"),
        (1.0, 30.0, "1 trials need 30 GiB of a GPU of 24 on one; use a smaller batch or segment"),
    ],
)
def test_trials_that_share_a_gpu_and_do_not_fit_are_warned_of_with_what_would(share, gib, warned):
    sizes = {"one": 24 * 2.0**30, "unknown": None, "large": 80 * 2.0**30}
    plan = Plan("x", 60, 6, 2.0, 0.0, {}, gpu_share=share, trial_bytes=gib * 2**30, gpu_bytes=sizes)
    assert f"takes about {gib:.1f} GiB of its GPU, {int(1 / share)} trials to a GPU" in plan.text()
    warnings = [line for line in plan.text().splitlines() if "GiB of a GPU" in line]
    assert warnings == ([f"warning: {warned}"] if warned else [])


def test_how_many_run_at_once_is_said_though_nobody_knows_how_long_a_trial_takes():
    assert "5 trials run at once (one 5)\n" in Plan("x", 60, 6, 2.0, 0.0, {}, at_once={"one": 5}).text()


def test_hours_alone_are_told_in_trials():
    plan = Plan("x", None, 6, 2.0, 0.0, {}, epoch_s=60.0, at_once={"one": 4}, hours=8.0)
    assert plan.text().startswith("x: 8 h of trials x 6 epochs\n")
    assert "8 h are enough for about 320 trials at full length; no trial begins that would not end" in plan.text()
    assert "about 320 trials at full length, 640 where" in replace(plan, stopped_share=0.5).text()
    assert replace(plan, infeasible_share=0.2).expected_trials == 400, "those that cost nothing count, too"
    few = replace(plan, hours=0.2)
    assert "raise budget.hours" in few.text() and few.expected_trials == 8
    assert "`dfkd sweep status` tells once some have ended" in replace(plan, epoch_s=None).text()
    assert "enough" not in Plan("x", 24, 6, 2.0, 0.0, {}, epoch_s=60.0).text()


def test_early_stopping_at_nine_epochs_saves_two_thirds():
    """One of three goes on at 1 and at 3 epochs: (1 + 2/3 + 6/9) / 9 of the epochs are run."""
    budget, asha = {"hours": 1, "epochs_per_trial": 9}, {"name": "pareto_asha", "min_epochs": 1, "reduction_factor": 3}
    assert plan_sweep(spec(budget=budget, scheduler=asha), Sized).stopped_share == pytest.approx(1 - (7 / 3) / 9)


def test_nodes_are_counted_by_what_a_trial_asks_of_each(monkeypatch):
    """A node that is dead holds none; parts of nodes do not add up to a trial."""
    nodes = [
        {"Alive": True, "NodeManagerHostname": "one", "Resources": {"CPU": 5.0, "GPU": 1.0}},
        {
            "Alive": True,
            "NodeManagerHostname": "two",
            "Resources": {"CPU": 3.0, "GPU": 4.0, "accelerator_type:A100": 1.0},
        },
        {"Alive": False, "NodeManagerHostname": "gone", "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    asked = []

    @contextmanager
    def connect(address):
        asked.append(address)
        yield SimpleNamespace(nodes=lambda: nodes)

    monkeypatch.setattr("cluster.session.connect", connect)
    wanted = spec().model_copy(update={"resources": Resources(cpus_per_trial=1, gpus_per_trial=0.5)})
    monkeypatch.setattr("cluster.demand.is_autoscaled", lambda: False)
    assert room_for_trials(wanted, "head:6379") == Room({"one": 2, "two": 3}, {"one": None, "two": 40 * 2.0**30})
    assert asked == ["head:6379"]
    larger = spec().model_copy(update={"resources": Resources(cpus_per_trial=16)})
    with pytest.raises(ConfigError, match="no node can hold a trial"):
        room_for_trials(larger, "head:6379")
    monkeypatch.setattr("cluster.demand.is_autoscaled", lambda: True)
    assert room_for_trials(larger, "head:6379") == Room({"one": 0, "two": 0}, {}, "16 CPU")
