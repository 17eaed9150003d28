"""The same kills for what Ray ships: Tuner.restore, OptunaSearch and MLflowLoggerCallback.

`python -m benchmarks.reliability_baseline --kills 8` prints what is left of a sweep of the same closed form.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.chaos import Figures, plan_kills, torment  # puts tests/ onto the path

# isort: split
from closed_form import PARAMS, QUALITY, Curve, epochs_run
from drivers import ROOT, Driver

TARGETS = ("driver", "worker", "raylet", "gcs_server")
MAX_STARTS = 40
NAME = "baseline"


def drive(folder: Path, trials: int, epochs: int, epoch_s: float, kills: int) -> None:
    """Begin, or restore, as Ray's documentation says."""
    os.environ["PYTHONPATH"] = f"{ROOT}:{ROOT / 'tests'}"
    import ray
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune import CheckpointConfig, FailureConfig, RunConfig, TuneConfig, Tuner
    from ray.tune.search.optuna import OptunaSearch

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    place = folder / "tune"
    if Tuner.can_restore(str(place / NAME)):
        Tuner.restore(str(place / NAME), trainable=trainable(), resume_unfinished=True, restart_errored=True).fit()
        return
    storage = JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))
    search = OptunaSearch(metric=[QUALITY, PARAMS], mode=["max", "min"], seed=3, storage=storage, study_name=NAME)
    space = {"x": tune.uniform(0, 1), "size": tune.loguniform(0.05, 1), "log": str(folder / "log"), "epoch_s": epoch_s}
    Tuner(
        trainable(),
        param_space=space,
        tune_config=TuneConfig(search_alg=search, num_samples=trials, max_concurrent_trials=2, reuse_actors=True),
        run_config=RunConfig(
            name=NAME,
            storage_path=str(place),
            stop={"training_iteration": epochs},
            checkpoint_config=CheckpointConfig(checkpoint_frequency=1, num_to_keep=2),
            failure_config=FailureConfig(max_failures=kills + 1),
            callbacks=[MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name=NAME)],
        ),
    ).fit()


def trainable() -> type:
    """The closed form as a Tune trainable."""
    from ray import tune

    class CurveTrainable(tune.Trainable):
        def setup(self, config):
            self.curve = Curve(config)

        def reset_config(self, new_config):
            self.curve = Curve(new_config)
            return True

        def step(self):
            return {**self.curve.step(), **Curve.static_metrics(self.curve.config)}

        def save_checkpoint(self, checkpoint_dir):
            self.curve.save(checkpoint_dir)

        def load_checkpoint(self, checkpoint_dir):
            self.curve.load(checkpoint_dir)

    return CurveTrainable


def baseline(folder: Path, trials: int, epochs: int, plan: list[str], epoch_s: float, seed: int) -> tuple[Figures, int]:
    """Kill and restore until a driver ends by itself with 0; returns the figures and how many starts failed."""
    log, figures, started = folder / "log", Figures(trials, epochs), time.monotonic()
    log.mkdir()
    arguments = ["--drive", folder, "--trials", trials, "--epochs", epochs, "--epoch-s", epoch_s, "--kills", len(plan)]

    def start() -> Driver:
        return Driver("-m", "benchmarks.reliability_baseline", *map(str, arguments))

    failed, draw = 0, random.Random(seed)
    while torment(start, log, plan, draw, figures) and failed < MAX_STARTS:
        failed += 1
    figures.num_epochs, figures.took_s = len(epochs_run(log)), time.monotonic() - started
    return figures, failed


def report(folder: Path, figures: Figures, failed: int) -> None:
    """Print what Tune, Optuna and MLflow say of the same sweep."""
    import optuna
    from mlflow.tracking import MlflowClient
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    by_trial = Counter(line["x"] for line in epochs_run(folder / "log"))
    whole = Counter(line["x"] for line in epochs_run(folder / "log") if line["epoch"] == figures.epochs)
    print(figures.text())
    print(f"{failed} restores ended with an error of their own")
    print(f"{len(by_trial)} configurations trained ({figures.trials} asked for), {len(whole)} of them to the end")
    print(f"{sum(n > 1 for n in whole.values())} of the finished ones were finished more than once")
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name(NAME)
    runs = client.search_runs([experiment.experiment_id], max_results=5000) if experiment else []
    names = Counter(run.data.tags.get("trial_name") for run in runs)
    print(f"MLflow: {len(runs)} runs, {dict(Counter(run.info.status for run in runs))}, "
          f"{sum(n - 1 for n in names.values())} of them doubles")  # fmt: skip
    storage = JournalStorage(JournalFileBackend(str(folder / "optuna.journal")))
    study = optuna.load_study(study_name=NAME, storage=storage)
    print(f"Optuna: {dict(Counter(trial.state.name for trial in study.trials))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drive", type=Path)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--trials", type=int)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--epoch-s", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=random.randrange(1000))
    arguments = parser.parse_args()
    trials = arguments.trials or max(8, 3 * arguments.kills)
    if arguments.drive:
        drive(arguments.drive, trials, arguments.epochs, arguments.epoch_s, arguments.kills)
        sys.exit()
    print(f"seed {arguments.seed}, {trials} trials of {arguments.epochs} epochs", flush=True)
    plan = [target for target in plan_kills(random.Random(arguments.seed), 10 * arguments.kills) if target in TARGETS]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        folder = Path(place)
        figures, failed = baseline(folder, trials, arguments.epochs, plan[: arguments.kills], 0.5, arguments.seed)
        report(folder, figures, failed)


if __name__ == "__main__":
    main()
