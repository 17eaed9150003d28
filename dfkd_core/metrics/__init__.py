"""The literal table of metrics: a new metric is one file and one line here."""

from __future__ import annotations

from dfkd_core.metrics.base import Goal, Metric
from dfkd_core.metrics.estoi import ESTOI
from dfkd_core.metrics.gain_db import Gain
from dfkd_core.metrics.pesq_wb import WidebandPESQ
from dfkd_core.metrics.si_sdr_db import SISDR
from dfkd_core.metrics.stoi import STOI

__all__ = ["METRICS", "Goal", "Metric"]

METRICS: dict[str, Metric] = {
    "pesq_wb": WidebandPESQ(),
    "stoi": STOI(),
    "estoi": ESTOI(),
    "si_sdr_db": SISDR(),
    "gain_db": Gain(),
}
