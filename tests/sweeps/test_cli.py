"""The command line: one line and exit status 2 for wrong input, no traceback."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import typer
from closed_form import sweep
from typer.main import get_command

from dfkd_core.errors import ConfigError
from sweeps import __version__, cli
from sweeps.cli import app, run
from sweeps.commands.options import bounds

LONG = "n" * 300
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "status", LONG],
        ["sweep", "run", f"{LONG}.yaml"],
        ["front", "show", LONG],
        ["export", LONG, "-o", "x.yaml"],
        ["train", f"{LONG}.yaml", "--out", "x"],
        ["evaluate", LONG],
        ["evaluate", "--teacher", LONG],
        ["evaluate", "--estimates", LONG],
        ["enhance", "own-dccrn", f"{LONG}.wav", "x.wav"],
        ["enhance", LONG, "x.wav", "y.wav"],
        ["data", "scan", LONG],
    ],
)
def test_a_name_that_no_file_system_takes_is_one_line_and_status_2(arguments, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("dfkd: ") and len(line) < 600 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep", "runn"], "runn"),
        (["sweep", "run"], "file"),
        (["enhance", "own-dccrn", "", "out"], "what follows 'own-dccrn' is empty, as an unset variable is"),
        (["evaluate", "own-dccrn", "--data", ""], "--data is empty"),
        (["sweep", "run", "nowhere.yaml"], "nowhere.yaml"),
        (["sweep", "run", "nowhere.yaml", "--set", "budget"], "--set"),
        (["sweep", "status", "nowhere"], "nowhere"),
        (["sweep", "resume", "nowhere"], "nowhere"),
        (["front", "show", "nowhere"], "nowhere"),
        (["export", "nowhere", "-o", "x.yaml"], "nowhere"),
        (["train", "nowhere.yaml", "--out", "x"], "nowhere.yaml"),
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", "--teacher", "nowhere"], "--teacher: must be a public model"),
        (["evaluate", "nowhere", "--teacher", "dtln"], "a model folder, or --teacher"),
        (["evaluate"], "a model folder, or --teacher"),
        (["front", "references", "nowhere"], "nowhere"),
        (["data", "scan", "nowhere"], "nowhere"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(arguments, said, capsys, monkeypatch, tmp_path):
    """Whatever is wrong with the input is named in one line; nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    err = capsys.readouterr().err.strip()
    assert said in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("given", "used"), [(None, "1000"), ("5", "5")])
def test_threads_spin_shortly_unless_the_user_says_otherwise(given, used, monkeypatch):
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if given:
        monkeypatch.setenv("GOMP_SPINCOUNT", given)
    monkeypatch.setattr(cli, "run", lambda arguments: 7 if os.environ["GOMP_SPINCOUNT"] == used else 1)
    with pytest.raises(SystemExit, match="7"):
        cli.main()


def test_the_command_line_is_there_before_torch_is():
    """OpenMP reads its settings once, when torch is loaded."""
    code = "import sys, sweeps.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bounds_are_numbers():
    """`--max metric=value` keeps the metric's slash."""
    assert bounds(["model/params=60000"], "--max") == {"model/params": 60000.0}


def test_bounds_take_suffixes_and_repeat():
    told = ["model/params=60k", "model/macs_per_s=0.3G", "model/bytes=1.5M", "val/gain_db=-1e-1", "model/params=50k"]
    limits = {"model/params": 50e3, "model/macs_per_s": 0.3e9, "model/bytes": 1.5e6, "val/gain_db": -0.1}
    assert bounds(told, "--max") == pytest.approx(limits)
    assert bounds(["q=1", "q=2"], "--min") == {"q": 2.0}
    assert bounds(["q=60 k", "p= 2e3M", "r=-.5", "s=+0"], "--max") == {"q": 60e3, "p": 2e9, "r": -0.5, "s": 0.0}


