"""What `dfkd evaluate` found, as a page that needs nothing but itself and runs no script."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from dfkd_core.metrics import KNOWN
from dfkd_core.scoring.model_scores import GroupKey, ModelScores

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
:root { color-scheme: light dark }
table { border-collapse: collapse; margin: 1rem 0 }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere }
svg { width: 100%; max-width: 34rem; height: auto; font-size: 11px } svg text { fill: currentColor }
svg circle { fill: #0c6b78; fill-opacity: .55 } svg path { stroke: currentColor; stroke-opacity: .5; fill: none }
"""
SIDE, EDGE = 400, 40  # of the drawing, in its own units
PLOTTED = ("pesq_wb", "si_sdr_db")


def scores_page(scores: ModelScores) -> str:
    """The page as HTML text: means with intervals, each clip against its noisy input, groups, every clip."""
    what = "whole files, all there are" if scores.whole_files else "mixtures"
    title = f"{scores.name}, {scores.split} split: {len(scores.model.clips)} {what}"
    means = []
    for name in scores.model.mean:
        model, noisy = scores.model.mean[name], scores.noisy.mean[name]
        spans = (scores.interval(name), scores.interval(name, improvement=True))
        value, gain = (f"{_number(low)} to {_number(high)}" for low, high in spans)
        means.append([f"{name} ({KNOWN[name].unit})", model, value, noisy, model - noisy, gain])
    head = ("metric", "model", "95 % interval", "noisy", "better by", "95 % interval")
    agreement = "no clean speech is known: scores tell agreement with the teacher, not quality. "
    body = [
        f"<h1>{_text(title)}</h1>",
        _table(head, means),
        f"<p>{agreement if scores.model.reference == 'teacher' else ''}"
        f"Intervals: drawn were {_text(scores.model.crossing.words())}.</p>",
        *(_scatter(scores, name) for name in PLOTTED),
        _groups(scores, "SNR dB", "snr_db"),
        _groups(scores, "noise", "noise_family"),
        f"<details><summary>every clip</summary>{_clips(scores)}</details>",
    ]
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{policy}'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _groups(scores: ModelScores, title: str, key: GroupKey) -> str:
    groups, names = scores.by(key), list(scores.model.mean)
    rows = [[group, *(value for name in names for value in means[name])] for group, means in groups.items()]
    return _table((title, *(word for name in names for word in (name, "noisy"))), rows)


def _clips(scores: ModelScores) -> str:
    names = list(scores.model.mean)
    rows = [
        [row["name"], row["noise_family"], row["snr_db"]] + [row[of][n] for n in names for of in ("scores", "noisy")]
        for row in scores.per_clip()
    ]
    return _table(("clip", "noise", "SNR dB", *(word for name in names for word in (name, "noisy"))), rows)


def _scatter(scores: ModelScores, name: str) -> str:
    """Each clip's score against that of its noisy input; above the diagonal it is better."""
    rows = zip(scores.model.clips, scores.noisy.clips, strict=True)
    points = [(clip.name, noisy.scores[name], clip.scores[name]) for clip, noisy in rows]
    points = [point for point in points if math.isfinite(point[1]) and math.isfinite(point[2])]
    if not points:
        return ""
    low, high = (of(value for _, *pair in points for value in pair) for of in (min, max))
    scale = (SIDE - 2 * EDGE) / max(high - low, 1e-9)

    def place(value: float) -> float:
        return EDGE + scale * (value - low)

    dots = "".join(
        f'<circle cx="{place(x):.1f}" cy="{SIDE - place(y):.1f}" r="4">'
        f"<title>{_text(clip)}: {_number(x)} to {_number(y)}</title></circle>"
        for clip, x, y in points
    )
    first, last = place(low), place(high)
    axes = f"M{first} {SIDE - last}V{SIDE - first}H{last}M{first} {SIDE - first}L{last} {SIDE - last}"
    words = "".join(
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{_text(word)}</text>'
        for x, y, anchor, word in (
            (first, SIDE - first + 16, "middle", _number(low)),
            (last, SIDE - first + 16, "middle", _number(high)),
            (SIDE / 2, SIDE - 6, "middle", f"{name} of the noisy input"),
            (first, SIDE - last - 8, "start", f"{name} of the model"),
        )
    )
    label = f"{name} of every clip against its noisy input"
    return f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{label}"><path d="{axes}"/>{dots}{words}</svg>'


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_text(_number(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _text(value: str) -> str:
    return html.escape(value)
