"""Whether a front's order holds when its points are trained as long as their configs say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from dfkd_core.base.documents import read_yaml
from dfkd_core.errors import CheckpointError
from dfkd_core.scoring.confidence import LEVEL
from dfkd_core.trained.model_record import CONFIG, METRICS, read_record
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front
from sweeps.fronts.full_budget import FullBudget, RankAgreement
from sweeps.trust.repeats import CONFIRM

FULL = Path(CONFIRM) / "full"
FEWEST = 6  # points from which an interval of tau says anything


def full_folder(sweep: Path, trial: int) -> Path:
    """The model folder of a trial's full training."""
    return sweep / FULL / f"{trial:04d}"


def with_full_budget(front: Front, folder: Path, spec: SweepSpec) -> Front:
    """The front with what the finished full trainings below `folder` have reached; as it is without any.

    Of a point that was trained again with fresh seeds, their mean is the sweep's value.
    """
    reached: dict[int, dict[str, float]] = {}
    epochs = 0
    for point in front.points:
        place = full_folder(folder, point.trial)
        if (place / METRICS).is_file():
            try:
                metrics = read_record(place).metrics
            except CheckpointError:  # damaged: as if it were not there
                continue
            found = {o.metric: metrics.get(o.metric) for o in front.objectives}
            reached[point.trial] = {name: value for name, value in found.items() if value is not None}
            epochs = max(epochs, int(read_yaml(place / CONFIG)["training"]["epochs"]))
    if not reached:
        return front
    expected = {point.trial: point.at_mean().values for point in front.points}
    agreement = {}
    for metric in (o.metric for o in front.objectives):
        both = [(expected[trial][metric], values[metric]) for trial, values in reached.items() if metric in values]
        if len(both) > 1 and (one := rank_agreement(*map(list, zip(*both, strict=True)))) is not None:
            agreement[metric] = one
    shown = FullBudget(sweep_epochs=spec.budget.epochs_per_trial, epochs=epochs, reached=reached, agreement=agreement)
    return front.model_copy(update={"full_budget": shown})


def rank_agreement(expected: Sequence[float], reached: Sequence[float]) -> RankAgreement | None:
    """Kendall's tau-b of two values of each point; None where they do not differ from point to point.

    The interval is that of atanh(tau), whose variance is 0.437 / (n - 4) (Fieller, Hartley, Pearson, "Tests for rank
    correlation coefficients", 1957). That is too narrow near 1: a tau beyond 1 - 2 / n counts as that, and its interval
    ends at 1.
    """
    from scipy import stats  # late: it takes a second, and few fronts ask for it

    num = len(expected)
    found = stats.kendalltau(expected, reached)
    tau, p_value = float(found.statistic), float(found.pvalue)
    if not math.isfinite(tau):
        return None
    interval = None
    if num >= FEWEST:
        most = 1 - 2 / num
        reach = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(0.437 / (num - 4))
        middle = math.atanh(max(-most, min(most, tau)))
        low, high = math.tanh(middle - reach), math.tanh(middle + reach)
        interval = (-1.0 if tau < -most else low, 1.0 if tau > most else high)
    return RankAgreement(points=num, tau=round(tau, 4), interval=interval, p_value=min(1.0, p_value))


def full_sentences(front: Front) -> list[str]:
    """What full trainings have shown, in words."""
    known = front.full_budget
    if known is None:
        return []
    done, all_ = len(known.reached), len(front.points)
    head = f"{done} of {all_} points trained for {known.epochs} epochs, trials of the sweep for {known.sweep_epochs}"
    found = [f"{head}."]
    for metric, one in known.agreement.items():
        span = (
            f"95 % about {one.interval[0]:.2f} to {one.interval[1]:.2f}"
            if one.interval
            else f"{one.points} points are too few for an interval"
        )
        chance = (
            f"two orders that have nothing to do with each other are as far from 0 with probability {one.p_value:.2g}"
        )
        found.append(f"Kendall's tau of {metric} between both is {one.tau:.2f} ({span}; {chance}).")
    return found
