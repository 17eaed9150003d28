"""Files to launch with, of few options."""

from cluster.launch_files import KINDS

REQUIRED = {
    "aws": {"shared": "fs-1.efs.eu-west-1.amazonaws.com", "image": "ami-1"},
    "gcp": {"shared": "10.0.0.2:/share", "project": "speech"},
    "on-prem": {"head": "10.0.0.1", "hosts": ["10.0.0.2", "10.0.0.3"]},
    "kuberay": {"image": "dfkd:latest"},
    "slurm": {"dfkd": "/shared/venv/bin/dfkd"},
    "docker": {},
}


def text(kind, **options):
    """What a kind's file holds."""
    return KINDS[kind].parse(REQUIRED[kind] | options).text("FILE")
