"""Distributed sweeps over distillation configs. Names load late: workers import no mlflow or optuna."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.definition.spec import SweepSpec
    from sweeps.engine.driving.confirm import confirm_front
    from sweeps.engine.driving.run import resume_sweep, run_or_resume, run_sweep
    from sweeps.fronts.front import Front, load_front
    from sweeps.record.sweep_state import SweepStopped
    from sweeps.workload import Workload

__version__ = "0.1.0"
_HOMES = {
    "Front": "sweeps.fronts.front",
    "SweepSpec": "sweeps.definition.spec",
    "SweepStopped": "sweeps.record.sweep_state",
    "Workload": "sweeps.workload",
    "confirm_front": "sweeps.engine.driving.confirm",
    "load_front": "sweeps.fronts.front",
    "resume_sweep": "sweeps.engine.driving.run",
    "run_or_resume": "sweeps.engine.driving.run",
    "run_sweep": "sweeps.engine.driving.run",
}
__all__ = [
    "Front",
    "SweepSpec",
    "SweepStopped",
    "Workload",
    "confirm_front",
    "load_front",
    "resume_sweep",
    "run_or_resume",
    "run_sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
