"""What trials read is there and fit to be read, so that a plan that passes can run."""

from __future__ import annotations

from collections.abc import Sequence

from dfkd_core.base.progress import Progress
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.corpora import is_here, open_corpus
from dfkd_core.teachers import require_teacher
from dfkd_core.trained.model_folder import load_model
from dfkd_core.training.parent import find_parent
from dfkd_core.training.signals import Signals


def require_inputs(configs: Sequence[ExperimentConfig], progress: Progress) -> None:
    """The errors of corpora, probes, teachers and starts, each looked at once.

    What is fetched by name and not here yet is left for the run to fetch, and its clips for the run to compare.
    """
    for config in {(c.data.corpus, *sorted(c.data.probes.items())): c for c in configs}.values():
        data, probes = config.data, {n: corpus for n, corpus in config.data.probes.items() if is_here(corpus)}
        for corpus in probes.values():
            open_corpus(corpus, splits=("valid",), progress=progress)
        if is_here(data.corpus):
            open_corpus(data.corpus, progress=progress)
            here = config.model_copy(update={"data": data.model_copy(update={"probes": probes})})
            Signals(here, needs_teacher=False, progress=progress).require_unheard_probes()
    for config in {c.teacher.model_dump_json(): c for c in configs}.values():
        require_teacher(config.teacher)
    for config in {(c.training.start_from, c.teacher.model_dump_json()): c for c in configs}.values():
        require_start(config)


def require_start(config: ExperimentConfig) -> None:
    """CheckpointError where the weights of the model that training begins with are damaged; errors of `find_parent`."""
    parent = find_parent(config)
    if parent is not None:
        load_model(parent.folder)
