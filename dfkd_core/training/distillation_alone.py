"""Recordings without clean speech can be learned from by distillation alone: what else a config asks is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dfkd_core.distillation import METHODS
from dfkd_core.errors import ConfigError

if TYPE_CHECKING:
    from dfkd_core.config import ExperimentConfig


def require_distillation_alone(config: ExperimentConfig, where: str) -> None:
    """ConfigError naming what needs the clean speech that `where` does not have, and the remedy."""
    for key, value, remedy in _needs_of_clean(config):
        rule = f"needs clean speech, which {where} does not have (noisy only), but got {value}"
        raise ConfigError(f"{rule}; {remedy}", key=key)


def _needs_of_clean(config: ExperimentConfig) -> list[tuple[str, object, str]]:
    """(key, value, remedy) of each setting that reads clean speech."""
    distillation = config.distillation
    weights = {f"loss.{name}": weight for name, weight in config.loss.model_dump().items() if weight > 0}
    zeros = f"distil alone: set {', '.join(weights)} to 0"
    found: list[tuple[str, object, str]] = [(key, f"weight {weight:g}", zeros) for key, weight in weights.items()]
    if distillation.target == "clean":
        found.append(("distillation.target", "clean", "set it to teacher"))
    if (setting := METHODS[distillation.method].reads_clean(distillation)) is not None:
        key, value, remedy = setting
        found.append((f"distillation.{key}", value, remedy))
    return found
