"""`dfkd data ...`: get the demo corpus, describe one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeps.commands.options import Out

app = typer.Typer(no_args_is_help=True, help="Corpora: fetch the demo, scan your own.")


@app.command()
def demo(out: Out = None) -> None:
    """Fetch the demo corpus and the demo teacher, and write the manifest."""
    from dfkd_core.data.demo import credits_text, fetch_demo
    from sweeps.display import PlainDisplay

    manifest = fetch_demo(out, progress=PlainDisplay().progress)
    typer.echo(credits_text())
    typer.echo(f"{len(manifest.clips)} clips below {manifest.root}")


@app.command()
def scan(
    folder: Annotated[Path, typer.Argument(help="a corpus")],
    layout: Annotated[str, typer.Option(help="auto, voicebank-demand, dns or clean-noise")] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the manifest (default: manifest.csv in the corpus)")
    ] = None,
) -> None:
    """Describe a folder of audio as a manifest."""
    from dfkd_core.data.corpora import scan as scan_corpus
    from dfkd_core.data.corpora import write_manifest

    manifest = scan_corpus(folder, layout)
    path = out or folder / "manifest.csv"
    write_manifest(manifest, path)
    typer.echo(f"{path}: {len(manifest.clips)} clips")
