"""What a sweep would do, without training anything: sizes of sampled students, constraints, enough trials."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from cluster.asked_for import AskedFor, asked_for
from cluster.resources import check_fits, gpu_bytes, in_words, num_slots, this_machine
from dfkd_core.base.key_paths import with_overrides
from dfkd_core.errors import ConfigError, DataError
from search_spaces.space import Space
from sweeps.definition.constraints import broken
from sweeps.definition.spec import Budget, SweepSpec
from sweeps.engine.deciding.serving import in_mb, name_of
from sweeps.engine.driving.checking import resolved
from sweeps.engine.driving.preparing import NUM_SAMPLES, default_workload, require_inputs, sample
from sweeps.search.cube import Cube
from sweeps.search.history import COUNTED
from sweeps.search.pareto_asha import rung_epochs
from sweeps.terminal.display import Display
from sweeps.workload import Domain, Workload, domain_of

TRIALS_PER_DIMENSION = 10


@dataclass(frozen=True)
class Plan:
    """The dry run's figures."""

    name: str
    num_trials: int | None  # the budget's, or where the space holds fewer configurations, theirs
    num_epochs: int
    num_dimensions: float  # active ones that leave a choice, on average
    infeasible_share: float
    sizes: dict[str, tuple[float, float, float]]  # metric -> smallest, median, largest
    epoch_s: float | None = None
    price_per_hour: float | None = None  # of one trial's resources
    at_once: dict[str, int] = field(default_factory=dict)  # node -> trials that it holds
    max_concurrent: int | None = None
    trial: str = ""  # what one asks for, where an autoscaler brings nodes
    gpu_share: float = 0.0  # of a GPU, that each trial asks for
    trial_bytes: float | None = None  # on its GPU, of the largest sampled trial
    gpu_bytes: dict[str, float | None] = field(default_factory=dict)  # node -> memory of one of its GPUs, when known
    starts: dict[str, float] = field(default_factory=dict)  # what trials begin with -> seconds before the first epoch
    hours: float | None = None  # the budget's
    asks_to_stop: bool = False
    stopped_share: float = 0.0  # of all epochs, what early stopping at its rungs saves when the best go on
    launched: AskedFor | None = None  # what the file that it is planned against asks for
    given: str = ""  # what becomes of a node that lacks what trials read, in words
    num_points: int | None = None  # configurations of a space without ranges

    @property
    def slots(self) -> int:
        """How many trials run at once, on the nodes that are there."""
        return min(sum(self.at_once.values()), self.num_usable)

    @property
    def num_usable(self) -> int:
        """How many the sweep could have at work at once; of a budget of hours any number."""
        limits = (self.max_concurrent, self.num_trials)
        return min((limit for limit in limits if limit is not None), default=sys.maxsize)

    @property
    def expected_trials(self) -> int | None:
        """How many trials of median length end within the hours, those that cost no training among them."""
        if self.hours is None or not self.epoch_s or self.infeasible_share >= 1:
            return None
        at_full_length = int(3600 * self.hours / (self.num_epochs * self.epoch_s)) * max(1, self.slots)
        return int(at_full_length / (1 - self.infeasible_share))

    def text(self) -> str:
        """The plan in a few lines."""
        budget = Budget(trials=self.num_trials, epochs_per_trial=self.num_epochs, hours=self.hours)
        lines = [f"{self.name}: {budget}"]
        lines.append(f"sizes of {NUM_SAMPLES} sampled trials: smallest, median, largest")
        lines += [
            f"  {metric:22}{''.join(f'{_figure(value):>12}' for value in spread)}"
            for metric, spread in self.sizes.items()
        ]
        hours = None if self.epoch_s is None else self._core_hours(self.epoch_s)
        if self.epoch_s is not None:
            whole = "" if self.num_trials is None else f": {hours:.1f} h on one core"
            lines.append(f"an epoch of a median trial takes about {self.epoch_s:.2g} s here{whole}")
        lasting = hours if self.num_trials is not None else None
        if self.launched:
            lines += self._launch(self.launched, lasting)
        if self.slots:
            held = ", ".join(f"{node} {count}" for node, count in self.at_once.items() if count)
            lines.append(f"{self.slots} trials run at once ({held}){_lasting(lasting, self.slots)}")
        if self.trial and self.num_usable < sys.maxsize:
            asked = f"{self.num_usable} x {self.trial}"
            lines.append(
                f"the cluster's autoscaler is asked for {asked}{_lasting(lasting, self.num_usable)} if all come"
            )
        elif self.trial:
            lines.append(f"the cluster's autoscaler is asked for {self.trial}, twice as many as are at work each time")
        if self.given:
            lines.append(self.given)
        if hours is not None and self.price_per_hour is not None:
            cost = hours * self.price_per_hour
            lines.append(
                f"at resources.price_per_hour {self.price_per_hour:g}: about {cost:.3g}, if trials run as here"
            )
        lines += [*self._how_far(), *self._whole_space()]
        if self.gpu_share and self.trial_bytes is not None:
            lines += self._memory()
        lines += [
            f"begun with {start}: about {seconds:.0f} s more before the first epoch of each shape's first trial"
            for start, seconds in self.starts.items()
            if seconds
        ]
        lines.append(f"{self.infeasible_share:.0%} of sampled trials break a static constraint")
        if self.infeasible_share and self.num_trials is not None:
            left = round((1 - self.infeasible_share) * self.num_trials)
            lines.append(
                f"  they cost no training, and count: of a random {self.num_trials} about {left} would be trained; "
                "samplers that learn from constraints (front, tpe) draw fewer"
            )
        needed = math.ceil(TRIALS_PER_DIMENSION * self.num_dimensions)
        num_trials, raised = self.num_trials, "budget.trials"
        if num_trials is None:
            num_trials, raised = self.expected_trials, "budget.hours"
        if num_trials is not None and num_trials < needed:
            lines.append(
                f"warning: {self.num_dimensions:g} active dimensions ask for about {needed} trials "
                f"({TRIALS_PER_DIMENSION} each); raise {raised} or search fewer keys"
            )
        return "\n".join(lines)

    def _launch(self, asked: AskedFor, hours: float | None) -> list[str]:
        """What a file asks for, how much of it the sweep uses, and where the two do not go together."""
        lines, most = [f"the file asks for {asked}"], sum(self.at_once.values())
        used = math.ceil(asked.num_nodes * self.slots / most)
        if used < asked.num_nodes:
            lines.append(f"warning: no more than {self.slots} trials run at once, for which {used} nodes are enough")
        if asked.gpus and not self.gpu_share:
            lines.append("warning: no trial uses its GPUs, resources.gpus_per_trial being 0")
        if hours is not None and self.slots:
            whole = hours / self.slots
            gpus = f", {whole * used * asked.gpus:.1f} GPU-hours" if asked.gpus else ""
            lines.append(f"about {whole * used:.1f} hours of such nodes{gpus}, with none idle")
            if asked.hours and whole > asked.hours:
                runs = math.ceil(whole / asked.hours)
                lines.append(f"it goes back into the queue and on: about {runs} runs of {asked.hours:.3g} h")
        return lines

    def _core_hours(self, epoch_s: float) -> float:
        """What trials take one after another; of hours alone, of all slots."""
        if self.num_trials is None:
            return (self.hours or 0.0) * max(1, self.slots)
        return self.num_trials * self.num_epochs * epoch_s / 3600

    def _how_far(self) -> list[str]:
        """What the hours are enough for."""
        if self.hours is None:
            return []
        if self.expected_trials is None:
            return [f"{self.hours:g} h: how many trials that makes, `dfkd sweep status` tells once some have ended"]
        line = f"{self.hours:g} h are enough for about {self.expected_trials} trials at full length"
        if self.stopped_share:
            most = int(self.expected_trials / (1 - self.stopped_share))
            line += f", {most} where early stopping saves {self.stopped_share:.0%} of the epochs"
        return [f"{line}; no trial begins that would not end in time"]

    def _whole_space(self) -> list[str]:
        """What becomes of a space that the budget can go through."""
        if self.num_points is None or (self.num_trials is not None and self.num_trials < self.num_points):
            return []
        lines = [f"the space has {self.num_points} configurations: when each has a trial, the sweep ends"]
        if self.asks_to_stop and not self.stopped_share:
            lines.append("  none is stopped early, since none is tried again")
        return lines

    def _memory(self) -> list[str]:
        """What trials take of their GPU, and a warning for each node where those that share one do not fit."""
        sharing, held = max(1, int(1 / self.gpu_share)), self.trial_bytes or 0.0
        lines = [f"the largest sampled trial takes about {held / 2**30:.1f} GiB of its GPU, {sharing} trials to a GPU"]
        for node, size in self.gpu_bytes.items():
            if size is not None and sharing * held > size:
                fitting = max(1, int(size / held))
                remedy = f"resources.gpus_per_trial {1 / fitting:.2g}" if held < size else "a smaller batch or segment"
                rule = (
                    f"{sharing} trials need {sharing * held / 2**30:.0f} GiB of a GPU of {size / 2**30:.0f} on {node}"
                )
                lines.append(f"warning: {rule}; use {remedy}")
        return lines


