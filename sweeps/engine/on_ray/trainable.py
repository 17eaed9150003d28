"""Translation between Ray Tune and a Workload; no science, and no mlflow or optuna in the worker."""

from __future__ import annotations

import gc
import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cloudpickle
import ray
from ray import tune
from ray.actor import ActorHandle

from dfkd_core.base.machine import return_freed_memory
from sweeps.engine.deciding.failures import FailureKind, kind_of
from sweeps.engine.deciding.inputs import NOWHERE, REMEDY, Inputs, NodeDiffers, require_equal
from sweeps.engine.deciding.trial_log import TrialLog
from sweeps.engine.on_ray.node_inputs import NodeInputs
from sweeps.engine.on_ray.trial_desk import FarDesk, FarNode, TrialDesk
from sweeps.record.driver_lock import holds
from sweeps.record.trial_folder import read_state
from sweeps.workload import Workload, domain_of


class TrialError(Exception):
    """The workload's failure, or the node's, told to the driver without its secrets and without foreign types."""

    def __init__(self, kind: str, reason: str, node: str = "") -> None:
        super().__init__(kind, reason, node)
        self.kind, self.reason, self.node = kind, reason, node


@dataclass(frozen=True)
class WorkOrder:
    """What every worker of a sweep needs: where, for whom, and the workload's class by value."""

    folder: Path
    home: Path  # where the driver's lock lies
    session: str
    workload: bytes  # cloudpickled by the driver of this very run
    inputs: Inputs
    keeper: ActorHandle | None = None  # for nodes that lack folder or files; None: every node is the driver's


