"""`dfkd cluster render KIND`: files to launch with; each kind's options are the fields of its class."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import typer

from cluster.launch_files import KINDS, LaunchFile
from dfkd_core.base.outputs import write_output

app = typer.Typer(no_args_is_help=True, help="Clusters: files to launch with.")
render = typer.Typer(no_args_is_help=True, help="Write the file that launches a sweep on one kind of cluster.")
app.add_typer(render, name="render")


def _command(kind: type[LaunchFile]) -> Callable[..., None]:
    """A command whose options are the fields of a kind."""

    def write(output: Path, **options: Any) -> None:
        given = {name: value for name, value in options.items() if value not in (None, [])}
        launch_file = kind.parse(given, "dfkd cluster render")
        text = launch_file.text(str(output))
        write_output(output, text.encode(), "--output")
        typer.echo(f"{output}: written; its first lines say how to use it\nit asks for {launch_file.asks()}")

    parameters = [
        inspect.Parameter(
            "output",
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[Path, typer.Option("--output", "-o", help="the file to write")],
        )
    ]
    for name, field in kind.model_fields.items():
        default = inspect.Parameter.empty if field.is_required() else field.default
        annotation: Any = Annotated[_plain(field.annotation), typer.Option(help=field.description)]
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )
    write.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    write.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    write.__doc__ = kind.__doc__
    return write


def _plain(annotation: Any) -> Any:
    """A field's type without its rules, as the command line knows it."""
    if get_origin(annotation) is tuple:
        return list[str]
    inner = [one for one in get_args(annotation) if one is not NoneType]
    if NoneType in get_args(annotation):
        return _plain(inner[0]) | None
    return _plain(inner[0]) if get_origin(annotation) is Annotated else annotation


for _name, _kind in KINDS.items():
    render.command(_name)(_command(_kind))
