"""The one way to open an ONNX graph: on the CPU, on one thread, silently."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dfkd_core.base.documents import open_plain
from dfkd_core.errors import BRING_BACK, ConfigError

TOO_NEW = r"Opset (\d+) is under development.*is till opset (\d+)"  # as onnxruntime says it


def open_session(source: Path | bytes, place: Path | None = None) -> Any:
    """A runtime session on a file or its content; ConfigError, naming `place`, when it is no ONNX model."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    graph = source if isinstance(source, bytes) else str(source)
    if isinstance(source, Path):
        try:
            open_plain(source).close()  # nobody may ever write to a pipe in its place
        except FileNotFoundError as error:
            rule = "must be an ONNX model, but there is no such file"
            raise ConfigError(f"{rule}; {BRING_BACK}", file=source) from error
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        reason = str(error).strip().splitlines()[0]
        where = place or (source if isinstance(source, Path) else None)
        if opsets := re.search(TOO_NEW, reason):
            rule = f"must be of opset {opsets[2]} or less, as onnxruntime {onnxruntime.__version__} reads them"
            remedy = "export it anew, or update onnxruntime"
            raise ConfigError(f"{rule}, but is of opset {opsets[1]}; {remedy}", file=where) from error
        raise ConfigError(f"must be an ONNX model, but {reason}", file=where) from error