class TrialRunner(tune.Trainable):  # type: ignore[misc]
    """One worker; it takes up one trial after another."""

    workload: Workload | None = None
    places: Mapping[str, str] = NOWHERE  # of what this node was given for the trial

    def setup(self, config: dict[str, Any], order: WorkOrder) -> None:
        """Take up the first trial."""
        self.order = order
        self.kind: type[Workload] = cloudpickle.loads(order.workload)
        self.is_far = order.keeper is not None and not holds(order.home, order.session)
        if order.keeper is not None and self.is_far:
            node = FarNode(this_node(), socket.gethostname())
            order.keeper.tell.remote(f"far {node.node_id}", node)
        gc.freeze()  # the libraries' own objects stay: collecting after each trial then takes a millisecond
        self._take_up(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take up the next trial; nothing of the one before stays."""
        self._take_up(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """One epoch, saved before it is reported; a trial taken up again first repeats its last report."""
        if not self.is_far and not self.order.folder.is_dir():
            raise node_error(f"does not see {self.order.folder}; {REMEDY}")
        try:
            with TrialLog(self.desk.log) as log:
                try:
                    return self._step()
                except NodeDiffers as error:
                    log.note_exception(error)
                    raise node_error(str(error)) from None
                except Exception as error:
                    raise TrialError(kind_of(error), log.note_exception(error)) from None
                except (SystemExit, KeyboardInterrupt, GeneratorExit) as error:
                    if hasattr(error, "ray_terminate_msg"):  # Ray's own, of a node that is told to go
                        raise
                    raise TrialError(FailureKind.ERROR, log.note_exception(error)) from None
        except OSError as error:  # the log itself cannot be written
            raise TrialError(kind_of(error), f"{self.desk.log}: {error}") from None
        finally:
            self.desk.send_log()

    def cleanup(self) -> None:
        """Drop the trial."""
        self.workload = None

    def _take_up(self, config: dict[str, Any]) -> None:
        self.workload, self.epoch = None, 0
        release_memory()
        self.trial_config, self.start_hash = json.loads(config["config"]), config["start_hash"]
        self.inputs_key, self.input_hashes = config["inputs"]
        order, number = self.order, config["number"]
        self.desk: TrialDesk | FarDesk = TrialDesk(order.folder, number, order.home, order.session)
        if self.is_far:
            self.desk = FarDesk(order.keeper, number)

    def _step(self) -> dict[str, Any]:
        workload, last_report = (self.workload, None) if self.workload else self._begin()
        if last_report is not None:
            return last_report
        self.desk.check()
        metrics = as_floats(workload.step())
        self.epoch += 1
        self.desk.save(self.epoch, metrics, workload.save)
        return self._report(metrics)

    def _begin(self) -> tuple[Workload, dict[str, Any] | None]:
        """Build the workload from the newest checkpoint that can be read, with its report, else from nothing."""
        self._require_inputs()
        self.desk.claim()
        for checkpoint in self.desk.checkpoints():
            try:
                self.workload = self._built()
                self.epoch, metrics = read_state(checkpoint)
                self.workload.load(checkpoint)
                return self.workload, self._report(metrics)
            except NodeDiffers:
                raise
            except Exception as error:  # whatever a damaged file makes a workload raise: the one before may do
                print(f"{checkpoint} cannot be used, trying an older one: {type(error).__name__}: {error}")  # noqa: T201 - into log.txt
        self.workload, self.epoch = self._built(), 0
        return self.workload, None

    @cached_property
    def node_inputs(self) -> NodeInputs:
        """What this node has of what trials read."""
        return NodeInputs(domain_of(self.kind), self.order.inputs.epochs, self.order.keeper)

    def _require_inputs(self) -> None:
        """NodeDiffers unless this node has, or can be given, what all trials share and what this one reads beside."""
        searched = Inputs(self.trial_config, self.order.inputs.epochs, self.input_hashes)
        for key, inputs in (("", self.order.inputs), (self.inputs_key, searched)):
            self.places = self.node_inputs.require(key, inputs)

    def _built(self) -> Workload:
        """The trial's workload; NodeDiffers unless it begins with the very model that the driver found for it."""
        try:
            return self._build()
        except NodeDiffers as lack:
            self.places = self.node_inputs.given(self.trial_config, lack)
            return self._build()

    def _build(self) -> Workload:
        domain = domain_of(self.kind)
        config = self.trial_config
        if self.places:
            parsed = domain.trial_config(config, self.order.inputs.epochs)
            config = domain.dump(domain.moved(parsed, self.places))
        try:
            workload = self.kind(config)
        except Exception:
            self._require_start(config)
            raise
        found = getattr(workload, "tags", {}).get("start_hash")
        if found is None:
            self._require_start(config)
        else:
            require_equal("start_hash", self.start_hash, found)
        return workload

    def _require_start(self, config: dict[str, Any]) -> None:
        """Ask this node for the trial's start, where its workload does not tell it."""
        if self.start_hash is None:
            return
        domain = domain_of(self.kind)
        try:
            found = domain.start_hash(domain.trial_config(config, self.order.inputs.epochs))
        except Exception as error:  # the driver has found it
            raise NodeDiffers(f"lacks what the trial begins with: {error}; {REMEDY}") from error
        require_equal("start_hash", self.start_hash, found)

    def _report(self, metrics: dict[str, Any]) -> dict[str, Any]:
        node = {"node": socket.gethostname(), "device": str(getattr(self.workload, "device", "cpu"))}
        return {"epoch": self.epoch, "metrics": metrics, "where": node | dict(getattr(self.workload, "tags", {}))}


def node_error(reason: str) -> TrialError:
    """This node cannot be trusted with the sweep's trials."""
    node = this_node()
    return TrialError(FailureKind.NODE_DIFFERS, f"{socket.gethostname()} (node {node[:8]}) {reason}", node)


def this_node() -> str:
    """Ray's id of it."""
    return str(ray.get_runtime_context().get_node_id())


def as_floats(metrics: Any) -> dict[str, Any]:
    """Numbers of any library as floats; what is no number is passed on as text, for the driver to refuse."""
    if not isinstance(metrics, Mapping):
        raise TypeError(f"step() must return a mapping of metrics, but returned {metrics!r:.100}")
    return {name: _as_float(value) for name, value in metrics.items()}


def _as_float(value: Any) -> Any:
    if isinstance(value, str | bool) or value is None:
        return repr(value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return repr(value)[:100]


def release_memory() -> None:
    """Give back what the trial before held: objects, host memory, and cached accelerator memory where there is any."""
    gc.collect()
    return_freed_memory()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
