"""Sweeps as jobs of a Ray cluster: the driver lives there, submitted and followed through Ray's job API."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

from cluster import own_ray
from dfkd_core.base.documents import dump_yaml
from dfkd_core.errors import ConfigError, DFKDError

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

LARGEST_BYTES = 500 << 20  # what Ray takes as a working directory
MOST_NODES = 10_000  # that Ray's list tells of
ANSWER_S = 30.0
STOP_WAIT_S = 300  # for the epochs in flight; Ray's own 3 s would kill the driver
# folders that are never sent, whatever git says of them
LEFT_OUT = {".git", ".venv", "venv", "runs", "mlruns", "models", "build", "dist", "bench-results", "node_modules"}
PASSED_ON = ("MLFLOW_TRACKING_URI", "DFKD_CACHE", "DFKD_BENCH")  # places; the cluster must see them under these names
SECRETS = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY")
# loggers that say each step
CHATTY = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
)
TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - refused, not used


@dataclass(frozen=True)
class SweepJob:
    """A sweep as the cluster's list of jobs tells of it."""

    job_id: str
    sweep: str
    out: str
    status: str  # PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED
    message: str
    driver_exit_code: int | None
    seconds: float  # since it was submitted, until its end where it has ended

    @property
    def is_over(self) -> bool:
        """Whether its driver has ended."""
        return self.status in ("SUCCEEDED", "FAILED", "STOPPED")

    @property
    def exit_status(self) -> int:
        """As the command line's: 0 done, 130 stopped, else what the driver ended with, 1 where it told nothing."""
        if self.status == "SUCCEEDED":
            return 0
        return 130 if self.status == "STOPPED" else self.driver_exit_code or 1

    def __str__(self) -> str:
        hours = f"{self.seconds / 3600:.1f} h"
        return f"{self.job_id}  {self.status.lower():<10}{hours:>8}  {self.sweep}  {self.out}"


