"""Files to launch with: a template for each kind of cluster, filled in from typed options."""

from __future__ import annotations

import platform
import shlex
import textwrap
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from dfkd_core.base.schema import Config

LaunchName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
# Kubernetes' labels end with a letter or a digit; what becomes a service (RFC 1035) begins with a letter
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
ServiceName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Word = Annotated[str, Field(pattern=r"^[\w.:/@~+-]+$")]  # stands in shell and YAML as it is
Place = Annotated[str, Field(pattern=r"^/[\w./+-]*$")]
LaunchCount = Annotated[int, Field(ge=1, le=10_000)]
Duration = Annotated[str, Field(pattern=r"^[0-9:-]+$")]

_HERE = Path(__file__).parent


def _asked(description: str, default: Any = ...) -> Any:
    return Field(default=default, description=description)


class LaunchFile(Config):
    """What every kind asks: which sweep, where its folder lives on, and what workers are like."""

    template: ClassVar[str]

    name: LaunchName = _asked("of the cluster or the job", "dfkd")
    sweep: Word = _asked("the sweep file", "sweep.yaml")
    out: Place = _asked("the sweep folder: a place that lives on, and that every node sees", "/shared/runs/dfkd")
    workers: LaunchCount = _asked("how many nodes at most", 2)
    cpus_per_worker: LaunchCount = _asked("CPU cores of a node", 4)
    gpus_per_worker: int = Field(default=0, ge=0, le=64, description="GPUs of a node")
    memory_gb_per_worker: LaunchCount = _asked("memory of a node", 16)

    def values(self) -> dict[str, Any]:
        """What the template's names stand for, beyond the fields."""
        return {}

    def asks(self) -> str:
        """What it will ask for, in words."""
        return "nothing: an image is built"

    @property
    def node(self) -> str:
        """One node, in words."""
        gpus = f", {self.gpus_per_worker} GPU" if self.gpus_per_worker else ""
        return f"{self.cpus_per_worker} CPU{gpus}, {self.memory_gb_per_worker} GB"

    def text(self, file: str) -> str:
        """The file, as it is to be written to `file`."""
        return self.filled(self.template, file)

    def filled(self, template: str, file: str) -> str:
        """A template with this kind's values."""
        torch, python = version("torch").partition("+")[0], ".".join(platform.python_version_tuple()[:2])
        versions = {"ray_version": version("ray"), "torch_version": torch, "python_version": python}
        filled = {**self.model_dump(), **versions, "file": file, **self.values()}
        text = Template((_HERE / template).read_text()).substitute(filled)
        if not template.endswith(".yaml"):
            return text
        # an option that is not used leaves its line empty
        return "".join(line for line in text.splitlines(keepends=True) if line.strip())


class Launcher(LaunchFile):
    """Ray's cluster launcher; the sweep is submitted through Ray's job API."""

    mount: Place = _asked("where nodes see the shared file system", "/shared")
    idle_minutes: LaunchCount = _asked("a worker without work ends after so long", 5)
    ssh_user: Word = _asked("who logs in on the nodes", "ubuntu")
    constraints: Word = _asked("the file of pinned versions that nodes install under", "constraints.txt")
    package: Word = _asked("what nodes install: a package, a wheel or a folder that they see", "dfkd-sweeps")

    @model_validator(mode="after")
    def _lives_on(self) -> Self:
        if not self.out.startswith(f"{self.mount.rstrip('/')}/"):
            raise ValueError(f"out must lie below mount ({self.mount}), but got {self.out!r}; name a folder there")
        return self

    def values(self) -> dict[str, Any]:
        """Resources in the launcher's words; the sweep file's place here and there."""
        gpus = self.gpus_per_worker
        return {
            "gpu_resource": f", GPU: {gpus}" if gpus else "",
            "gpu_argument": f" --num-gpus={gpus}" if gpus else "",
            "sweep_local": self.sweep,
            "sweep": f"{self.mount}/{Path(self.sweep).name}",
        }


