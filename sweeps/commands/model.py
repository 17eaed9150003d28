"""`dfkd train`, `verify`, `evaluate`, `enhance` and `publish`: one model at full length."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dfkd_core.base.documents import real_path
from dfkd_core.base.outputs import require_output, write_output
from dfkd_core.base.progress import silent
from dfkd_core.errors import ConfigError, Interrupted
from sweeps.commands.options import AsJson, Set, progress_bar
from sweeps.commands.settings import config_settings

if TYPE_CHECKING:
    from dfkd_core.config import ExperimentConfig, TeacherConfig
    from dfkd_core.scoring.model_scores import ModelScores
    from dfkd_core.training.seeds import Train
    from dfkd_core.training.train_run import OnEpoch

Track = Annotated[bool, typer.Option("--track/--no-track", help="make a run of it in MLflow")]
RAW_FORM = "16-bit little-endian mono at 16 kHz"


def train(
    config: Annotated[Path, typer.Argument(help="an experiment config")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the model folder; an interrupted training goes on there")],
    set_: Set = None,
    seeds: Annotated[int, typer.Option(min=1, help="train so many; mean, spread and the best are kept")] = 1,
    workers: Annotated[
        int, typer.Option(min=1, help="processes, or GPUs, that share every batch, through Ray (RAY_ADDRESS)")
    ] = 1,
    track: Track = True,
) -> None:
    """Train a teacher or a student at full length; an exported config runs unedited."""
    from dfkd_core.config import load_config
    from dfkd_core.training.seeds import train_seeds, trained_in
    from sweeps.tracking.delivery import trouble, undelivered
    from sweeps.tracking.model_runs import page_of

    parsed = load_config(config, config_settings(set_))
    options = [
        *(word for s in set_ or [] for word in ("--set", s)),
        *(["--seeds", str(seeds)] if seeds > 1 else []),
        *(["--workers", str(workers)] if workers > 1 else []),
        *([] if track else ["--no-track"]),
    ]
    again = shlex.join(["dfkd", "train", str(config), "--out", str(out), *options])
    try:
        with _training(workers, parsed, again) as train:
            if seeds > 1:
                result: object = train_seeds(
                    *(parsed, out, seeds),
                    train=train,
                    report=typer.echo,
                    tracked=lambda place, seeded: _tracked(place, seeded, track),
                )
            else:
                with _tracked(out, parsed, track) as on_epoch:
                    result = train(parsed, out, on_epoch)
    except KeyboardInterrupt as interrupt:
        raise Interrupted(f"{out}: interrupted; go on with `{again}`") from interrupt
    typer.echo(f"{out}: {result}")
    if track and (page := page_of(out)) is not None:
        typer.echo(f"run     {page}")
    if track and (owed := undelivered(trained_in(out))):
        why = trouble(trained_in(out)) or "it does not answer"
        typer.echo(f"{owed} records have not reached MLflow ({why}); the same command delivers them", err=True)


@contextmanager
def _training(workers: int, config: ExperimentConfig, again: str) -> Iterator[Train]:
    """What trains: this process, or several; on a terminal a bar shows how far an epoch is."""
    from dfkd_core.training.train_run import train_model
    from sweeps.terminal.live_display import bars, is_terminal

    with bars(keeps_done=False) if is_terminal() else nullcontext(silent) as progress:
        if workers > 1:
            from sweeps.distillation.train_on_ray import workers_on_ray

            with workers_on_ray(workers, config, typer.echo, progress, again) as train:
                yield train
        else:
            yield lambda one, place, on_epoch: train_model(
                one, place, report=typer.echo, progress=progress, on_epoch=on_epoch
            )


@contextmanager
def _tracked(out: Path, config: ExperimentConfig, track: bool) -> Iterator[OnEpoch]:
    """MLflow hears of the training's epochs, unless it is not asked for."""
    from sweeps.tracking.model_runs import tracked_training

    with tracked_training(out, config.model_dump(mode="json") if track else None) as run:
        yield run.epoch


