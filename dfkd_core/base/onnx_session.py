"""The one way to open an ONNX graph: on the CPU, on one thread, silently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dfkd_core.base.documents import open_plain
from dfkd_core.errors import ConfigError


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
            raise ConfigError("must be an ONNX model, but there is no such file", file=source) from error
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        reason = str(error).strip().splitlines()[0]
        where = place or (source if isinstance(source, Path) else None)
        raise ConfigError(f"must be an ONNX model, but {reason}", file=where) from error