class Cluster:
    """The jobs of a cluster whose dashboard answers at an address."""

    def __init__(self, address: str) -> None:
        """ConfigError: no ray[default] here, no cluster there, or one that refuses us."""
        if urlsplit(address).scheme not in ("http", "https"):
            raise ConfigError(f"must be the dashboard's http://HOST:8265, but got {address!r}", key="--address")
        self.address = address
        _use_own_token()
        with self._answering():
            self._client: JobSubmissionClient = job_client(address)

    def submit(
        self, name: str, spec: Mapping[str, Any], out: str, tree: Path | None, report: Callable[[str], None]
    ) -> SweepJob:
        """Send a resolved sweep and, where there is one, the working tree that runs it; the job that was made.

        ConfigError: `out` does not live on, the tree is too large, or a job of this sweep runs already.
        """
        _require_lasting(out)
        for job in self.jobs():
            if not job.is_over and (job.sweep == name or job.out == out):
                rule = f"runs already as job {job.job_id} into {job.out}"
                raise ConfigError(f"{rule}; stop it, or give this one another name and --out", key="name")
        with tempfile.TemporaryDirectory(prefix="dfkd-submit-") as folder:
            size = _stage(Path(folder), tree)
            (Path(folder) / "sweep.yaml").write_text(dump_yaml(spec))
            left_out = f"{', '.join(sorted(LEFT_OUT))} and what git ignores stay here"
            what = f"the working tree {tree} ({left_out})" if tree else "the sweep alone"
            report(f"sending {size / 1e6:.1f} MB of at most {LARGEST_BYTES / 1e6:.0f}: {what}")
            passed_on = {key: value for key in PASSED_ON if (value := os.environ.get(key))}
            variables = {key: value for key, value in passed_on.items() if not urlsplit(value).password}
            for key in (key for key in (*PASSED_ON, *SECRETS) if os.environ.get(key) and key not in variables):
                report(f"{key} is not sent; where the sweep needs it, set it for Ray on the head node")
            with self._answering():
                job_id = self._client.submit_job(
                    entrypoint=f"python -m sweeps sweep run sweep.yaml --out {shlex.quote(out)} "
                    "--or-resume --address auto --yes",
                    submission_id=f"{name}-{time.strftime('%Y%m%d-%H%M%S')}",
                    runtime_env={
                        "working_dir": folder,
                        "env_vars": {
                            **variables,
                            "RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S),
                            "PYTHONUNBUFFERED": "1",
                        },
                    },
                    metadata={"dfkd_sweep": name, "dfkd_out": out},
                )
        return self.job(job_id)

    def follow(self, job: SweepJob, write: Callable[[str], None]) -> SweepJob:
        """Hand on what the driver says until it ends; KeyboardInterrupt ends the following, not the job."""

        async def tail() -> None:
            async for text in self._client.tail_job_logs(job.job_id):
                write(text)

        with self._answering():
            asyncio.run(tail())
        while not (job := self.job(job.job_id)).is_over:
            time.sleep(0.5)
        return job

    def page(self, job: SweepJob) -> str:
        """Where the job is looked at in Ray's dashboard."""
        return f"{self.address.rstrip('/')}/#/jobs/{job.job_id}"

    def last_lines(self, job: SweepJob, count: int) -> list[str]:
        """What the driver has said last."""
        with self._answering():
            return str(self._client.get_job_logs(job.job_id)).splitlines()[-count:]

    def nodes(self) -> list[dict[str, Any]]:
        """The cluster's living nodes, as `ray.nodes()` names what matters of them."""
        from ray.util.state import list_nodes

        with self._answering():
            found = list_nodes(self.address, limit=MOST_NODES, raise_on_missing_output=False)
        return [
            {"Alive": True, "NodeManagerHostname": node.node_name, "Resources": node.resources_total}
            for node in found
            if node.state == "ALIVE"
        ]

    def stop(self, name: str) -> SweepJob:
        """Let the job of this id or sweep finish its epochs in flight and end."""
        job = self.job(name)
        if not job.is_over:
            with self._answering():
                self._client.stop_job(job.job_id)
        return job

    def job(self, name: str) -> SweepJob:
        """The job of an id, or the newest of a sweep's name; ConfigError when there is none."""
        found = [job for job in self.jobs() if name in (job.job_id, job.sweep)]
        if not found:
            known = ", ".join(job.job_id for job in self.jobs()) or "none"
            raise ConfigError(f"must be a job's id or a sweep's name; there are {known}", key=name)
        return min(found, key=lambda job: job.seconds if job.is_over else -1.0)

    def jobs(self) -> list[SweepJob]:
        """The sweeps among the cluster's jobs, newest first."""
        with self._answering():
            listed = [one for one in self._client.list_jobs() if (one.metadata or {}).get("dfkd_sweep")]
        return [_sweep_job(one) for one in sorted(listed, key=lambda one: one.start_time or 0, reverse=True)]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from ray.exceptions import AuthenticationError

        try:
            yield
        except AuthenticationError as error:
            fault = (
                "takes another token than ours" if "invalid" in str(error) else "asks for a token, and there is none"
            )
            rule = f"the Ray at {self.address} {fault}"
            remedy = "put the cluster's into ~/.ray/auth_token, or name its file in RAY_AUTH_TOKEN_PATH"
            raise ConfigError(f"{rule}; {remedy}", key="--address") from error
        except (ConnectionError, OSError) as error:
            rule = f"no Ray dashboard answers at {self.address}: {' '.join(str(error).split())[:200]}"
            raise ConfigError(
                f"{rule}; start Ray's head there, or `ray dashboard` for a tunnel", key="--address"
            ) from error
        except RuntimeError as error:
            raise DFKDError(f"{self.address}: {' '.join(str(error).split())[:300]}") from error


