"""What `dfkd evaluate` found, as a page that needs nothing but itself and runs no script."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dfkd_core.metrics import KNOWN
from dfkd_core.scoring.beside import beside
from dfkd_core.scoring.model_scores import GroupKey, ModelScores
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples
from dfkd_core.teachers.teacher_cache import ListedMixture
from sweeps.distillation.sounds import PEAK, chosen_mixtures
from sweeps.fronts.listening import encoded

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 92rem; padding: 0 1rem }
:root { color-scheme: light dark }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem } h3 { font-size: 1rem; margin: 1rem 0 .3rem }
p { max-width: 46rem } .table { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums }
th { vertical-align: bottom } th:first-child, td:first-child { text-align: left; padding-left: 0 }
td { white-space: nowrap }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); align-items: end; gap: 1rem 2rem }
svg { width: 100%; max-width: 30rem; height: auto; font-size: 12px } svg text { fill: currentColor }
svg polyline, svg line { stroke-width: 2 } svg .line0 { stroke: #0c6b78 } svg .line1 { stroke: #b45309 }
svg .line2 { stroke: #6d28d9 } svg .line3 { stroke: #be123c } svg .line4 { stroke: #6b7280 }
figure { margin: 0 } .heard { display: flex; flex-wrap: wrap; gap: 1rem }
audio { width: 15rem; max-width: 100% }
svg circle { fill: #0c6b78; fill-opacity: .55 } svg path { stroke: currentColor; stroke-opacity: .5; fill: none }
svg path.grid { stroke-opacity: .15 }
@media (prefers-color-scheme: dark) {
svg .line0 { stroke: #4fc3d0 } svg .line1 { stroke: #f59e42 } svg .line2 { stroke: #b79bff }
svg .line3 { stroke: #fb7185 } svg .line4 { stroke: #a3a9b3 } svg circle { fill: #4fc3d0 } }
"""
SIDE, EDGE = 300, 40  # of a drawing, in its own units
HEARD_S = 10  # of a long file
PLOTTED = ("pesq_wb", "si_sdr_db")


def scores_page(scores: ModelScores, others: Sequence[ModelScores] = ()) -> str:
    """The page as HTML text: means with intervals, others beside it, plots, sounds, groups, every clip."""
    what = "whole files, all there are" if scores.whole_files else "mixtures"
    title = f"{scores.name}, {scores.split} split: {len(scores.model.clips)} {what}"
    plots = [*(_by_snr(scores, others, name) for name in PLOTTED), *(_scatter(scores, name) for name in PLOTTED)]
    agreement = "no clean speech is known: scores tell agreement with the teacher, not quality. "
    body = [
        f"<h1>{_text(title)}</h1>",
        f"{_means(scores)}<p>{agreement if scores.model.reference == 'teacher' else ''}"
        f"Intervals: drawn were {_text(scores.model.crossing.words())}.</p>",
        _beside(scores, others) if others else "",
        *(f"<h2>{_text(probe.name)}</h2>{_means(probe)}" for probe in scores.probes.values()),
        f'<div class="plots">{"".join(plots)}</div>' if any(plots) else "",
        _sounds(scores, others),
        _groups(scores, "SNR dB", "snr_db"),
        _groups(scores, "noise", "noise_family"),
        f"<details><summary>every clip</summary>{_clips(scores)}</details>",
    ]
    allowed = "default-src 'none'; style-src 'unsafe-inline'; media-src data:"
    policy = f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{policy}'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n<body>{''.join(body)}</body></html>\n"
    )


def _means(scores: ModelScores) -> str:
    """A row for each metric: the model, the noisy input, the gain, with intervals."""
    rows = []
    for name in scores.model.mean:
        model, noisy = scores.model.mean[name], scores.noisy.mean[name]
        spans = (scores.interval(name), scores.interval(name, improvement=True))
        value, gain = (f"{_number(low)} to {_number(high)}" for low, high in spans)
        rows.append([f"{name} ({KNOWN[name].unit})", model, value, noisy, model - noisy, gain])
    return _table(("metric", "model", "95 % interval", "noisy", "better by", "95 % interval"), rows)


def _beside(scores: ModelScores, others: Sequence[ModelScores]) -> str:
    """A row for the model and each other: its mean and, below that, by how much the model is better."""
    names = list(scores.model.mean)
    rows = [[scores.name, *(_number(scores.model.mean[n]) for n in names)]]
    for one in beside(scores, others):
        spans = {
            n: f" ({' to '.join(map(_number, pair))})"
            for n, pair in one.gain_interval.items()
            if math.isfinite(pair[0])
        }
        rows.append([one.name, *(f"{_number(one.mean[n])}\n{one.gain[n]:+.3f}{spans.get(n, '')}" for n in names)])
    words = "Below each mean: by how much the model is better, with the 95 % interval over the same clips, paired."
    return f"<h2>Beside it</h2>{_table(('', *names), rows)}<p>{words}</p>"


