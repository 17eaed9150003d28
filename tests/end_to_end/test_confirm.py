"""A front confirmed over real workers: killed in the middle, gone on with, nothing twice, one story told."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest
from closed_form import QUALITY, Hashed, Seeded, epochs_run, sweep
from drivers import Driver, begin, dfkd, wait_for_epochs
from mlflow.tracking import MlflowClient
from one_story import disagreements

from sweeps import SweepSpec, confirm_front, load_front, resume_sweep, run_sweep
from sweeps.cli import run as command
from sweeps.record.sweep_folder import SweepFolder
from sweeps.terminal.status import sweep_status
from sweeps.trust.repeats import Repeats

TRIALS, EPOCHS, SEEDS = 5, 4, 2
POINTS = [{"x": 0.4, "size": size} for size in (0.1, 0.3, 0.6)] + [{"x": 0.54, "size": 0.31}, {"x": 0.9, "size": 0.9}]
CONFIG = {"seed": 0, "noise": 0.002, "epoch_s": 0.3}


def small(log, trials=TRIALS, **changes):
    return sweep(trials, EPOCHS, log, evaluate_first=POINTS[:trials], **{"config": CONFIG, **changes})


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """The folder of a finished sweep, and its workload's log."""
    folder, log = tmp_path_factory.mktemp("runs") / "day", tmp_path_factory.mktemp("log")
    with begin(small(log), folder, "Seeded") as driver:
        status, said = driver.end()
    assert status == 0, said
    return folder, log


def repeats_of(folder):
    return Repeats.find(Path(folder), SweepFolder(folder).spec())


def epochs_by_repeat(log):
    """How often each epoch of each repeat was begun: {(x, seed): {epoch: times}}."""
    found = {}
    for line in epochs_run(log):
        if line["seed"] != CONFIG["seed"]:
            found.setdefault((line["x"], line["seed"]), Counter())[line["epoch"]] += 1
    return found


def confirm_runs(folder):
    status = sweep_status(folder)["mlflow"]
    query = f"tags.`mlflow.parentRunId` = '{status['parent_run_id']}' and tags.`dfkd.kind` = 'confirm'"
    return MlflowClient(status["tracking_uri"]).search_runs([status["experiment_id"]], query, max_results=1000)


def confirm(folder, *more):
    return dfkd("front", "confirm", folder, "--seeds", SEEDS, *more)


def test_a_running_sweep_is_refused_and_one_that_was_cut_off_is_to_be_finished_first(tmp_path, capsys):
    log, folder = tmp_path / "log", tmp_path / "busy"
    log.mkdir()
    with begin(small(log, config={**CONFIG, "epoch_s": 120}), folder, "Seeded") as driver:
        wait_for_epochs(log, 1, driver)
        said = refused(capsys, folder, "--seeds", SEEDS)
        driver.kill()
    assert f"is driven by process {driver.process.pid}" in said
    said = refused(capsys, folder, "--seeds", SEEDS)
    assert "must hold a finished sweep" in said and "dfkd sweep resume" in said


def test_a_killed_driver_leaves_the_sweep_finished_and_the_front_unconfirmed(day):
    folder, log = day
    with confirm(folder) as driver:
        wait_for_epochs(log, 2 * EPOCHS + 1, driver)
        driver.kill()
        said = driver.process.stdout.read()
    told = f"8 trainings of {EPOCHS} epochs for 4 points, less than a minute; with repeats of points"
    assert told in said and "at most 24 trainings, 96 epochs" in said
    assert sweep_status(folder)["state"] == "finished"
    assert repeats_of(folder).num_waiting > 0
    assert not load_front(folder).confirmed


def test_an_interrupt_finishes_the_epochs_in_flight_and_says_how_to_go_on(day):
    folder, log = day
    with confirm(folder) as driver:
        wait_for_epochs(log, 2, driver)
        driver.signal(signal.SIGINT)
        status, said = driver.end()
    assert status == 130 and "confirmation interrupted" in said
    assert f"dfkd front confirm --seeds {SEEDS} {folder}" in said and "Traceback" not in said


def test_going_on_trains_what_is_left_and_nothing_twice(day):
    folder, log = day
    before = len(epochs_run(log))
    with confirm(folder) as driver:
        status, said = driver.end()
    assert status == 0, said
    repeats = repeats_of(folder)
    assert len(epochs_run(log)) > before and repeats.num_waiting == 0
    assert 8 <= len(repeats.pairs) <= 24, "more than was told"
    done, points = epochs_by_repeat(log), dict(enumerate(POINTS))
    assert set(done) == {(points[trial]["x"], seed) for trial, seed in repeats.pairs}
    twice = sum(
        times - 1 for epochs in epochs_of_single_points(repeats, done) for times in epochs.values() if times > 1
    )
    assert twice <= 2, "a kill may cost the epochs that were in flight, one for each of two workers"


def epochs_of_single_points(repeats, done):
    """Epochs of those repeats whose x no other trial has."""
    shared = Counter((POINTS[trial]["x"], seed) for trial, seed in repeats.pairs)
    return [epochs for key, epochs in done.items() if shared[key] == 1]


def test_a_repeat_that_has_ended_keeps_its_result_and_no_checkpoint(day):
    folders = sorted((day[0] / "confirm/trials").iterdir())
    assert len(folders) == len(repeats_of(day[0]).pairs)
    assert all((folder / "result.json").exists() and not (folder / "checkpoint").exists() for folder in folders)


