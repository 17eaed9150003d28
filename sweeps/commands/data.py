"""`dfkd data ...`: get the demo corpus, describe one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dfkd_core.base.documents import real_path
from dfkd_core.base.outputs import require_folder, require_output
from dfkd_core.errors import ConfigError
from sweeps.commands.options import Out, Set, progress_bar
from sweeps.commands.settings import config_settings

app = typer.Typer(no_args_is_help=True, help="Corpora: fetch the demo, scan your own.")


@app.command()
def demo(out: Out = None) -> None:
    """Fetch the demo corpus and DTLN, a public model to compare with, and write the manifest."""
    from dfkd_core.data.demo import credits_text, fetch_demo

    with progress_bar() as progress:
        manifest = fetch_demo(out, progress=progress)
    typer.echo(credits_text())
    typer.echo(f"{len(manifest.clips)} clips below {manifest.root}")


@app.command()
def scan(
    folder: Annotated[Path, typer.Argument(help="a corpus")],
    layout: Annotated[
        str, typer.Option(help="auto, voicebank-demand, dns, clean-noise, clean-noisy or noisy-only")
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the manifest (default: manifest.csv in the corpus)")
    ] = None,
) -> None:
    """Describe a folder of audio as a manifest."""
    from dfkd_core.data.corpora import scan as scan_corpus
    from dfkd_core.data.manifest import MANIFEST_NAME, write_manifest

    own = folder / MANIFEST_NAME
    path = out or own
    is_read = layout == "auto" and own.is_file()
    is_kept = is_read and real_path(path) == real_path(own)  # which may have columns of its own
    if folder.is_dir() and not is_kept:
        require_output(path, "--out")
    with progress_bar() as progress:
        manifest = scan_corpus(folder, layout, progress=progress)
    if not is_kept:
        write_manifest(manifest, path)
    for note in manifest.notes:
        typer.echo(note)
    typer.echo(f"{path}: {len(manifest.clips)} clips")
    for line in manifest.summary():
        typer.echo(f"  {line}")


@app.command()
def mixtures(
    config: Annotated[Path, typer.Argument(help="an experiment config")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the list, one JSON line a mixture")],
    split: Annotated[str, typer.Option(help="train or valid")] = "train",
    epoch: Annotated[int, typer.Option(min=0, help="of training, counted from 0")] = 0,
    audio: Annotated[Path | None, typer.Option(help="render them below this folder, too: noisy/ and clean/")] = None,
    set_: Set = None,
) -> None:
    """Write out the mixtures that a config trains or validates on."""
    from dfkd_core.config import load_config
    from dfkd_core.data.audio_store import AudioStore
    from dfkd_core.data.corpora import open_corpus
    from dfkd_core.data.mixture_manifest import render_mixtures, write_mixtures
    from dfkd_core.data.mixtures import training_shard, validation_list

    if split not in ("train", "valid"):
        raise ConfigError(f"must be train or valid, but got {split!r}; the test split is for evaluation", key="--split")
    data = load_config(config, config_settings(set_)).data
    require_output(out, "--out")
    if audio is not None:
        require_folder(audio, "--audio")
    with progress_bar() as progress:
        store = AudioStore.open(open_corpus(data.corpus, progress=progress), progress=progress)
        listed = training_shard(store, data, epoch) if split == "train" else validation_list(store, data)
        write_mixtures(listed, out)
        if audio is not None:
            render_mixtures(listed, audio, progress)
    typer.echo(f"{out}: {len(listed)} mixtures of {listed.duration_s:g} s")
