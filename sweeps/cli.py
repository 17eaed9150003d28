"""The command line: `dfkd`. Thin: errors become one line and an exit status, commands live in `commands/`."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from dfkd_core.base.machine import refused_memory
from dfkd_core.base.printable import printable
from dfkd_core.errors import CheckpointError, ConfigError, DataError, DFKDError
from sweeps.commands import cluster, data, deploy, front, installation, model, sweep

app = typer.Typer(
    name="dfkd",
    help="Find the smallest speech enhancement model that is good enough.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.command()(model.train)
app.command()(model.verify)
app.command()(model.evaluate)
app.command()(model.enhance)
app.command("export-onnx")(deploy.export_onnx)
app.command()(model.publish)
app.add_typer(sweep.app, name="sweep")
app.add_typer(front.app, name="front")
app.command()(front.export)
app.add_typer(cluster.app, name="cluster")
app.command()(installation.schema)
app.command()(installation.doctor)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=installation.version, is_eager=True, help="print the version and end")
    ] = False,
) -> None:
    """Options of the whole command line."""


NAMED = 80  # characters of a path that is too long
DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
REPEAT_S = 0.05  # the destructor has ended by then


def main() -> None:
    """Run a command: 0 done, 1 failed, 2 wrong input (one line), 130 interrupted."""
    # Read when torch is loaded. Where other work has the cores, threads that spin long for one another hardly get on.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    open_standard_streams()
    sys.unraisablehook = send_again
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C, but where `nohup` has them ignored
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):  # names of files that are no UTF-8 come out as they are
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape")
    sys.exit(run(sys.argv[1:]))


def open_standard_streams() -> None:
    """Put /dev/null where the caller has closed a standard stream: the next file to be opened would get its number.

    What Ray's C++ part writes to descriptor 2 would then stand in the ledger.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r"))


def send_again(dropped: sys.UnraisableHookArgs) -> None:
    """Repeat an interrupt that Python drops: one that is raised in a destructor or a weak reference's callback.

    Such code runs wherever an object dies; behind a long native call that is the first place to answer a signal.
    """
    main_thread = threading.main_thread().ident
    if dropped.exc_type is KeyboardInterrupt and main_thread is not None:
        threading.Timer(REPEAT_S, signal.pthread_kill, (main_thread, signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(dropped)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit status."""
    try:
        _require_words(arguments)
        _require_here()
        status = app(arguments, standalone_mode=False)
        if status == INTERRUPTED:
            raise KeyboardInterrupt
        return status if isinstance(status, int) else DONE
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except TyperException as error:  # the command line itself is wrong, or empty and answered with the help
        message = error.format_message()
        return _say(message, WRONG_INPUT) if message.strip() else WRONG_INPUT
    except RuntimeError as error:
        if (rule := refused_memory(error)) is None:
            raise
        return _say(rule, WRONG_INPUT)
    except OSError as error:
        name, reason = str(error.filename or ""), error.strerror or str(error)
        remedy = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that, or name another place"
        said = f"{name}: cannot be used ({reason}); {remedy}" if name else str(error)
        is_too_long = error.errno == errno.ENAMETOOLONG
        if is_too_long:
            said = f"{name[:NAMED]}...: must be a path, but it is too long"
        return _say(said, WRONG_INPUT if is_too_long or _is_given(name, arguments) else FAILED)
    except DFKDError as error:
        wrong = isinstance(error, ConfigError | DataError | CheckpointError)
        interrupted = getattr(error, "state", None) == "interrupted"  # a SweepStopped
        return _say(str(error), WRONG_INPUT if wrong else INTERRUPTED if interrupted else FAILED)


def _require_words(arguments: list[str]) -> None:
    """ConfigError for an argument that is an empty text: as a path that is the current folder, which nobody meant."""
    for before, word in zip(["", *arguments], arguments, strict=False):
        if not word:
            place = before if before.startswith("-") else f"what follows {before!r}"
            raise ConfigError(f"{place} is empty, as an unset variable is; name what it stands for, or leave it out")


def _require_here() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError("the working directory is gone; cd to another") from error


def _is_given(name: str, arguments: list[str]) -> bool:
    """Whether a path is one of the command line's, or lies below one."""
    given = {Path.cwd() / word.rpartition("=")[2] for word in arguments if word}
    place = Path.cwd() / name
    return bool(name) and any(above in given for above in (place, *place.parents) if above != Path.cwd())


def _say(message: str, status: int) -> int:
    typer.echo(f"dfkd: {printable(' '.join(message.split()))}", err=True)
    return status
