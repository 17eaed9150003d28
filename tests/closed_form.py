"""Closed-form workloads: the mechanics of a sweep are checked in seconds, without training anything.

quality = (1 - (x - 0.4)^2) * size / (size + 0.3) * (1 - 2^-epoch), to maximise; params = 2e6 * size, static.
Every epoch leaves a line in `<log>/epochs.jsonl`, so that work paid twice is seen from outside.
"""

import errno
import json
import math
import os
import time
from pathlib import Path

import numpy as np

from dfkd_core.errors import ConfigError, TrainingDiverged
from sweeps.workload import FreeDomain

QUALITY, PARAMS = "val/quality", "model/params"


def quality(x, size, epoch=math.inf):
    """The closed form."""
    return (1 - (x - 0.4) ** 2) * size / (size + 0.3) * (1 - 2.0**-epoch)


class Curve:
    """The closed form, one epoch a step; `faults` maps a planted fault to the region [low, high) of x that it hits.

    No trial comes to the end of its third epoch before the file `gate` is there.
    """

    def __init__(self, config):
        self.config, self.epoch = config, 0

    @classmethod
    def static_metrics(cls, config):
        return {PARAMS: 2e6 * config["size"]}

    def step(self):
        self.epoch += 1
        self._note()
        while self.epoch > 2 and "gate" in self.config and not Path(self.config["gate"]).exists():
            time.sleep(0.05)
        time.sleep(self.config.get("epoch_s", 0.0))
        metrics = {QUALITY: quality(self.config["x"], self.config["size"], self.epoch), "train/loss": 1 / self.epoch}
        fault = fault_at(self.config)
        return FAULTS[fault](self, metrics) if fault else metrics

    def save(self, directory):
        (Path(directory) / "curve.json").write_text(json.dumps({"epoch": self.epoch}))

    def load(self, directory):
        self.epoch = json.loads((Path(directory) / "curve.json").read_text())["epoch"]

    def _note(self):
        if "log" in self.config:
            import ray

            node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""
            line = {
                "x": self.config["x"],
                "seed": self.config.get("seed"),
                "epoch": self.epoch,
                "pid": os.getpid(),
                "node": node,
                "time": time.time(),
            }
            with Path(self.config["log"], "epochs.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    def _first_time(self):
        """True once for every x, whichever process asks."""
        try:
            Path(self.config["log"], f"once-{self.config['x']!r}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def fault_at(config):
    """The planted fault that x lies in."""
    regions = config.get("faults", {}).items()
    return next((name for name, (low, high) in regions if low <= config["x"] < high), None)


def _raise(curve, metrics):
    raise RuntimeError(f"planted at x {curve.config['x']:.3f}")


def _diverge(curve, metrics):
    raise TrainingDiverged("the loss is no longer finite")


def _once(curve, metrics):
    if curve._first_time():
        raise RuntimeError("planted: only the first time")
    return metrics


def _die_once(curve, metrics):
    if curve.epoch > 1 and curve._first_time():
        os._exit(1)
    return metrics


def _die(curve, metrics):
    os._exit(1)


def _hang(curve, metrics):
    time.sleep(600)
    return metrics


def _dawdle(curve, metrics):
    time.sleep(1.5)
    return metrics


def _fill(curve, metrics):
    if curve._first_time():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "planted")
    return metrics


def _hungry(curve, metrics):
    """Takes more and more memory, four gigabytes at most, until somebody ends it."""
    kept = [os.urandom(1 << 20) * 64 for _ in range(64)]
    return {**metrics, "kept": len(kept)}


def _leak(curve, metrics):
    print("connecting with", os.environ["DFKD_TEST_PASSWORD"])
    raise ConnectionError(f"postgresql://u:{os.environ['DFKD_TEST_PASSWORD']}@db refused the connection")


FAULTS = {
    "raise": _raise,
    "diverge": _diverge,
    "once": _once,
    "die": _die,
    "die_once": _die_once,
    "hang": _hang,
    "dawdle": _dawdle,
    "fill": _fill,
    "hungry": _hungry,
    "leak": _leak,
    "nan": lambda curve, metrics: {**metrics, QUALITY: math.nan},
    "infinite": lambda curve, metrics: {**metrics, QUALITY: math.inf},
    "missing": lambda curve, metrics: {"train/loss": 1.0},
    "text": lambda curve, metrics: {**metrics, QUALITY: "good"},
    "nothing": lambda curve, metrics: None,
}


class HashedDomain(FreeDomain):
    """A domain whose data is a file named by the config, below DFKD_TEST_ROOT: its content is the hash."""

    def prepare(self, config, progress):
        content = Path(os.environ.get("DFKD_TEST_ROOT", ""), config["data"]).read_text()
        return {"data_hash": content, "teacher_hash": None}


class Hashed(Curve):
    """A workload that says what its results depend on."""

    domain = HashedDomain()


class ServedDomain(HashedDomain):
    """Such a domain, whose data a node can be given."""

    def input_files(self, config):
        return {config["data"]: {"": Path(config["data"])}}

    def moved(self, config, places):
        return {**config, "data": places.get(config["data"], config["data"])}


class Served(Curve):
    """A workload whose data a node can be given; it trains on nothing else."""

    domain = ServedDomain()

    def __init__(self, config):
        super().__init__(config)
        Path(config["data"]).read_text()


class PickyDomain(FreeDomain):
    """A domain whose configs must have x below 0.9."""

    def trial_config(self, config, epochs):
        if config["x"] >= 0.9:
            raise ConfigError(f"must be below 0.9, but got {config['x']}", key="x")
        return dict(config)


def sweep(trials=6, epochs=2, log=None, config=None, **changes):
    """A sweep file's mapping over the closed form; `changes` replace its blocks."""
    base = {"x": 0.5, "size": 0.5, **({"log": str(log)} if log else {}), **(config or {})}
    return {
        "name": "closed",
        "experiment": "tests",
        "config": base,
        "space": {"x": {"min": 0.0, "max": 1.0}, "size": {"min": 0.05, "max": 1.0, "log": True}},
        "objectives": [
            {"metric": QUALITY, "goal": "maximize"},
            {"metric": PARAMS, "goal": "minimize", "scale": "log"},
        ],
        "reference_point": {QUALITY: 0.0, PARAMS: 2e6},
        "budget": {"trials": trials, "epochs_per_trial": epochs},
        "sampler": {"name": "random", "seed": 3},
        "resources": {"max_concurrent": 2},
        **changes,
    }


def epochs_run(log):
    """Every epoch that any worker has begun, in order."""
    path = Path(log, "epochs.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class Seeded(Curve):
    """The closed form with a noise that the config's `seed` decides; the epochs' lines name it."""

    def step(self):
        metrics = super().step()
        noise = np.random.default_rng([self.config["seed"], round(1e9 * self.config["x"])]).normal()
        return {**metrics, QUALITY: metrics[QUALITY] + self.config.get("noise", 0.01) * noise}
