"""front.html: one page that needs nothing but itself, from disk as well as inside a tracker's frame."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import Front
from sweeps.fronts.listening import Listening
from sweeps.page.bundle import bundle
from sweeps.page.content import page_content
from sweeps.record.trials import TrialRecord
from sweeps.tracking.addresses import RunAddresses


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


def render(title: str, content: Mapping[str, Any], page: str = "front") -> str:
    """Put title, style, body, script and data into the frame; nothing in the data can end its element.

    `page` names the body, PAGE.html, and the module that the page's script begins with, PAGE.js.
    """
    parts = {
        "body": _static(f"{page}.html"),
        "title": html.escape(title),
        "style": _static("style.css"),
        "script": _script(f"{page}.js"),
        "data": embedded_json(content),
    }
    frame = re.split(r"<!--(\w+)-->", _static("frame.html"))  # text, name, text, name, ..., text
    return "".join(parts[part] if place % 2 else part for place, part in enumerate(frame))


def embedded_json(content: Any) -> str:
    """JSON that is safe inside a script element: <, >, &, JavaScript's line separators, lone surrogates are escaped."""
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


@cache
def _script(entry: str) -> str:
    return bundle(entry, _static)


@cache
def _static(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
