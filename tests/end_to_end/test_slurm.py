"""A sweep through the rendered script on a real Slurm of three nodes: told to stop and requeued, then a node dies."""

import shutil
import sys
from pathlib import Path

import pytest
import yaml
from closed_form import epochs_run, sweep
from drivers import ROOT, epochs_by_trial
from one_story import disagreements, texts_below
from services import wait_until
from slurm_here import Slurm, missing

from sweeps.cli import run
from sweeps.terminal.status import sweep_status

TRIALS, EPOCHS = 12, 4
GOES_ON = {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "COMPLETED"}
# the command line as it is, but for the workload; the script finds `ray` and `python` beside it
PROGRAMS = {
    "dfkd": f"""#!{sys.executable}
from closed_form import Curve
from sweeps.cli import main
from sweeps.engine.driving import run
run.default_workload = lambda: Curve
main()
""",
    "ray": f'#!/bin/sh\nexec {sys.executable} -m ray.scripts.scripts "$@"\n',
    "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
}

# what costs nothing in their place: the first Ray of node2 fails, as on a busy node; the driver ends when it is told to
IDLE = {
    "dfkd": """#!/bin/sh
[ -e {folder}/again ] && exit 0
touch {folder}/again {folder}/driver
trap 'exit 130' TERM
while true; do sleep 0.2; done
""",
    "ray": """#!/bin/sh
[ "$1" = start ] || exit 0
echo "$SLURMD_NODENAME $RAY_AUTH_MODE $*" >>{folder}/starts
[ "$SLURMD_NODENAME" = node2 ] && [ "$(grep -c node2 {folder}/starts)" = 1 ] && exit 1
trap 'echo "$SLURMD_NODENAME" >>{folder}/ends; exit 0' TERM
while true; do sleep 0.2; done
""",
    "python": """#!/bin/sh
case "$2" in *secrets*) echo 0123 ;; *) echo 127.0.0.1:6379 ;; esac
""",
}

if reason := missing():
    pytest.skip(reason, allow_module_level=True)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Three nodes, whose jobs see the tests' workload, and whose Ray has a place of its own."""
    place, patch = tmp_path_factory.mktemp("slurm"), pytest.MonkeyPatch()
    temporary = Path(f"/tmp/dfkd-{place.stat().st_ino}")  # short: Ray's sockets lie in it
    temporary.mkdir()
    patch.setenv("RAY_TMPDIR", str(temporary))
    patch.setenv("HOME", str(place))
    patch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'tests'}")
    with Slurm(place / "daemons") as slurm:
        yield slurm
    patch.undo()
    shutil.rmtree(temporary, ignore_errors=True)


def submit(slurm, folder, file, out, programs, *more):
    """A job of the rendered script, whose programs are these; its id, and the file that it writes to."""
    (folder / "bin").mkdir()
    out.parent.mkdir()
    for name, text in programs.items():
        (folder / "bin" / name).write_text(text.replace("{folder}", str(folder)))
        (folder / "bin" / name).chmod(0o755)
    options = {"dfkd": folder / "bin" / "dfkd", "sweep": file, "out": out, "workers": 3, "cpus-per-worker": 1}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    script = str(folder / "sweep.sbatch")
    assert run(["cluster", "render", "slurm", "-o", script, "--memory-gb-per-worker", "1", *words, *more]) == 0
    job = slurm.says("sbatch", "--parsable", script)
    assert job.isdigit(), job
    return job, Path(f"{out}-{job}.log")


def follow(slurm, job, said, true, timeout_s=400):
    """Wait until `true(state)`, as long as the job has not failed."""

    def now():
        state = slurm.state(job)
        assert state in GOES_ON, f"{state}: {said.read_text() if said.exists() else ''}"
        return true(state)

    wait_until(now, timeout_s)


