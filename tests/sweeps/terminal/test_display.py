"""What a sweep says while it works; when nobody listens any more, it works on."""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from rich.console import Console

from sweeps.terminal.live_display import bars

SAY = """
import sys
from sweeps.terminal.display import say
for line in range(20000):
    say(f"line {line}")
sys.stderr.write("done")
"""


def test_a_reader_that_has_gone_ends_the_display_and_not_the_work():
    speaker = subprocess.Popen([sys.executable, "-c", SAY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert speaker.stdout.readline() == "line 0\n"
    speaker.stdout.close()
    assert speaker.stderr.read() == "done"
    assert speaker.wait() == 0


PREPARE = """
import time
from sweeps.terminal.live_display import LiveDisplay
with LiveDisplay().preparing() as progress:
    for what, total in (("read headers", 1), ("decode audio", 649), ("check pairs", 120), ("teacher: epoch 1", 60)):
        for done in range(1, total + 1):
            progress(what, done, total)
            time.sleep(0.002)
"""


def on_a_terminal(code):
    """All that a program writes to a pseudo-terminal of 100 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    program = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert program.wait() == 0
    return written.decode()


def screen(written):
    """The lines that stand on a terminal at the end: text, new lines, the cursor up and lines erased."""
    lines, row = [""], 0
    for part in re.split(r"(\r\n|\n|\r|\x1b\[[0-9;?]*[A-Za-z])", written):
        if part in ("\n", "\r\n"):
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part in ("\x1b[2K", "\r"):
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] += part
    return [line for line in lines if line]


def test_preparation_is_one_bar_a_part_on_a_real_terminal_and_not_a_line_a_step():
    lines = screen(on_a_terminal(PREPARE))
    parts = {"read headers": "1/1", "decode audio": "649/649", "check pairs": "120/120", "teacher: epoch 1": "60/60"}
    for line, (what, count) in zip(lines, parts.items(), strict=True):
        assert line.count(what) == 1 and count in line


def test_each_part_of_the_work_has_its_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with bars(console) as show:
        for done in (1, 4):
            show("read headers", done, 4)
            show("decode audio", done, 8)
    last = console.file.getvalue()
    assert "read headers" in last and "decode audio" in last
    assert "4/4" in last and "4/8" in last
