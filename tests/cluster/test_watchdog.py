"""When a Ray that was started here dies, its driver ends at once and says how to go on."""

import subprocess
import sys
import time

import psutil

from cluster.watchdog import first_dead, own_processes, watched

DRIVER = """
import subprocess, sys, time
import psutil
from cluster import watchdog
server = subprocess.Popen(["sleep", "60"])
watchdog.own_processes = lambda: [psutil.Process(server.pid)]
with watchdog.watched("go on with `dfkd sweep resume runs/x`"):
    print("watching", server.pid, flush=True)
    if sys.argv[1] == "kill":
        server.kill()
        time.sleep(60)
print("left", flush=True)
time.sleep(1.5)
server.kill()
time.sleep(1.5)
"""


def drive(what):
    return subprocess.run(
        [sys.executable, "-c", DRIVER, what], capture_output=True, text=True, timeout=300, check=False
    )


def test_the_death_of_a_server_ends_the_driver_with_one_line():
    done = drive("kill")
    assert done.returncode == 1
    assert "left" not in done.stdout
    assert done.stderr.splitlines()[-1].endswith("and with it this driver; go on with `dfkd sweep resume runs/x`")


def test_after_the_session_its_servers_may_end():
    done = drive("end")
    assert done.returncode == 0, done.stderr
    assert "left" in done.stdout


def test_a_server_is_dead_whether_or_not_it_was_waited_for():
    first, second = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    processes = [psutil.Process(first.pid), psutil.Process(second.pid)]
    assert first_dead(processes) is None
    second.kill()
    while first_dead(processes) is None:
        time.sleep(0.01)
    assert first_dead(processes) == processes[1]
    second.wait()
    assert first_dead(processes) == processes[1]
    first.kill()
    first.wait()


def test_without_servers_of_its_own_a_process_watches_nothing():
    assert own_processes() == []
    with watched("nothing"):
        time.sleep(0.6)
