"""compare-....html: several fronts in one picture, and what tells them apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sweeps.comparing.compared_fronts import ComparedFront
from sweeps.comparing.comparison import Comparison
from sweeps.comparing.comparison_words import cautions, caveat, classes_won, headline, trust, verdict
from sweeps.comparing.evidence import Estimate
from sweeps.comparing.size_classes import size_and_judge
from sweeps.fronts.front_csv import union
from sweeps.page import render
from sweeps.page.content import coded, compact, export_command, metric_columns, param_columns, plain, repeated_point
from sweeps.record.sweep_state import SweepState
from sweeps.trust.trust_words import standing


def comparison_page(comparison: Comparison) -> str:
    """The page as HTML text."""
    title = (" against " if len(comparison.labels) == 2 else ", ").join(comparison.labels)
    return render(f"{title} \u00b7 fronts compared", comparison_content(comparison, title), "compare")


def comparison_content(comparison: Comparison, title: str) -> dict[str, Any]:
    """What the page shows, as plain data: the points of all fronts by column, as on a front's own page."""
    front = comparison.fronts[0].front
    points = [(side, point) for side, compared in enumerate(comparison.fronts) for point in compared.front.points]
    measured = [{**point.values, **point.metrics} for _, point in points]
    searched = [point.params for _, point in points]
    return {
        "name": title,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "said": [caveat(comparison), headline(comparison), classes_won(comparison)],
        "cautions": cautions(comparison),
        "intervals": trust(comparison),
        "objectives": [objective.model_dump() for objective in front.objectives],
        "reference": front.reference_point,
        "metrics": metric_columns(measured, front.objectives),
        "params": param_columns(searched, comparison.fronts[0].spec.space),
        "trials": {
            "side": [side for side, _ in points],
            "number": [point.trial for _, point in points],
            "run": [comparison.fronts[side].addresses.of(point.trial) for side, point in points],
            "params": {key: coded([plain(params.get(key)) for params in searched]) for key in union(searched)},
            "metrics": {key: [compact(values.get(key)) for values in measured] for key in union(measured)},
        },
        "trust": {
            "points": {f"{side}-{point.trial}": repeated_point(point) for side, point in points if point.seeds},
            "sentences": [],
        },
        "fronts": [_side(*row) for row in zip(comparison.fronts, comparison.hypervolumes, strict=True)],
        "pairs": [
            {
                "first": pair.first,
                "other": pair.other,
                "hypervolume": _estimate(pair.hypervolume),
                "epsilon": compact(pair.epsilon),
                "coverage": compact(pair.coverage),
            }
            for pair in comparison.pairs
        ],
        "classes": _classes(comparison),
    }


def _side(compared: ComparedFront, hypervolume: Estimate) -> dict[str, Any]:
    front, budget = compared.front, compared.spec.budget
    return {
        "label": compared.label,
        "folder": str(compared.folder),
        "sweep_id": front.sweep_id,
        "running": compared.state is SweepState.RUNNING,
        "standing": standing(front),
        "points": len(front.points),
        "counts": front.trials,
        "budget": {"trials": budget.trials, "hours": budget.hours, "epochs": budget.epochs_per_trial},
        "hypervolume": _estimate(hypervolume),
        "config": plain(compared.spec.config),
        "export": export_command(compared.folder, front.name),
        "data_hash": compared.hashes.get("data_hash"),
        "teacher_hash": compared.hashes.get("teacher_hash"),
    }


def _classes(comparison: Comparison) -> dict[str, Any] | None:
    chosen = size_and_judge(comparison.fronts[0].front)
    if chosen is None or not comparison.contests:
        return None
    rows = [
        {
            "low": contest.size.low,
            "high": contest.size.high,
            "best": [compact(best) for best in contest.best],
            "winner": contest.winner,
            "verdict": verdict(contest, comparison.labels),
        }
        for contest in comparison.contests
    ]
    return {"size": chosen[0].metric, "judge": chosen[1].metric, "rows": rows}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": compact(estimate.value),
        "interval": None if estimate.interval is None else [compact(bound) for bound in estimate.interval],
    }
