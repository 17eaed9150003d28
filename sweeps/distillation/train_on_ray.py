"""A training at full length by several workers, which Ray Train starts, connects and ends."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfkd_core.base.outputs import output_folder
from dfkd_core.base.progress import Progress
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError, DFKDError
from dfkd_core.training.data_parallel import Workers, require_shares
from dfkd_core.training.seeds import Train
from dfkd_core.training.train_run import OnEpoch, Report, TrainedModel, assist, train_model

MOST_LOSSES = 3  # of a worker, without an epoch in between: the training goes on from its last one
POLL_S = 0.1
SHOWN_S = 0.25  # between two messages on how far an epoch is
PATIENCE_S = 30.0  # for the lock of a worker whose driver was killed, and which is dying
OWN_FILES = ".workers"  # Ray Train's, in the model folder while it trains

Say = Callable[..., None]


def bundle_of(config: ExperimentConfig, has_gpus: bool) -> dict[str, float]:
    """What one worker asks Ray for."""
    from cluster.resources import bundle

    device = config.training.device
    return bundle(config.training.threads, 1 if device.startswith("cuda") or (device == "auto" and has_gpus) else 0)


@contextmanager
def workers_on_ray(
    count: int, config: ExperimentConfig, report: Report, progress: Progress, again: str
) -> Iterator[Train]:
    """A function that trains as `train_model` does, by `count` workers on the Ray of RAY_ADDRESS or on one of our own.

    `again` is the command that goes on. ConfigError: batches cannot be dealt to so many, or Ray has no room for them.
    """
    from cluster.resources import num_slots, this_machine
    from cluster.session import connect

    require_shares(config, count)

    def room_on(nodes: list[dict[str, Any]]) -> dict[str, float]:
        wanted = bundle_of(config, any(node["Resources"].get("GPU", 0) for node in nodes if node["Alive"]))
        if (room := num_slots(wanted, nodes)) < count:
            each = " and ".join(f"{amount:g} {name}" for name, amount in wanted.items())
            rule = f"must be at most {room}, since each worker takes {each} and there are no more, but got {count}"
            raise ConfigError(f"{rule}; take fewer, or set training.threads or training.device", key="--workers")
        return wanted

    if os.environ.get("RAY_ADDRESS") in (None, "", "local"):
        room_on([this_machine()])  # told before a Ray is started
    num_cpus = count * config.training.threads
    with connect(num_cpus=num_cpus, remedy=f"go on with `{again}`") as session:
        wanted = room_on(session.nodes())

        yield TrainOnRay(count, wanted, report, progress)


@dataclass(frozen=True)
class TrainOnRay:
    """Trains as `train_model` does, by `count` workers, each of which takes the resources `wanted`."""

    count: int
    wanted: Mapping[str, float]
    report: Report
    progress: Progress

    def __call__(self, config: ExperimentConfig, out: Path, on_epoch: OnEpoch) -> TrainedModel:
        """Until the training has ended, also where workers are lost on the way. Errors as `train_model`."""
        from cluster.storage import require_seen

        out = output_folder(out).resolve()
        require_seen(out)
        losses = heard = 0

        def hear_epoch(epoch: int, metrics: Any, origin: Any) -> None:
            nonlocal losses, heard
            if epoch > heard:  # after a loss workers tell of earlier epochs again
                losses, heard = 0, epoch
            on_epoch(epoch, metrics, origin)

        hear: dict[str, Say] = {"report": self.report, "progress": self.progress, "epoch": hear_epoch}
        try:
            while True:
                outcome, failure = self._fit(config, out, hear)
                if isinstance(outcome, TrainedModel):
                    return outcome
                if isinstance(outcome, DFKDError):
                    raise outcome
                losses += 1
                reason = " ".join(str(failure or "it ended without a word").split())[:200]
                if losses > MOST_LOSSES:
                    rule = f"a worker was lost {losses} times in one epoch ({reason})"
                    raise DFKDError(f"{out}: {rule}; look at its machine")
                self.report(f"{out}: a worker was lost ({reason}); the others stop, and all go on from the last epoch")
        finally:
            shutil.rmtree(out / OWN_FILES, ignore_errors=True)

    def _fit(
        self, config: ExperimentConfig, out: Path, hear: Mapping[str, Say]
    ) -> tuple[TrainedModel | DFKDError | None, BaseException | None]:
        """Once through Ray Train: what came of it, None where a worker was lost, and how Ray calls that."""
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer
        from ray.util.queue import Queue

        logging.getLogger("ray.train").setLevel(logging.CRITICAL)
        words = Queue(actor_options={"num_cpus": 0})
        task = {"config": config.model_dump(mode="json"), "out": str(out), "words": words}
        uses_gpu = "GPU" in self.wanted
        trainer = TorchTrainer(
            _work,
            train_loop_config=task,
            torch_config=TorchConfig(backend="cpu:gloo,cuda:nccl" if uses_gpu else "gloo"),
            scaling_config=ScalingConfig(
                num_workers=self.count, use_gpu=uses_gpu, resources_per_worker=dict(self.wanted)
            ),
            run_config=RunConfig(name=out.name, storage_path=str(out / OWN_FILES)),
        )
        failure: list[BaseException] = []

        def fit() -> None:
            try:
                trainer.fit()
            except BaseException as error:  # told by the thread that waits; an interrupt ends Ray below this one
                failure.append(error)

        # apart from the main thread, where Ray Train would take Ctrl-C for itself
        fitting = threading.Thread(target=fit, name="ray-train", daemon=True)
        fitting.start()
        outcome: TrainedModel | DFKDError | None = None
        try:
            while True:
                is_over = not fitting.is_alive()
                for kind, *words_of in words.get_nowait_batch(words.size()):
                    if kind == "outcome":
                        outcome = outcome or words_of[0]
                    else:
                        hear[kind](*words_of)
                if is_over:
                    return outcome, failure[0] if failure else None
                time.sleep(POLL_S)
        finally:
            words.shutdown()


def _work(task: Mapping[str, Any]) -> None:
    """One worker's part, in its process; what the driver should hear goes through the queue."""
    import torch.distributed as dist

    words, shown = task["words"], [0.0]
    workers = Workers(dist.distributed_c10d._get_default_group())

    def progress(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - shown[0] > SHOWN_S:
            shown[0] = now
            words.put(("progress", what, done, total))

    try:
        config = ExperimentConfig.parse(task["config"])
        if workers.rank:
            assist(config, workers)
            return
        trained = train_model(
            config,
            Path(task["out"]),
            report=lambda line: words.put(("report", line)),
            progress=progress,
            on_epoch=lambda *epoch: words.put(("epoch", *epoch)),
            workers=workers,
            patience_s=PATIENCE_S,
        )
        words.put(("outcome", trained))
    except DFKDError as error:
        words.put(("outcome", error))
        raise
