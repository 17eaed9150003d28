"""Does a config keep what its sweep promised? It is trained again at the sweep's budget and compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.trained.checkpoint import has_state, load_state
from dfkd_core.training.train_run import LAST, Report, train_model

COMPARED = (
    "val/",
    "val_teacher/",
    "probe/",
)  # measured on mixtures; sizes follow from the config, speed from the machine
HASHES = ("data_hash", "teacher_hash", "start_hash")


@dataclass(frozen=True)
class Verified:
    """Expected and reached values by metric, and what was not the same when both were trained."""

    pairs: dict[str, tuple[float, float]]
    differing: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether every value came back to the last bit."""
        return all(expected == reached for expected, reached in self.pairs.values())

    def holds(self, tolerance: float) -> bool:
        """Whether every value came back to within `tolerance`."""
        return all(abs(expected - reached) <= tolerance for expected, reached in self.pairs.values())

    def text(self) -> str:
        """A table, and what it means."""
        wide = max([22, *(len(name) + 2 for name in self.pairs)])  # a probe's name may be long
        rows = [f"{'metric':<{wide}}{'sweep':>14}{'again':>14}{'difference':>14}"]
        rows += [f"{name:<{wide}}{a:>14.6g}{b:>14.6g}{b - a:>+14.3g}" for name, (a, b) in self.pairs.items()]
        rows += [
            f"the {name.removesuffix('_hash')} is not the sweep's: its values do not compare" for name in self.differing
        ]
        if self.is_exact:
            rows.append("every value is the sweep's, to the last bit")
        elif not self.differing:
            rows.append(
                "not the same to the last bit: another CPU, number of threads or version of torch rounds otherwise"
            )
        return "\n".join(rows)


def verify(config: ExperimentConfig, out: Path, report: Report) -> Verified:
    """Train an exported config into `out` as its trial was trained; ConfigError when it was not exported."""
    provenance: Mapping[str, Any] = config.provenance
    expected, epochs = provenance.get("expected"), provenance.get("epochs_per_trial")
    again = "write the config with `dfkd export`"
    if not isinstance(expected, Mapping) or epochs is None:
        raise ConfigError(f"must hold what the sweep measured; {again}", key="provenance")
    if type(epochs) is not int or epochs < 1:
        rule = f"must be a whole number of at least 1, but got {epochs!r}; {again}"
        raise ConfigError(rule, key="provenance.epochs_per_trial")
    scores = {name: value for name, value in expected.items() if str(name).startswith(COMPARED)}
    if not scores:
        raise ConfigError(f"must hold scores ({', '.join(COMPARED)}), but holds none", key="provenance.expected")
    for name, value in scores.items():
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ConfigError(f"must be a number, but got {value!r}; {again}", key=f"provenance.expected.{name}")
    training = config.training.model_copy(update={"epochs": epochs, "patience": None})
    if has_state(out / LAST) and (saved := load_state(out / LAST)["config"]["training"]["epochs"]) != epochs:
        rule = f"holds a training of {saved} epochs, but a trial of the sweep had {epochs}"
        raise ConfigError(f"{rule}; name another folder", key="--out", file=out)
    train_model(config.model_copy(update={"training": training}), out, report=report)
    state = load_state(out / LAST)  # of the last epoch, whichever became the model
    last, origin = state["history"][-1], state["origin"]
    pairs = {name: (value, float(reached)) for name, value in scores.items() if (reached := last.get(name)) is not None}
    # a trial without distillation has no teacher of its own, though its sweep has
    differing = [name for name in HASHES if origin.get(name) and provenance.get(name) not in (None, origin[name])]
    return Verified(pairs, tuple(differing))
