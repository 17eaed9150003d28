"""A whole Slurm on this machine, in a folder of its own: three nodes on one host, ended by their process ids."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import psutil
from services import free_ports, wait_until

PROGRAMS = {"slurmctld": "slurm-wlm", "slurmd": "slurm-wlm", "munged": "munge"}
NODES = ("node1", "node2", "node3")

CONF = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# a requeued job waits as long as a credential lives
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=60
KillWait=5
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Why no Slurm can be started here; None where one can."""
    packages = sorted({package for program, package in PROGRAMS.items() if not found(program)})
    if packages:
        return f"no Slurm on this machine: apt-get install {' '.join(packages)}"
    return None if os.geteuid() == 0 else "Slurm's daemons want to be root, to run jobs as others"


def found(program):
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Slurm:
    """One controller, a daemon for each node, and munge between them, all in `folder`."""

    def __init__(self, folder):
        self.folder, self._processes = Path(folder), {}
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def __enter__(self):
        self.folder.mkdir(mode=0o700)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)
        places = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed", "key-file": "key"}
        options = [f"--{option}={self.folder}/munge.{ending}" for option, ending in places.items()]
        self._start("munged", "--foreground", "--force", "--num-threads=2", *options)
        ports, host = free_ports(1 + len(NODES)), socket.gethostname()
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=4000 State=UNKNOWN"
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        (self.folder / "slurm.conf").write_text(
            CONF.format(folder=self.folder, host=host, user=getpass.getuser(), ports=ports, nodes=nodes)
        )
        wait_until((self.folder / "munge.socket").exists)
        self._start("slurmctld", "-D")
        for name in NODES:
            self._start("slurmd", "-D", "-N", name, name=name)
        wait_until(lambda: self.says("sinfo", "--noheader", "--format=%D %t") == f"{len(NODES)} idle")
        return self

    def __exit__(self, *error):
        """Whatever still runs of jobs, then the daemons; none of them outlives the folder."""
        for process in self.of_jobs():
            end(process)
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)
            process.kill()
            process.wait()

    def _start(self, program, *arguments, name=None):
        log = (self.folder / f"{name or program}.out").open("w")
        self._processes[name or program] = subprocess.Popen(
            [found(program), *arguments], env=self.environment, stdout=log, stderr=log, start_new_session=True
        )

    def says(self, *command):
        """What one of Slurm's commands prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).strip()

    def state(self, job):
        """A job's state in one word; the whole of it stays known for minutes after its end."""
        shown = self.says("scontrol", "show", "job", "--oneliner", job)
        return next((word.partition("=")[2] for word in shown.split() if word.startswith("JobState=")), shown)

    def of_jobs(self, node=None):
        """Processes that jobs have on a node, or on any, with the daemons' parts that watch over them."""
        ours = {"SLURM_CONF": self.environment["SLURM_CONF"]}
        if node:
            ours["SLURMD_NODENAME"] = node
        daemons = {process.pid for process in self._processes.values()}
        processes = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid not in daemons and ours.items() <= process.environ().items():
                    processes[process.pid] = process
                    parent = process.parent()
                    if parent and parent.name().startswith("slurmstepd"):
                        processes[parent.pid] = parent
        return [process for process in processes.values() if process.pid != os.getpid()]

    def kill_node(self, node):
        """Power off: the daemon and all that jobs have there, at once and without a word."""
        for process in [psutil.Process(self._processes[node].pid), *self.of_jobs(node)]:
            end(process)


def end(process):
    with contextlib.suppress(psutil.Error):
        process.send_signal(signal.SIGKILL)
