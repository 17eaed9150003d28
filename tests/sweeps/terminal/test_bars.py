"""Progress bars: one for each part of the work."""

import io

from rich.console import Console

from sweeps.terminal.bars import bars


def test_each_part_of_the_work_has_its_bar():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with bars(console) as show:
        for done in (1, 4):
            show("read headers", done, 4)
            show("decode audio", done, 8)
    last = console.file.getvalue()
    assert "read headers" in last and "decode audio" in last
    assert "4/4" in last and "4/8" in last
