"""The literal tables of metrics: a new metric is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterable

from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError
from dfkd_core.metrics.base import Goal, Metric, OptionalMetric
from dfkd_core.metrics.dnsmos import DNSMOS
from dfkd_core.metrics.estoi import ESTOI
from dfkd_core.metrics.gain_db import Gain
from dfkd_core.metrics.pesq_wb import WidebandPESQ
from dfkd_core.metrics.si_sdr_db import SISDR
from dfkd_core.metrics.stoi import STOI

__all__ = ["KNOWN", "METRICS", "OPTIONAL", "Goal", "Metric", "chosen_metrics"]

METRICS: dict[str, Metric] = {
    "pesq_wb": WidebandPESQ(),
    "stoi": STOI(),
    "estoi": ESTOI(),
    "si_sdr_db": SISDR(),
    "gain_db": Gain(),
}

# measured only where they are named, since they are slow or need an extra
OPTIONAL: dict[str, OptionalMetric] = {
    "dnsmos": DNSMOS(),
}

KNOWN: dict[str, Metric] = {**METRICS, **OPTIONAL}


def chosen_metrics(optional: Iterable[str] = ()) -> dict[str, Metric]:
    """The metrics that are always measured, and those that are named.

    ConfigError: a name is not known, or what it needs is not installed.
    """
    chosen = dict(METRICS)
    for name in optional:
        if name not in OPTIONAL:
            raise ConfigError(f"must be an optional metric, but got {name!r}; {nearest(name, sorted(OPTIONAL))}")
        OPTIONAL[name].require_installed()
        chosen[name] = OPTIONAL[name]
    return chosen