@pytest.mark.parametrize("text", ["model/params", "=60k", " =60k", "", "60k", "q>=5", "q <=5", "q!=5"])
def test_a_bound_without_a_metric_is_refused_in_one_line(text):
    with pytest.raises(ConfigError, match="--max: must read NAME=VALUE"):
        bounds([text], "--max")


@pytest.mark.parametrize(
    "text",
    [
        *("", "k", "60 kB", "60K0", "nan", "inf", "1e400", "0x10", "-", "sixty", "[1]"),
        *("60kk", "60T", "1,000", "5e", "=5", "5%", "true", "1e309k", "a=5"),
    ],
)
def test_a_bound_that_is_no_number_is_refused_in_one_line(text):
    with pytest.raises(ConfigError, match=r"--max model/params: must be a number, such as 60000, 60k or 0\.3G"):
        bounds([f"model/params={text}"], "--max")


@pytest.mark.parametrize(
    ("name", "number", "said", "status"),
    [
        ("runs/x/file", errno.EACCES, "runs/x/file: cannot be used (Permission denied); mend that, or name another", 2),
        ("elsewhere", errno.EACCES, "elsewhere: cannot be used (Permission denied); mend that, or name another", 1),
        ("runs/x", errno.ENOSPC, "runs/x: cannot be used (No space left on device); make room", 2),
        (None, errno.ECONNREFUSED, "[Errno 111] Connection refused", 1),
    ],
)
def test_what_the_system_refuses_is_one_line_and_status_2_below_a_path_that_was_given(
    name, number, said, status, monkeypatch, capsys
):
    monkeypatch.setattr(cli, "app", Mock(side_effect=OSError(number, os.strerror(number), name)))
    assert run(["sweep", "run", "a.yaml", "--out=runs/x"]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dfkd: {said}")


def test_an_error_line_carries_nothing_that_steers_a_terminal(capsys):
    assert run(["front", "show", "no\x1b[2Jwhere\u202e"]) == 2
    err = capsys.readouterr().err
    assert "no\\x1b[2Jwhere\\u202e" in err and "\x1b" not in err


def test_the_version_and_schemas_are_printed(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"dfkd {__version__}")
    for kind in ("sweep", "config", "space"):
        assert run(["schema", kind]) == 0
        assert json.loads(capsys.readouterr().out)["$schema"]
    assert run(["schema", "nothing"]) == 2


def test_a_shell_is_told_how_to_complete(monkeypatch):
    """`dfkd --install-completion` sets a shell up, which then asks as here."""
    asked = {"_DFKD_COMPLETE": "complete_bash", "COMP_WORDS": "dfkd sweep re", "COMP_CWORD": "2"}
    code = "import sys; sys.argv[0] = 'dfkd'; from sweeps.cli import main; main()"
    environment = {**os.environ, **asked}
    told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["resume"]


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_status_and_no_file_gets_their_numbers(closed, tmp_path):
    code = (
        "import os, sys, sweeps.cli as cli;"
        "cli.run = lambda arguments: open('held', 'w').fileno() > 2 and print('x') is None and cli._say('y', 2);"
        "cli.main()"
    )
    command = f'exec "$1" -c "$2" {closed}'
    run_in = subprocess.run(["bash", "-c", command, "bash", sys.executable, code], cwd=tmp_path, check=False)
    assert run_in.returncode == 2
    assert (tmp_path / "held").read_text() == ""


@pytest.fixture
def priced(tmp_path, monkeypatch):
    """A sweep file with a price, and what was begun of it."""
    text = json.dumps({**sweep(), "resources": {"price_per_hour": 2.5}})
    (tmp_path / "priced.yaml").write_text(text)
    begun = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sweeps.engine.driving.run.run_sweep", lambda spec, **options: begun.append("run"))
    monkeypatch.setattr("sweeps.engine.driving.run.run_or_resume", lambda spec, **options: begun.append("or resume"))
    monkeypatch.setattr("sweeps.terminal.summary.show_summary", lambda folder: None)
    planned = SimpleNamespace(text=lambda: "about 40, if trials run as here")
    monkeypatch.setattr("sweeps.engine.driving.plan.plan_sweep", lambda spec, **options: planned)
    return begun


@pytest.mark.parametrize(
    ("arguments", "at_terminal", "agrees", "begun", "asked"),
    [
        ([], True, True, ["run"], True),
        ([], True, False, [], True),
        (["--yes"], True, False, ["run"], False),
        ([], False, False, ["run"], False),
        (["--or-resume"], False, False, ["or resume"], False),
    ],
)
def test_whoever_sits_at_a_terminal_is_told_what_a_priced_sweep_costs(
    priced, monkeypatch, capsys, arguments, at_terminal, agrees, begun, asked
):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: at_terminal))
    monkeypatch.setattr("sys.stdout.isatty", lambda: at_terminal, raising=False)
    questions = []

    def confirm(question, abort):
        questions.append(question)
        if not agrees:
            raise typer.Abort

    monkeypatch.setattr(typer, "confirm", confirm)
    assert run(["sweep", "run", "priced.yaml", *arguments]) == (0 if begun else 130)
    assert priced == begun
    assert ("about 40" in capsys.readouterr().out) == asked == bool(questions)