def _by_snr(scores: ModelScores, others: Sequence[ModelScores], name: str) -> str:
    """Means by SNR as lines: the noisy input, the model, the others."""
    groups = scores.by("snr_db")
    known = [group for group in groups if group.lstrip("-").isdigit()]
    lines = {scores.name: [groups[g][name][0] for g in known]}
    lines |= {other.name: [other.by("snr_db")[g][name][0] for g in known] for other in others}
    lines["noisy input"] = [groups[g][name][1] for g in known]
    values = [value for line in lines.values() for value in line if math.isfinite(value)]
    if len(known) < 2 or not values:
        return ""
    low, high = min(values), max(values)
    step, scale = (SIDE - 2 * EDGE) / (len(known) - 1), (SIDE - 2 * EDGE) / max(high - low, 1e-9)

    def x(index: int) -> float:
        return EDGE + step * index

    def y(value: float) -> float:
        return SIDE - EDGE - scale * (value - low)

    levels = _round_values(low, high)
    grid = "".join(f"M{EDGE} {y(value):.1f}H{SIDE - EDGE}" for value in levels)
    drawn = [f'<path d="M{EDGE} {EDGE}V{SIDE - EDGE}H{SIDE - EDGE}"/><path class="grid" d="{grid}"/>']
    for number, (label, line) in enumerate(lines.items()):
        points = " ".join(f"{x(i):.1f},{y(v):.1f}" for i, v in enumerate(line) if math.isfinite(v))
        dash = "" if number == 0 else f' stroke-dasharray="{2 + 3 * number} {2 + number}"'
        drawn.append(f'<polyline points="{points}" fill="none" class="line{number % 5}"{dash}/>')
        place = EDGE - 14 - 15 * (len(lines) - 1 - number)
        drawn.append(
            f'<line x1="{EDGE + 8}" x2="{EDGE + 32}" y1="{place - 4}" y2="{place - 4}" class="line{number % 5}"{dash}/>'
        )
        drawn.append(f'<text x="{EDGE + 38}" y="{place}">{_text(label)}</text>')
    ticks: list[tuple[float, float, str, str]] = [
        (x(i), SIDE - EDGE + 16, "middle", group) for i, group in enumerate(known)
    ]
    ticks += [(SIDE / 2, SIDE - 6, "middle", "SNR, dB")]
    ticks += [(EDGE - 6, y(value) + 4, "end", f"{value:g}") for value in levels]
    words = "".join(
        f'<text x="{left:.0f}" y="{top:.0f}" text-anchor="{anchor}">{_text(word)}</text>'
        for left, top, anchor, word in ticks
    )
    label = f"mean {name} by SNR"
    top = 15 * len(lines) - EDGE + 14  # as much as the legend needs
    view = f"0 {-top} {SIDE} {SIDE + top}"
    legend = "".join(drawn)
    return (
        f'<figure><figcaption>{_text(label)}</figcaption><svg viewBox="{view}" role="img" aria-label="{label}">'
        f"{legend}{words}</svg></figure>"
    )


def _sounds(scores: ModelScores, others: Sequence[ModelScores]) -> str:
    """Three clips to listen to, of different SNR and noise; all versions of one carry the same gain."""
    if scores.open is None:
        return ""
    enhance, mixtures, _ = scores.open()
    chosen = chosen_mixtures(np.nan_to_num(mixtures.snr_db), mixtures.noise_families, mixtures.speakers).tolist()
    ways = [(scores.name, enhance), *((other.name, other.open()[0]) for other in others if other.open is not None)]
    rows = []
    for index in chosen:
        noisy, clean = mixtures.batch([index])
        heard = [("noisy input", noisy[0])]
        heard += [(name, way(noisy, [ListedMixture(mixtures, index)])[0]) for name, way in ways]
        heard += [("clean speech", clean[0])] if mixtures.reference == "clean" else []
        gain = PEAK / max(float(np.abs(noisy).max()), 1e-6)
        cells = "".join(
            f"<figure><figcaption>{_text(name)}</figcaption>{_player(gain * wave, f'{name}, {mixtures.name(index)}')}"
            "</figure>"
            for name, wave in heard
        )
        snr_db = mixtures.snr_db[index]
        snr = f", {snr_db:.0f} dB" if math.isfinite(snr_db) else ""
        rows.append(f"<h3>{_text(f'{mixtures.noise_families[index]}{snr}: {mixtures.name(index)}')}</h3>")
        rows.append(f'<div class="heard">{cells}</div>')
    return f"<h2>To listen to</h2>{''.join(rows)}"


def _player(wave: Samples, label: str) -> str:
    flac = base64.b64encode(encoded(wave[: HEARD_S * SAMPLE_RATE_HZ], SAMPLE_RATE_HZ, "flac")).decode()
    return f'<audio controls preload="none" aria-label="{_text(label)}" src="data:audio/flac;base64,{flac}"></audio>'


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
    levels = _round_values(low, high)
    words = "".join(
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{_text(word)}</text>'
        for x, y, anchor, word in (
            *((place(value), SIDE - first + 16, "middle", f"{value:g}") for value in levels),
            *((first - 6, SIDE - place(value) + 4, "end", f"{value:g}") for value in levels),
            (SIDE / 2, SIDE - 6, "middle", f"{name} of the noisy input"),
            (first, SIDE - last - 8, "start", f"{name} of the model"),
        )
    )
    label = f"{name} of every clip against its noisy input"
    drawn = f'<svg viewBox="0 0 {SIDE} {SIDE}" role="img" aria-label="{label}"><path d="{axes}"/>{dots}{words}</svg>'
    return f"<figure><figcaption>{_text(label)}</figcaption>{drawn}</figure>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A line break in a cell stays one."""
    top = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head)
    lines = [[_text(_number(cell)).replace("\n", "<br>") for cell in row] for row in rows]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    return f'<div class="table"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _round_values(low: float, high: float) -> list[float]:
    """Two to six round numbers between the two, for an axis."""
    rough = max(high - low, 1e-9) / 3
    step = 10 ** math.floor(math.log10(rough))
    step *= max(factor for factor in (1, 2, 5) if factor * step <= rough)
    return [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _text(value: str) -> str:
    return html.escape(value)