class AWS(Launcher):
    """Workers that scale with the sweep; on spot instances by default, the head on demand."""

    template = "ray/aws.yaml"

    shared: Word = _asked("the address of an EFS file system: fs-....efs.REGION.amazonaws.com")
    image: Word = _asked("an AMI of the region, of a Debian or Ubuntu with Python 3.11 or newer (Ray's own has 3.6)")
    region: LaunchName = _asked("where", "us-east-1")
    head_type: Word = _asked("the head's instance type", "m6i.large")
    worker_type: Word = _asked("the workers' instance type", "m6i.xlarge")
    spot: bool = _asked("spot workers: cheaper, and may be taken away", True)

    def asks(self) -> str:
        """Machines, by type."""
        return _rented(self.head_type, self.worker_type, self)

    def values(self) -> dict[str, Any]:
        """The market's line."""
        market = "      InstanceMarketOptions: {MarketType: spot}   # a lost worker costs its trial the epoch in flight"
        return {**super().values(), "market": market if self.spot else ""}


class GCP(Launcher):
    """As AWS, on Google Cloud."""

    template = "ray/gcp.yaml"

    shared: Word = _asked("a Filestore share: HOST:/SHARE")
    project: LaunchName = _asked("the project's id")
    region: LaunchName = _asked("where", "us-central1")
    zone: LaunchName = _asked("where in the region", "us-central1-a")
    head_type: Word = _asked("the head's machine type", "e2-standard-2")
    worker_type: Word = _asked("the workers' machine type", "c3-standard-4")
    image: Word = _asked("the disks' source image", "projects/debian-cloud/global/images/family/debian-12")
    spot: bool = _asked("spot workers: cheaper, and may be taken away", True)

    def asks(self) -> str:
        """Machines, by type."""
        return _rented(self.head_type, self.worker_type, self)

    def values(self) -> dict[str, Any]:
        """The market's line."""
        market = "      scheduling: [{provisioningModel: SPOT}]     # a lost worker costs its trial the epoch in flight"
        return {**super().values(), "market": market if self.spot else ""}


class OnPrem(Launcher):
    """Machines of one's own, reached by ssh."""

    template = "ray/on-prem.yaml"

    head: Word = _asked("the machine that holds driver and ledger")
    hosts: tuple[Word, ...] = Field(min_length=1, description="a machine that trains; once for each")

    def asks(self) -> str:
        """Nothing that is rented."""
        return f"{self.head} as head and {', '.join(self.hosts)} as workers of {self.node}"

    def values(self) -> dict[str, Any]:
        """As many workers as hosts."""
        return {**super().values(), "workers": len(self.hosts), "hosts": ", ".join(self.hosts)}


class KubeRay(LaunchFile):
    """A RayJob: a cluster made for the sweep and deleted after it; or a RayCluster that sweeps are submitted to."""

    template = "kuberay/job.yaml"

    name: ServiceName = _asked("of the job or the cluster: begins with a letter, ends with a letter or a digit", "dfkd")
    image: Word = _asked("an image with dfkd and ray[default]: `dfkd cluster render docker` writes its Dockerfile")
    namespace: DnsLabel = _asked("Kubernetes namespace", "default")
    claim: DnsLabel = _asked("a volume claim that many nodes can write", "dfkd-shared")
    mount: Place = _asked("where pods see it", "/shared")
    queue: DnsLabel | None = _asked("Kueue's local queue, where there is one", None)
    tracking_secret: DnsLabel = _asked("the secret that holds MLflow's uri and token", "dfkd-tracking")
    idle_minutes: LaunchCount = _asked("a worker without work ends after so long", 5)
    stays: bool = _asked("a RayCluster for `dfkd sweep submit`, which stays until it is deleted, not a RayJob", False)

    def asks(self) -> str:
        """Pods."""
        most = f"{self.workers} workers from the start, in queue {self.queue}" if self.queue else None
        return f"a head of 2 CPU, 8 GB, and {most or f'up to {self.workers} workers'}, each of {self.node}"

    def text(self, file: str) -> str:
        """A RayCluster's specification is the one that a RayJob holds, without the sweep's file."""
        job = super().text(file)
        if not self.stays:
            return job
        lines = job.partition("  rayClusterSpec:\n")[2].splitlines()
        spec = "\n".join(line for line in lines if "{name: sweep, " not in line)
        return self.filled("kuberay/cluster.yaml", file) + textwrap.indent(textwrap.dedent(spec), "  ") + "\n"

    def values(self) -> dict[str, Any]:
        """Labels, limits and times in Kubernetes' words; with a queue, of fixed size (not tried against Kueue)."""
        gpus = self.gpus_per_worker
        return {
            "autoscaling": "false" if self.queue else "true",
            "fewest": self.workers if self.queue else 0,
            "labels": f"  labels: {{kueue.x-k8s.io/queue-name: {self.queue}}}" if self.queue else "",
            "gpu_limit": f", nvidia.com/gpu: {gpus}" if gpus else "",
            "idle_seconds": 60 * self.idle_minutes,
            "sweep_local": self.sweep,
        }


