"""`dfkd export-onnx`: a trained model for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def export_onnx(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="a model folder, or a shipped name")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the ONNX file")],
    streaming: Annotated[
        bool, typer.Option(help="one frame and the states in and out, instead of a whole signal")
    ] = False,
    runtime: Annotated[
        Literal["onnx", "sherpa-onnx"], typer.Option(help="sherpa-onnx: a streaming graph for its GTCRN slot")
    ] = "onnx",
    int8: Annotated[
        bool, typer.Option("--int8", help="weights in eight bits, its loss measured on the validation clips")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="another corpus than the model's own, for --int8")] = None,
) -> None:
    """Write an ONNX file, checked against the model before it is left behind."""
    from dfkd_core.export.onnx_file import export_streaming, export_whole
    from dfkd_core.export.sherpa_onnx import export_sherpa_onnx
    from dfkd_core.teachers.trained_model import model_place

    write = export_sherpa_onnx if runtime == "sherpa-onnx" else export_streaming if streaming else export_whole
    typer.echo(write(model_place(model), output, int8, data))