def test_every_command_that_a_message_or_a_page_names_exists():
    """A remedy that names no command is none."""
    packages = ("dfkd_core", "search_spaces", "cluster", "sweeps")
    files = [p for name in packages for p in (ROOT / name).rglob("*") if p.suffix in {".py", ".js", ".sbatch", ".yaml"}]
    files += [ROOT / "README.md", *(page for page in (ROOT / "docs").glob("*.md") if page.name != "log.md")]
    known, named = get_command(app), set()
    for file in files:
        for found in re.finditer(r"`dfkd ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?", file.read_text()):
            words = [word for word in found.groups() if word]
            command = known.commands[words[0]]
            if hasattr(command, "commands") and len(words) > 1:
                command = command.commands[words[1]]
            named.add(command.name)
    assert {"resume", "scan", "doctor"} <= named, "the names are not found"


def test_a_list_of_what_is_no_folder_is_refused_and_a_sweep_itself_is_listed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["sweep", "list"]) == 0
    assert capsys.readouterr().out == "runs: no sweeps\n"
    (tmp_path / "runs").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "sweep.yaml").write_text("{")
    for root in ([], ["runs"], ["loop"], ["nowhere"]):
        assert run(["sweep", "list", *root]) == 2
        (said,) = capsys.readouterr().err.splitlines()
        assert said == f"dfkd: {(root or ['runs'])[0]}: must be a folder that holds sweep folders; check the path"
    assert run(["sweep", "list", "s"]) == 0
    assert capsys.readouterr().out.startswith(f"s  {tmp_path}/s/sweep.yaml: must be valid YAML")


def test_memory_that_the_system_refuses_is_one_line(monkeypatch, capsys):
    def asks(*_, **__):
        raise RuntimeError(
            "[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes.\n"
        )

    monkeypatch.setattr(cli, "app", asks)
    assert run(["train"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("dfkd: ") and "training.batch_size" in said


def test_a_working_directory_that_is_gone_is_one_line(monkeypatch, capsys, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert run(["sweep", "status", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "dfkd: the working directory is gone; cd to another\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_line_and_status_130(number, tmp_path):
    """While a stream is waited for: the line is out, and nothing is left to do."""
    command = [sys.executable, "-m", "sweeps", "enhance", "own-dccrn", "--live"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdin.write(bytes(64_000))
        process.stdin.flush()
        process.stdout.read(16_000)
        process.send_signal(number)
        said = process.stderr.read().decode()
        assert process.wait(60) == 130
    assert said.splitlines()[-1] == "dfkd: interrupted" and "Traceback" not in said