def verify(
    config: Annotated[Path, typer.Argument(help="an exported config")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="keep the model there (default: nowhere)")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="of every score; 0: the same to the last bit")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Train an exported config again at its sweep's budget, and compare with what the sweep measured."""
    from dfkd_core.config import load_config
    from sweeps.distillation.verify import verify as verified

    with tempfile.TemporaryDirectory() as place:
        try:
            found = verified(load_config(config), out or Path(place), lambda line: typer.echo(line, err=as_json))
        except ConfigError as error:
            raise error if error.file else error.at(file=config) from error
    if as_json:
        typer.echo(json.dumps({"pairs": found.pairs, "differing": found.differing, "exact": found.is_exact}))
    else:
        typer.echo(found.text())
    raise typer.Exit(0 if found.holds(tolerance) else 1)


def publish(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="a model folder")],
    name: Annotated[str, typer.Option(help="its name in the registry; a further version if there is one")],
) -> None:
    """Register a model in MLflow, from where it can be served."""
    from sweeps.tracking.publishing import publish as published

    typer.echo(published(model, name))


AnyModel = Annotated[
    str | None,
    typer.Option(metavar="NAME|DIR|FILE", help="a public model, ONNX file, folder or config, instead of MODEL_DIR"),
]
Estimates = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="what something else made of the noisy files, scored in the model's place"),
]
OtherCorpus = Annotated[
    Path | None, typer.Option(help="another corpus than the model's own; without a model the demo by default")
]
Against = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME|DIR|FILE", help="score this beside it, as --teacher takes it; `teacher`: its own"),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="processes that score (default: as many as are worth it here)")]


def evaluate(
    model: Annotated[Path | None, typer.Argument(metavar="MODEL_DIR", help="a model folder")] = None,
    teacher: AnyModel = None,
    estimates: Estimates = None,
    data: OtherCorpus = None,
    split: Annotated[str, typer.Option(help="test or valid")] = "test",
    metric: Annotated[list[str] | None, typer.Option(help="an optional metric, too: dnsmos")] = None,
    as_json: AsJson = False,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="write a row for every clip")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="write a page with all of it, to listen to")] = None,
    against: Against = None,
    jobs: Jobs = None,
    track: Track = True,
) -> None:
    """Score a model, a teacher or estimates on a split, by SNR and noise; alone in opening the test split.

    Of a corpus with noisy files of its own all of them, whole; else mixtures of 4 s.
    A model's probes are scored on that split, too, of validation on the mixtures of training; not with --data.
    """
    from dfkd_core.config import ExperimentConfig, TeacherConfig
    from dfkd_core.scoring.beside import beside, set_apart, table
    from dfkd_core.scoring.probe_scores import evaluate_with_probes, probe_lines
    from dfkd_core.scoring.teacher_scores import evaluate_teacher, teacher_named
    from dfkd_core.trained.model_folder import read_model_config
    from sweeps.page.scores import scores_page
    from sweeps.terminal.live_display import is_terminal

    if (model is None and estimates is None) == (teacher is None):
        raise ConfigError(
            "takes a model folder, or --teacher, or --estimates and a model for its corpus", key="evaluate"
        )
    require_output(csv_file, "--csv")
    require_output(html, "--html")
    if csv_file is not None and html is not None and real_path(csv_file) == real_path(html):
        raise ConfigError("must be another file than that of --csv", key="--html", file=html)
    with progress_bar() if is_terminal() and not as_json else nullcontext(silent) as progress:
        asked: dict[str, Any] = {"split": split, "optional": metric or [], "whole": True, "progress": progress}
        asked["jobs"] = jobs
        config = None if model is None else read_model_config(model)
        of_model = (config or ExperimentConfig()).data
        corpus = of_model if data is None else of_model.model_copy(update={"corpus": str(data)})
        compared = [_compared(name, config) for name in against or []]
        if model is not None and estimates is None:
            scores = evaluate_with_probes(model, data=data, **asked)
        else:
            named = teacher_named(str(teacher)) if estimates is None else TeacherConfig(estimates=str(estimates))
            scores = evaluate_teacher(named, corpus, **asked)
        others = set_apart(scores, [evaluate_teacher(other, corpus, **asked) for other in compared], against or [])
    content = scores.to_json() | ({"beside": [one.to_json() for one in beside(scores, others)]} if others else {})
    if csv_file is not None:
        write_output(csv_file, _csv(scores.per_clip(), others).encode(errors="surrogateescape"), "--csv")
    if html is not None:
        write_output(html, scores_page(scores, others).encode(errors="surrogateescape"), "--html")
    lines = [scores.text(), *table(scores, others), *probe_lines(scores)]
    typer.echo(json.dumps(content) if as_json else "\n".join(lines))
    if track and model is not None and estimates is None:
        from sweeps.tracking.model_runs import tell_evaluation

        typer.echo(tell_evaluation(model, data, scores.to_json()), err=True)


