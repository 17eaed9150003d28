"""What a sweep says while it works; when nobody listens any more, it works on."""

import subprocess
import sys

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
