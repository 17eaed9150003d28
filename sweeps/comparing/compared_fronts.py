"""Which sweeps may be compared: same data, same objectives, same reference point, something complete in each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dfkd_core.base.documents import real_path
from dfkd_core.errors import ConfigError
from sweeps.definition.objectives import costs
from sweeps.definition.spec import SweepSpec
from sweeps.fronts.front import FRONT_FILE, Front, load_front
from sweeps.pareto import non_dominated
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder
from sweeps.record.sweep_state import SweepState
from sweeps.tracking.addresses import RunAddresses
from sweeps.tracking.delivery import run_ids, tracker_ids
from sweeps.trust.confirmed_front import RepeatedTrial, repeated_trials
from sweeps.trust.repeats import Repeats

HASHES = ("data_hash", "teacher_hash")
LARGEST = 1e100  # a value: sums and ratios of larger ones are not finite


@dataclass(frozen=True)
class ComparedFront:
    """One sweep of a comparison, under the name that tells it from the others.

    The points of a repeated front have the means of their fresh seeds as values; near neighbours that were repeated
    are among them where these means put them on the front.
    """

    label: str
    folder: Path
    front: Front
    spec: SweepSpec
    state: SweepState = SweepState.FINISHED
    hashes: Mapping[str, str | None] = field(default_factory=dict)
    repeated: Sequence[RepeatedTrial] = ()  # of a confirmed front
    addresses: RunAddresses = field(default_factory=RunAddresses)


def read_fronts(folders: Sequence[Path]) -> list[ComparedFront]:
    """The fronts of two or more sweep folders; ConfigError, naming folder and reason, when they do not compare."""
    if len(folders) < 2:
        raise ConfigError(f"must name two sweep folders or more, but got {len(folders)}", key="front compare")
    for index, folder in enumerate(folders):
        if real_path(folder) in (real_path(other) for other in folders[:index]):
            raise ConfigError("must be named once, but is named twice; name another sweep folder", file=folder)
    fronts = [_read(folder, label) for folder, label in zip(folders, _labels(folders), strict=True)]
    for compared in fronts:
        if not compared.front.points:
            counted = ", ".join(f"{n} {state}" for state, n in compared.front.trials.items() if n) or "no trials"
            rule = f"must have a complete trial to be compared, but has {counted}; resume the sweep first"
            raise ConfigError(rule, file=compared.folder)
        _refuse_unlike(compared, fronts[0])
    order = {"objectives": fronts[0].front.objectives}  # the same ones, in the first's order
    return [replace(compared, front=compared.front.model_copy(update=order)) for compared in fronts]


def _read(folder: Path, label: str) -> ComparedFront:
    front = load_front(folder)
    for point in front.points:
        for metric, value in point.values.items():
            if abs(value) >= LARGEST:
                rule = f"must be below {LARGEST:g} to be compared, but is {value:g}"
                raise ConfigError(
                    f"{rule}; run `dfkd sweep sync` to write it anew",
                    file=folder / FRONT_FILE,
                    key=f"trial {point.trial}: {metric}",
                )
    if front.confirmed and not front.repeated:
        rule = "must be false, since no point has seeds; run `dfkd sweep sync` to write it anew"
        raise ConfigError(rule, file=folder / FRONT_FILE, key="confirmed")
    sweep = Sweep.open(folder)
    attrs = sweep.ledger.attrs()
    repeats = Repeats.find(sweep.path, sweep.spec) if front.confirmed else None
    uri, experiment_id, _ = tracker_ids(sweep.path)
    return ComparedFront(
        label=label,
        folder=folder,
        front=_at_means(front),
        spec=sweep.spec,
        state=sweep.state,
        hashes={name: attrs.get(name) for name in HASHES},
        repeated=repeated_trials(repeats, sweep.ledger.records()) if repeats else (),
        addresses=RunAddresses(uri, experiment_id, run_ids(sweep.path)),
    )


def _at_means(front: Front) -> Front:
    """A confirmed front as its fresh seeds have it, near neighbours included; any other as it is."""
    if not front.confirmed:
        return front
    whole = front.model_copy(update={"points": tuple(front.repeated)}).at_means()
    kept = [p for p, on in zip(whole.points, non_dominated(whole.costs()), strict=True) if on]
    lead = next((i for i, o in enumerate(front.objectives) if o.goal == "minimize"), 0)
    order = sorted(kept, key=lambda point: (costs(front.objectives, point.values)[lead], point.trial))
    return whole.model_copy(update={"points": tuple(order)})


def _labels(folders: Sequence[Path]) -> list[str]:
    """The sweeps' names where they differ, else those of their folders, else the folders as they were named."""
    for names in ([SweepFolder(f).spec().name for f in folders], [real_path(f).name for f in folders]):
        if len(set(names)) == len(names):
            return names
    return [str(folder) for folder in folders]


def _refuse_unlike(compared: ComparedFront, first: ComparedFront) -> None:
    alike: dict[str, Callable[[ComparedFront], str]] = {
        "data_hash": lambda c: (c.hashes.get("data_hash") or "not recorded")[:16],
        "objectives": lambda c: ", ".join(sorted(f"{o.goal} {o.metric} ({o.scale})" for o in c.front.objectives)),
        "reference_point": lambda c: ", ".join(f"{n} {v:g}" for n, v in sorted(c.front.reference_point.items())),
    }
    for key, shown in alike.items():
        if shown(compared) != shown(first):
            rule = f"must be that of {first.folder} to be compared ({shown(first)}), but is {shown(compared)}"
            raise ConfigError(f"{rule}; run one of the sweeps anew like the other", file=compared.folder, key=key)