def test_the_front_is_confirmed_and_says_what_it_knows(day):
    front = load_front(day[0])
    assert front.confirmed and all(len(point.seeds) >= SEEDS for point in front.points)
    assert {p.trial for p in front.points} == {0, 1, 2}
    assert [p.trial for p in front.confirmation.neighbours] == [3]
    assert all(low <= p.mean[QUALITY] <= high for p in front.repeated for low, high in [p.interval[QUALITY]])
    assert front.point(0).probability_on_front == 1
    page = (day[0] / "front" / "front.html").read_text()
    assert '"confirmed":true' in page and "trained again with 2 fresh seeds each" in page


def test_each_repeat_has_one_run_under_the_sweeps_own(day):
    folder, _ = day
    runs, repeats = confirm_runs(folder), repeats_of(folder)
    found = Counter((int(r.data.tags["dfkd.trial_number"]), int(r.data.tags["dfkd.seed"])) for r in runs)
    assert found == Counter(repeats.pairs)
    for run in runs:
        trial, seed = int(run.data.tags["dfkd.trial_number"]), run.data.tags["dfkd.seed"]
        assert run.info.run_name == f"closed/t{trial:04d}/confirm-{seed}"
        assert (run.info.status, run.data.tags["dfkd.trial_state"]) == ("FINISHED", "COMPLETE")
        assert run.data.params == {**{key: str(value) for key, value in POINTS[trial].items()}, "seed": seed}
        client = MlflowClient(sweep_status(folder)["mlflow"]["tracking_uri"])
        history = client.get_metric_history(run.info.run_id, QUALITY)
        assert sorted(point.step for point in history) == list(range(1, EPOCHS + 1))


def test_the_search_itself_tells_the_same_story_as_before(day):
    status = sweep_status(day[0])
    assert disagreements(day[0], TRIALS) == []
    assert (status["state"], status["mlflow"]["undelivered"]) == ("finished", 0)
    client = MlflowClient(status["mlflow"]["tracking_uri"])
    parent = client.get_run(status["mlflow"]["parent_run_id"])
    assert (parent.info.status, parent.data.tags["dfkd.sweep_state"]) == ("FINISHED", "finished")


def test_confirming_again_finds_nothing_to_do(day):
    folder, log = day
    before = len(epochs_run(log)), len(confirm_runs(folder))
    front = confirm_front(folder, SEEDS, workload=Seeded)
    assert front.confirmed and (len(epochs_run(log)), len(confirm_runs(folder))) == before


def test_an_extended_sweep_is_unconfirmed_until_its_new_points_are_trained_again(day, own_ray):
    folder, _ = day
    resume_sweep(folder, Seeded, overrides={"budget.trials": 6})
    front = load_front(folder)
    assert front.confirmed == all(point.seeds for point in front.points)
    confirm_front(folder, SEEDS, workload=Seeded)
    assert load_front(folder).confirmed and disagreements(folder, 6) == []


@pytest.fixture(scope="module")
def cases(own_ray, tmp_path_factory):
    """Sweeps of one epoch that cannot be confirmed, by name, and one whose data is about to change."""
    root = tmp_path_factory.mktemp("cases")
    data = root / "data.txt"
    data.write_text("d1")

    def ended(name, workload, points, **changes):
        spec = sweep(len(points), 1, evaluate_first=points, failures={"max_retries": 0}, **changes)
        run_sweep(SweepSpec.model_validate(spec), out=root / name, workload=workload)

    ended("failed", Seeded, POINTS[:1], config={"seed": 0, "faults": {"raise": [0, 1]}})
    ended("seedless", Hashed, POINTS[:1], config={"data": str(data)})
    ended("changed", Hashed, POINTS[:1], config={"seed": 0, "data": str(data)})
    return root


def refused(capsys, *arguments):
    assert command(["front", "confirm", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_without_a_complete_trial_there_is_nothing_to_confirm(cases, capsys):
    said = refused(capsys, cases / "failed")
    assert "must have a complete trial, but has none (1 FAILED)" in said


def test_without_a_seed_in_the_config_repeats_would_not_differ(cases, capsys):
    said = refused(capsys, cases / "seedless")
    assert "config.seed: must be a whole number" in said and "`seed: 0`" in said


def test_other_data_than_the_sweeps_is_refused_and_nothing_is_written(cases, capsys):
    (cases / "data.txt").write_text("d2")
    said = refused(capsys, cases / "changed", "--seeds", 2)
    (cases / "data.txt").write_text("d1")
    assert "the data has changed since this sweep began (data_hash d1, now d2)" in said
    assert not (cases / "changed" / "confirm").exists()


@pytest.mark.parametrize("seeds", [0, -1])
def test_a_number_of_seeds_below_one_is_refused(cases, capsys, seeds):
    assert f"--seeds: must be at least 1, but got {seeds}" in refused(capsys, cases / "changed", "--seeds", seeds)


def test_a_folder_without_a_sweep_is_refused(tmp_path, capsys):
    assert "holds no sweep" in refused(capsys, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_a_workload_that_cannot_be_imported_names_the_way_from_python(day):
    with Driver("-m", "sweeps", "front", "confirm", str(day[0]), importable=False) as driver:
        status, said = driver.end()
    assert status == 2 and "from sweeps import confirm_front; confirm_front(" in said
    assert json.loads((day[0] / "front" / "front.json").read_text())["confirmed"] is True
