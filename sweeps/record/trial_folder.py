"""The files of one trial: its config, its checkpoints (written whole or not at all), its result and its log."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dfkd_core.base.atomic_files import sync_directory, sync_files, write_atomic
from dfkd_core.base.documents import dump_yaml, read_content, read_json
from dfkd_core.scoring.clip_table import ClipTable
from sweeps.record.trials import TrialRecord
from sweeps.workload import Domain

log = logging.getLogger(__name__)
KEPT = 2  # generations: a damaged newest one costs one epoch, not the trial
STATE, RESULT, WORKER = "epoch.json", "result.json", ".worker"


class TrialFolder:
    """`trials/0007` of a sweep folder."""

    def __init__(self, sweep: Path, number: int) -> None:
        self.path = sweep / "trials" / f"{number:04d}"
        self.checkpoints = self.path / "checkpoint"

    def create(self, config: Mapping[str, Any]) -> None:
        """Make the folder and write the trial's resolved config."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path / "config.yaml", dump_yaml(dict(config)).encode())

    def discard(self) -> None:
        """Remove what lies in place of a trial that has just been drawn.

        A ledger that was restored from a backup knows nothing of it, and the new trial would go on from its weights.
        """
        if self.path.is_dir():
            log.warning("%s: belongs to a trial that the ledger does not know; it is trained anew", self.path)
            shutil.rmtree(self.path)

    def claim(self, worker: str) -> None:
        """Take the trial's files over from the worker before, which may be cut off rather than dead."""
        write_atomic(self.path / WORKER, worker.encode())
        for half in self.checkpoints.glob(".tmp-*"):
            shutil.rmtree(half, ignore_errors=True)

    def is_claimed_by(self, worker: str) -> bool:
        """True until another worker has taken the trial up."""
        return read_content(self.path / WORKER) == worker.encode()

    def save(self, epoch: int, metrics: Mapping[str, float], save: Callable[[Path], None]) -> Path:
        """Save epoch `epoch` under a temporary name, then rename it into place and drop the oldest."""
        final, temporary = self.checkpoints / f"{epoch:05d}", self.checkpoints / f".tmp-{os.getpid()}"
        temporary.mkdir(parents=True)
        try:
            save(temporary)
            (temporary / STATE).write_text(json.dumps({"epoch": epoch, "metrics": dict(metrics)}))
            sync_files(temporary)
            shutil.rmtree(final, ignore_errors=True)
            temporary.rename(final)
            sync_directory(self.checkpoints)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        for old in self.generations()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return final

    def generations(self) -> list[Path]:
        """Whole checkpoints, newest first."""
        return sorted((p for p in self.checkpoints.glob("[0-9]*") if (p / STATE).exists()), reverse=True)

    def drop_checkpoints(self) -> None:
        """Remove the training state of a trial whose result is written: nobody goes on from it."""
        if self.has_result:
            shutil.rmtree(self.checkpoints, ignore_errors=True)

    @property
    def has_result(self) -> bool:
        """True once `finish` has come to its end."""
        return (self.path / RESULT).exists()

    def finish(self, record: TrialRecord, domain: Domain[Any], config: Callable[[], Any]) -> None:
        """Write what became of the trial, and turn its last checkpoint into files for people.

        `config` gives the trial's parsed config; it is asked for where there is a checkpoint.
        What cannot be turned is logged; without a result, the next resume tries again.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        result = result_of(record)
        for checkpoint in self.generations()[:1]:
            try:
                domain.publish(checkpoint, self.path, config(), result)
            except Exception as error:  # the workload's own code: it must not end the sweep
                log.warning("%s: %s cannot be published: %s", self.path, checkpoint.name, error)
                return
            if (clips := ClipTable.read(checkpoint)) is not None:
                clips.write(self.path)
        write_atomic(self.path / RESULT, json.dumps(result, indent=1).encode())


def result_of(record: TrialRecord) -> dict[str, Any]:
    """What result.json holds."""
    return {
        "trial": record.number,
        "state": record.state,
        "reason": record.reason,
        "params": dict(record.params),
        "metrics": dict(record.metrics),
        "epochs": record.epochs,
        "fidelity": record.fidelity,
    }


def read_state(checkpoint: Path) -> tuple[int, dict[str, float]]:
    """The epoch a checkpoint was taken after, and that epoch's metrics."""
    state = read_json(checkpoint / STATE, finite=False)
    return int(state["epoch"]), dict(state["metrics"])