class Slurm(LaunchFile):
    """Ray's head on one node, the driver beside it, a worker on each: all in one allocation, or as an array."""

    template = "slurm/sweep.sbatch"

    dfkd: Word = _asked("the program, as the nodes see it, such as /shared/venv/bin/dfkd")
    array: bool = _asked("an array: each node begins to train when it is free, not all at once", False)
    partition: Word | None = _asked("Slurm's partition", None)
    account: Word | None = _asked("whom Slurm charges", None)
    accelerator: Word | None = _asked("the type of GPU, as the site calls it", None)
    time_limit: Duration = _asked("of one run of the job, in Slurm's words", "24:00:00")
    requeue: bool = _asked("back into the queue when the time is over and work is left", True)

    def asks(self) -> str:
        """One allocation, or one for each node."""
        kind = f" of type {self.accelerator}" if self.accelerator else ""
        how = "up to {} nodes, one by one," if self.array else "{} nodes at once"
        return f"{how.format(self.workers)} for {self.time_limit}, each of {self.node}{kind}"

    def text(self, file: str) -> str:
        """An array has a script of its own."""
        return self.filled("slurm/array.sbatch" if self.array else self.template, file)

    def values(self) -> dict[str, Any]:
        """Slurm's directives, words quoted for the shell, and what both scripts share."""
        kind = f"{self.accelerator}:" if self.accelerator else ""
        directives = {
            "partition": self.partition,
            "account": self.account,
            "gpus-per-node": f"{kind}{self.gpus_per_worker}" if self.gpus_per_worker else None,
        }
        lines = [f"#SBATCH --{name}={value}" for name, value in directives.items() if value]
        words = {name: shlex.quote(getattr(self, name)) for name in ("sweep", "out", "dfkd")}
        words["requeue"] = "yes" if self.requeue else "no"
        shared = {part: (_HERE / "slurm" / f"{part}.sh").read_text().strip() for part in ("set_up", "driver")}
        return {
            "nodes": self.workers,
            "last": self.workers - 1,
            "log": f"{self.out}-%A_%a.log" if self.array else f"{self.out}-%j.log",
            "extra_directives": "\n".join(lines) or "# no partition, account or GPU was asked for",
            **words,
            **{part: Template(text).substitute(words) for part, text in shared.items()},
        }


class Docker(LaunchFile):
    """An image with everything that a node needs."""

    template = "docker/Dockerfile"


def _rented(head: str, worker: str, cloud: AWS | GCP) -> str:
    how = "on spot" if cloud.spot else "on demand"
    return f"one {head} on demand, and up to {cloud.workers} x {worker} {how}, each of {cloud.node}"


KINDS: dict[str, type[LaunchFile]] = {
    "aws": AWS,
    "gcp": GCP,
    "on-prem": OnPrem,
    "kuberay": KubeRay,
    "slurm": Slurm,
    "docker": Docker,
}