def test_a_ray_that_cannot_start_is_started_again_and_every_ray_ends_with_its_job(slurm, tmp_path):
    job, said = submit(slurm, tmp_path, tmp_path / "x.yaml", tmp_path / "runs" / "x", IDLE)
    starts, ends = tmp_path / "starts", tmp_path / "ends"

    def begun():
        return sorted(line.split()[0] for line in starts.read_text().splitlines()) if starts.exists() else []

    follow(slurm, job, said, lambda state: begun() == ["node1", "node2", "node2", "node3"])
    assert (tmp_path / "driver").exists() and all(" token start " in line for line in starts.read_text().splitlines())
    token = tmp_path / "runs" / f"x.slurm-{job}" / "token"
    assert token.read_text() == "0123\n" and token.stat().st_mode & 0o077 == 0
    slurm.says("scancel", "--signal=TERM", "--batch", job)
    follow(slurm, job, said, lambda state: state == "PENDING")
    follow(slurm, job, said, lambda state: state == "COMPLETED")
    wait_until(lambda: not slurm.of_jobs())
    assert set(ends.read_text().split()) == {"node1", "node2", "node3"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [said.name], "token and logs go"


def test_an_array_begins_with_one_node_that_others_join_and_end_with(slurm, tmp_path):
    held = slurm.says("sbatch", "--parsable", "--exclusive", "--nodes=2", "--output=/dev/null", "--wrap=sleep 600")
    wait_until(lambda: slurm.state(held) == "RUNNING")
    job, _ = submit(
        slurm, tmp_path, tmp_path / "x.yaml", tmp_path / "runs" / "x", IDLE, "--array", "--cpus-per-worker", "4"
    )
    said = tmp_path / "runs" / f"x-{job}_0.log"
    starts, place = tmp_path / "starts", tmp_path / "runs" / f"x.slurm-{job}"

    def begun():
        return [line.split(" token start ") for line in starts.read_text().splitlines()] if starts.exists() else []

    follow(slurm, f"{job}_0", said, lambda state: (tmp_path / "driver").exists())
    assert [words.split()[0] for _, words in begun()] == ["--head"], "one node was free"
    address = (place / "address").read_text().strip()
    slurm.says("scancel", held)
    follow(
        slurm,
        f"{job}_0",
        said,
        lambda state: sorted(node for node, _ in begun()) == ["node1", "node2", "node2", "node3"],
    )
    assert all(words.split()[0] == f"--address={address}" for _, words in begun()[1:])
    slurm.says("scancel", "--signal=TERM", "--batch", f"{job}_0")
    follow(slurm, f"{job}_0", said, lambda state: state == "COMPLETED")
    wait_until(lambda: not slurm.of_jobs())
    assert [words.split()[0] for _, words in begun()].count("--head") == 2, "it went on where it was"
    assert set((tmp_path / "ends").read_text().split()) == {"node1", "node2", "node3"}
    assert not place.exists(), "token and logs go"


def test_a_task_of_an_array_that_has_no_head_to_join_gives_its_node_back(slurm, tmp_path):
    words = ("--name", "alone", "--dfkd", "/bin/dfkd", "--memory-gb-per-worker", "1", "--array")
    script, out = tmp_path / "sweep.sbatch", tmp_path / "x"
    assert run(["cluster", "render", "slurm", "-o", str(script), "--out", str(out), *words]) == 0
    script.write_text(script.read_text().replace("-lt 300 ]", "-lt 1 ]"))  # seconds that it waits
    job = slurm.says("sbatch", "--parsable", "--array=1", str(script))
    wait_until(lambda: "Restarts=1 " in slurm.says("scontrol", "show", "job", "--oneliner", f"{job}_1"))
    slurm.says("scancel", job)
    wait_until(lambda: not slurm.of_jobs())


def test_a_requeue_and_a_dead_node_cost_no_trial(slurm, tmp_path):
    log, folder, file = (tmp_path / name for name in ("log", "runs/tiny", "tiny.yaml"))
    log.mkdir()
    gate = tmp_path / "gate"  # nobody's third epoch ends before it is there
    spec = sweep(TRIALS, EPOCHS, log, {"gate": str(gate)}, failures={"max_retries": 0}, resources={})
    file.write_text(yaml.safe_dump(spec))
    job, said = submit(slurm, tmp_path, file, folder, PROGRAMS)

    def nodes():
        return {line["node"] for line in epochs_run(log)}

    follow(slurm, job, said, lambda state: len(nodes()) == 3)
    first = nodes()
    slurm.says("scancel", "--signal=TERM", "--batch", job)
    gate.touch()
    follow(slurm, job, said, lambda state: state == "PENDING")
    gate.unlink()
    assert sweep_status(folder)["state"] == "interrupted"
    assert 0 < sum(len(epochs) for epochs in epochs_by_trial(log).values()) < TRIALS * EPOCHS

    follow(slurm, job, said, lambda state: len(nodes() - first) == 3)
    slurm.kill_node("node3")
    gate.touch()
    follow(slurm, job, said, lambda state: state == "COMPLETED")

    assert disagreements(folder, TRIALS) == []
    assert {state: number for state, number in sweep_status(folder)["trials"].items() if number} == {"COMPLETE": TRIALS}
    trained = epochs_by_trial(log)
    assert all(sorted(epochs) == list(range(1, EPOCHS + 1)) for epochs in trained.values())
    assert sum(sum(epochs.values()) for epochs in trained.values()) <= TRIALS * EPOCHS + 1, (
        "one epoch died with its node"
    )
    assert sorted(path.name for path in folder.parent.glob("tiny*")) == ["tiny", f"tiny-{job}.log"], "token and logs go"
    assert not [path for path, text in texts_below(folder).items() if "RAY_AUTH" in text]