def job_client(address: str) -> JobSubmissionClient:
    """Ray's client; ConfigError where its packages are not installed, OSError where nothing answers."""
    try:
        from ray.job_submission import JobSubmissionClient

        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        _knock(address)
        return JobSubmissionClient(address)
    except (ImportError, RuntimeError) as error:
        if not isinstance(error, ImportError) and "ray[default]" not in str(error):
            raise
        rule = "needs Ray's job client, which is not installed; pip install 'dfkd-sweeps[cluster]'"
        raise ConfigError(rule, key="--address") from error


def _knock(address: str) -> None:
    """Ask for any answer at all, for which Ray's client would wait without end."""
    try:
        with suppress(HTTPError):  # an answer, too: of a dashboard that asks for a token
            urlopen(f"{address.rstrip('/')}/api/version", timeout=ANSWER_S).close()  # noqa: S310 - http or https
    except HTTPException as error:
        raise ConnectionError(f"what answers speaks no HTTP ({type(error).__name__})") from error


def _sweep_job(job: JobDetails) -> SweepJob:
    metadata = job.metadata or {}
    end_ms = job.end_time or 1000 * time.time()
    return SweepJob(
        job_id=job.submission_id or job.job_id or "",
        sweep=metadata["dfkd_sweep"],
        out=metadata["dfkd_out"],
        status=str(job.status.value),
        message=" ".join((job.message or "").split()),
        driver_exit_code=job.driver_exit_code,
        seconds=max(0.0, (end_ms - (job.start_time or end_ms)) / 1000),
    )


def _use_own_token() -> None:
    """Ray reads a token only where it is told to: a token that lies here is meant to be used."""
    has_token = os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH")
    if "RAY_AUTH_MODE" not in os.environ and (has_token or (Path.home() / ".ray" / "auth_token").is_file()):
        os.environ["RAY_AUTH_MODE"] = "token"
        own_ray.raylet.Config.initialize("")  # it has read the variable, where Ray was imported before


def _require_lasting(out: str) -> None:
    """ConfigError: a place that goes with the job, or that means another place there."""
    place = Path(out)
    if not place.is_absolute():
        raise ConfigError(f"must be an absolute path that every node sees, but got {out!r}", key="--out")
    if any(place.is_relative_to(folder) for folder in TEMPORARY):
        rule = f"must be a place that lives on, but {out} is temporary"
        raise ConfigError(f"{rule}; name one on the cluster's shared file system", key="--out")


def _stage(folder: Path, tree: Path | None) -> int:
    """Copy what is sent into `folder`; its size in bytes. ConfigError over Ray's limit, with the largest folders."""
    if tree is None:
        return 0
    files = _tree_files(tree)
    sizes = {file: (tree / file).stat().st_size for file in files}
    if (total := sum(sizes.values())) > LARGEST_BYTES:
        tops: dict[str, int] = {}
        for file, size in sizes.items():
            tops[file.parts[0]] = tops.get(file.parts[0], 0) + size
        largest = sorted(tops, key=tops.__getitem__, reverse=True)[:3]
        heavy = ", ".join(f"{name} {tops[name] / 1e6:.0f} MB" for name in largest)
        rule = f"may hold {LARGEST_BYTES / 1e6:.0f} MB to be sent, but holds {total / 1e6:.0f} ({heavy})"
        raise ConfigError(f"{rule}; name large folders in .gitignore", file=tree)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / file, folder / file)
    return total


def _tree_files(tree: Path) -> list[Path]:
    """The files of a working tree: what git tracks or would, else all but hidden and left-out folders."""
    listing = ["git", "-C", str(tree), "ls-files", "-co", "--exclude-standard", "-z"]
    done = subprocess.run(listing, capture_output=True, check=False)
    if done.returncode == 0:
        named = [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]
    else:
        named = [path.relative_to(tree) for path in tree.rglob("*")]
    kept = (file for file in named if not LEFT_OUT & set(file.parts) and "__pycache__" not in file.parts)
    return [file for file in kept if (tree / file).is_file() and not (tree / file).is_symlink()]
