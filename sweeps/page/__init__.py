"""front.html: one page that needs nothing but itself, from disk as well as inside a tracker's frame."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front
from sweeps.fronts.listening import Listening
from sweeps.page.content import page_content
from sweeps.record.trials import TrialRecord
from sweeps.tracking.addresses import RunAddresses

# one idea a file; later files use what earlier ones define
SCRIPTS = (
    "sweep.js",
    "values.js",
    "text.js",
    "scale.js",
    "drawing.js",
    "axes.js",
    "trust.js",
    "scatter.js",
    "pointing.js",
    "space.js",
    "controls.js",
    "details.js",
    "choosing.js",
    "table.js",
    "history.js",
    "parallel.js",
    "importance.js",
    "listening.js",
    "main.js",
)


def front_page(
    folder: Path,
    front: Front,
    records: Sequence[TrialRecord],
    spec: SweepSpec,
    *,
    addresses: RunAddresses,
    listening: Listening | None = None,
) -> str:
    """The page of a front as HTML text."""
    content = page_content(folder, front, records, spec, addresses)
    content["listening"] = None if listening is None else listening.to_page()
    content["references"] = [{"name": model.name, "values": dict(model.values)} for model in front.references]
    return render(f"{front.name} \u00b7 Pareto front", content)


def render(title: str, content: Mapping[str, Any], body: str = "front.html", scripts: Sequence[str] = SCRIPTS) -> str:
    """Put title, style, body, script and data into the frame; nothing in the data can end its element."""
    parts = {
        "body": _static(body),
        "title": html.escape(title),
        "style": _static("style.css"),
        "script": "\n".join(_static(name) for name in scripts),
        "data": embedded_json(content),
    }
    page = _static("frame.html")
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text, 1)
    return page


def embedded_json(content: Any) -> str:
    """JSON that is safe inside a script element: <, >, & and the line separators of JavaScript are escaped."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _static(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
