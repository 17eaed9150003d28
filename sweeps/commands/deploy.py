"""`dfkd export-onnx`: a trained model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export_onnx(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="a model folder, or a shipped name")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the ONNX file")],
    streaming: Annotated[
        bool, typer.Option(help="one frame and the states in and out, instead of a whole signal")
    ] = False,
) -> None:
    """Write an ONNX file, checked against the model before it is left behind."""
    from dfkd_core.export.onnx_file import export_streaming, export_whole
    from dfkd_core.teachers.trained_model import model_place

    typer.echo((export_streaming if streaming else export_whole)(model_place(model), output))