def _compared(name: str, config: ExperimentConfig | None) -> TeacherConfig:
    """What `--against NAME` means beside a model of that config."""
    from dfkd_core.scoring.teacher_scores import teacher_named

    if config is None or name != "teacher":
        return teacher_named(name, "--against")
    if not config.teacher.is_named:
        raise ConfigError("must be a model, but this one had no teacher; name it", key="--against")
    return config.teacher


def _csv(rows: list[dict[str, Any]], others: Sequence[ModelScores]) -> str:
    """A row for each clip: what it is, its scores, those of its noisy input and of others; undefined ones are empty."""
    from sweeps.fronts.front_csv import inert

    columns = ("name", "speaker", "noise_family", "snr_db")
    metrics = list(rows[0]["scores"])
    beside_it = [(other.name, other.per_clip()) for other in others]
    heads = [f"{of}/{name}" for of in ("noisy", *(name for name, _ in beside_it)) for name in metrics]
    lines = [[*columns, *metrics, *heads]]
    for index, row in enumerate(rows):
        scores = [row["scores"], row["noisy"], *(clips[index]["scores"] for _, clips in beside_it)]
        lines.append([row[key] for key in columns] + [one[name] for one in scores for name in metrics])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([inert(cell) for cell in line] for line in lines)
    return out.getvalue()


def enhance(
    model: Annotated[Path, typer.Argument(help="a model folder or an ONNX file")],
    source: Annotated[Path | None, typer.Argument(metavar="IN", help="an audio file or a folder of them")] = None,
    target: Annotated[Path | None, typer.Argument(metavar="OUT")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda")] = "auto",
    attenuation_limit_db: Annotated[
        float | None, typer.Option(metavar="DB", help="attenuate nothing by more than this: some noise is left")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="files of a folder at a time (default: one a core, 8 at most)"),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help=f"no IN and OUT: raw samples from stdin to stdout, {RAW_FORM}")
    ] = False,
) -> None:
    """Clean a file, a folder or a stream; the output keeps the input's rate and channels."""
    from dfkd_core.base.progress import silent
    from dfkd_core.enhance import enhance_path
    from sweeps.terminal.live_display import is_terminal

    if live:
        if source is not None:
            raise ConfigError("reads stdin and writes stdout; leave IN and OUT out", key="--live")
        if device not in ("auto", "cpu"):
            raise ConfigError(f"works frame by frame on the CPU, not on {device}; leave --device out", key="--live")
        _enhance_live(model, attenuation_limit_db)
        return
    if source is None or target is None:
        raise ConfigError("takes a model, IN and OUT, or a model and --live", key="enhance")
    with progress_bar() if is_terminal() else nullcontext(silent) as progress:
        for path in enhance_path(
            model,
            source,
            target,
            device=device,
            attenuation_limit_db=attenuation_limit_db,
            jobs=jobs,
            progress=progress,
        ):
            typer.echo(path)


def _enhance_live(model: Path, attenuation_limit_db: float | None) -> None:
    """Until stdin ends, or nobody reads stdout any more."""
    import torch

    from dfkd_core.enhance import noisy_share
    from dfkd_core.live import Enhancer
    from dfkd_core.live.onnx_core import OnnxCore
    from dfkd_core.live.raw_pcm import enhance_raw
    from dfkd_core.teachers.trained_model import model_place
    from dfkd_core.trained.model_folder import load_model

    share = noisy_share(attenuation_limit_db)
    if sys.stdin.isatty() or sys.stdout.isatty():
        rule = f"needs pipes that carry {RAW_FORM}, such as `arecord -t raw -f S16_LE -r 16000 -c 1 | dfkd enhance"
        raise ConfigError(f"{rule} {shlex.quote(str(model))} --live | aplay -t raw -f S16_LE -r 16000`", key="--live")
    torch.set_num_threads(1)  # a frame is too little work for more
    if model.suffix.lower() == ".onnx" and not model.is_dir():
        enhancer = Enhancer(OnnxCore(model))
    else:
        student, config = load_model(model_place(model))
        enhancer = Enhancer(student, config.data.level_dbfs)
    try:
        enhance_raw(enhancer, sys.stdin.buffer, sys.stdout.buffer, noisy_share=share)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