def plan_sweep(
    spec: SweepSpec,
    workload: type[Workload] | None = None,
    display: Display | None = None,
    address: str | None = None,
    against: Path | None = None,
) -> Plan:
    """Sample the space and count; the same checks as `run`, so a plan that passes can run.

    Trials run on the nodes that `room_for_trials` finds, or on those that the file `against` will ask for.
    ConfigError, too, for a space of which no sampled trial meets the static constraints.
    """
    workload = workload or default_workload()
    spec = resolved(spec, workload)
    launched = asked_for(against) if against else None
    if launched:
        room = room_on(launched.nodes(spec.resources.accelerator_type), spec.resources.bundle)
    else:
        room = room_for_trials(spec, address)
    points = sample(spec)
    domain, epochs = domain_of(workload), spec.budget.epochs_per_trial
    configs = [domain.trial_config(with_overrides(spec.config, params), epochs) for params in points]
    sizes = [domain.static_metrics(workload, config) for config in configs]
    space = Space.parse(spec.space)
    require_inputs(spec, workload, display or Display())
    if all(violated := [broken(spec.constraints, size) for size in sizes]):
        static = [constraint for constraint in spec.constraints if constraint.metric in sizes[0]]
        nearest = min(sizes, key=lambda size: max(constraint.violation(size) for constraint in static))
        has = ", ".join(f"{c.metric} {nearest[c.metric]:.6g}" for c in broken(static, nearest))
        rule = f"must leave trials to train, but each of {len(sizes)} sampled ones breaks them; the nearest has {has}"
        raise ConfigError(rule, key="constraints")
    order = sorted(range(len(sizes)), key=lambda i: sizes[i].get("model/macs_per_s", 0.0))
    starts = {domain.start_name(configs[i]): configs[i] for i in order}  # the largest trial of each
    most = spec.budget.trials
    num_points = None if (every := Cube(space).all_rows(COUNTED)) is None else len(every)
    return Plan(
        name=spec.name,
        num_trials=most if most is None or num_points is None else min(most, num_points),
        num_epochs=spec.budget.epochs_per_trial,
        num_dimensions=sum(map(space.num_free, points)) / len(points),
        infeasible_share=sum(map(bool, violated)) / len(sizes),
        epoch_s=domain.epoch_seconds(configs[order[len(sizes) // 2]]),
        price_per_hour=spec.resources.price_per_hour,
        at_once=room.at_once,
        launched=launched,
        given=_given(domain, configs) if address else "",
        trial=room.trial,
        gpu_share=spec.resources.gpus_per_trial,
        trial_bytes=domain.device_bytes(configs[order[-1]]) if spec.resources.gpus_per_trial else None,
        gpu_bytes=room.gpu_bytes,
        max_concurrent=spec.resources.max_concurrent,
        hours=spec.budget.hours,
        asks_to_stop=spec.scheduler.name != "none",
        stopped_share=_stopped_share(spec, num_points),
        num_points=num_points,
        starts={name: seconds for name, c in starts.items() if (seconds := domain.start_seconds(c)) is not None},
        sizes={key: (min(v), median(v), max(v)) for key in sizes[0] for v in [[size[key] for size in sizes]]},
    )


def _given(domain: Domain[Any], configs: Sequence[Any]) -> str:
    """What nodes that lack the files of trials are sent; "" where that is to be fetched first, or none are told."""
    if any(map(domain.fetches, configs)):
        return ""
    found: dict[str, dict[str, Path]] = {}
    try:
        for config in {(domain.input_key(c), domain.start_name(c)): c for c in configs}.values():
            for place, files in domain.input_files(config).items():
                found[place] = {**found.get(place, {}), **files}
    except DataError as error:
        return f"warning: a node that lacks what trials read cannot be given it: {error}"
    size = sum(path.stat().st_size for files in found.values() for path in files.values())
    what = ", ".join(name_of(place, files) for place, files in found.items())
    sent = f"a node that lacks what trials read is sent it once: {in_mb(size)} ({what}), and what is computed of it"
    return sent if found else ""


def _stopped_share(spec: SweepSpec, num_points: int | None) -> float:
    """Share of the epochs that are saved when 1/reduction_factor of the trials pass each rung."""
    config, num_epochs = spec.scheduler, spec.budget.epochs_per_trial
    if config.name == "none" or spec.budget.goes_through(num_points):
        return 0.0
    ends = [*rung_epochs(config.min_epochs, config.reduction_factor, num_epochs), num_epochs]
    lengths = [end - begin for begin, end in pairwise([0, *ends])]
    return 1 - sum(length * config.reduction_factor**-passed for passed, length in enumerate(lengths)) / num_epochs


@dataclass(frozen=True)
class Room:
    """What nodes have for trials; `trial` says in words what an autoscaler is asked for, "" where there is none."""

    at_once: dict[str, int]  # node -> trials that it holds
    gpu_bytes: dict[str, float | None]
    trial: str = ""


def room_for_trials(spec: SweepSpec, address: str | None = None) -> Room:
    """On the nodes of the cluster at `address` (its dashboard's, too), else at RAY_ADDRESS, else on this machine.

    ConfigError where no node can hold a trial, and none that does can be asked for.
    """
    wanted, trial = spec.resources.bundle, ""
    if address and address.startswith("http"):  # from afar nobody tells whether there is an autoscaler
        from cluster.jobs import Cluster

        nodes = Cluster(address).nodes()
        trial = "" if num_slots(wanted, nodes) else in_words(wanted)
    elif address or os.environ.get("RAY_ADDRESS"):
        from cluster.demand import is_autoscaled
        from cluster.session import connect

        with connect(address) as session:
            nodes = [node for node in session.nodes() if node["Alive"]]
            trial = in_words(wanted) if is_autoscaled() else ""
    else:
        nodes = [this_machine()]
        wanted = {name: amount for name, amount in wanted.items() if name in nodes[0]["Resources"]}
    return room_on(nodes, wanted, trial)


def room_on(nodes: Sequence[Mapping[str, Any]], wanted: Mapping[str, float], trial: str = "") -> Room:
    """On nodes as `ray.nodes()` tells of them; ConfigError where none holds a trial and no `trial` is asked for."""
    if not trial:
        check_fits(wanted, nodes)
    counted: dict[str, int] = {}
    memory: dict[str, float | None] = {}
    for node in nodes:
        name, slots = node.get("NodeManagerHostname", "this machine"), num_slots(wanted, [node])
        counted[name] = counted.get(name, 0) + slots
        if slots:
            memory[name] = gpu_bytes(node)
    return Room(counted, memory, trial)


def _lasting(hours: float | None, slots: int) -> str:
    return "" if hours is None else f": about {hours / slots:.1f} h"


def _figure(value: float) -> str:
    """Three digits and a prefix: 58.6k, 230M."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if factor <= abs(value) < math.inf:
            return f"{value / factor:.3g}{prefix}"
    return f"{value:.3g}"
