"""All that can be wrong with a sweep is said before anything is written."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dfkd_core.base.documents import real_path, seen_from
from dfkd_core.base.key_paths import dotted_key
from dfkd_core.base.schema import nearest
from dfkd_core.errors import ConfigError
from search_spaces.space import Space, changed_values
from sweeps.definition.spec import SweepSpec
from sweeps.git_commit import git_commit
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SPEC
from sweeps.search.history import Outlook
from sweeps.search.samplers import require_options
from sweeps.tracking.addresses import absolute_uri, require_tracker
from sweeps.workload import Workload, domain_of

BEGUN_WITH = "begun_with"  # of the ledger: the resolved spec
LONGEST_EXPERIMENT = 500  # characters
CHANGEABLE = ("budget.trials", "budget.hours", "failures.", "resources.")
log = logging.getLogger(__name__)


def resolved(spec: SweepSpec, workload: type[Workload]) -> SweepSpec:
    """The spec as `complete` has it, after every check; ConfigError names the file in which the key stands."""
    try:
        return _checked(spec, workload)
    except ConfigError as error:
        raise error.at(file=error.file or spec.file_of(error.key)) from error


def _checked(spec: SweepSpec, workload: type[Workload]) -> SweepSpec:
    domain = domain_of(workload)
    checked = complete(spec, workload)
    config = checked.config
    require_tracker(checked.storage.tracking_uri)
    if len(spec.experiment) > LONGEST_EXPERIMENT:
        rule = (
            f"must have at most {LONGEST_EXPERIMENT} characters, as MLflow takes them, but has {len(spec.experiment)}"
        )
        raise ConfigError(f"{rule}; name it in fewer", key="experiment")
    added = domain.added_objectives(config), domain.added_metrics(config)
    _refuse_unknown("objectives", [o.metric for o in spec.objectives], domain.objectives, added[0])
    _refuse_unknown("constraints", [c.metric for c in spec.constraints], domain.metrics, added[1])

    def check_config(changed: Mapping[str, Any]) -> None:
        """A trial's config must be valid, and no objective infinite there, as look-ahead over a whole clip is."""
        parsed = domain.trial_config(changed, spec.budget.epochs_per_trial)
        static = domain.static_metrics(workload, parsed)
        for objective in spec.objectives:
            value = static.get(objective.metric, 0.0)
            if isinstance(value, float) and not math.isfinite(value):
                rule = f"must be finite, but {objective.metric} is {value}; use a constraint"
                raise ConfigError(rule, key="objectives")

    domain.require_measured(domain.trial_config(config, spec.budget.epochs_per_trial), spec.metrics)
    space = Space.parse(checked.space)
    for key in space.keys:
        if (dotted := dotted_key(config, key)) is not None:
            rule = f"would be set below {key.partition('.')[0]!r}, while the config has a key {dotted!r} with a dot"
            raise ConfigError(f"{rule}; rename that one", key=f"space.{key}")
    try:
        check_config(config)
    except ConfigError as error:
        raise error if error.key == "objectives" else error.at(key="config") from error
    space.check(config, domain.known_keys(config), check_config)
    for index, point in enumerate(checked.evaluate_first):
        space.encode(point, f"evaluate_first[{index}]")
    outlook = Outlook(space, spec.budget.epochs_per_trial, spec.reference_costs, lambda trial: {})
    require_options(spec.sampler.name, spec.sampler.options, outlook)
    return checked


def complete(spec: SweepSpec, workload: type[Workload]) -> SweepSpec:
    """The spec with every default of its config filled in and every path absolute, those that are searched, too."""
    domain = domain_of(workload)
    try:
        config = domain.resolve(spec.config, spec.base_of("config"))
    except ConfigError as error:
        raise error.at(key="config") from error
    space = changed_values(spec.space, lambda key, value: domain.resolve_value(key, value, spec.base_of("space")))
    base = spec.base_of("evaluate_first")
    first = tuple({k: domain.resolve_value(k, v, base) for k, v in point.items()} for point in spec.evaluate_first)
    base = spec.base_of("warm_start")
    warm_start = tuple(str(real_path(seen_from(base, place, "warm_start"))) for place in spec.warm_start)
    uri = spec.storage.tracking_uri and absolute_uri(spec.storage.tracking_uri, spec.base_of("storage"))
    storage = spec.storage.model_copy(update={"tracking_uri": uri})
    changed = {"config": config, "space": space, "evaluate_first": first, "warm_start": warm_start, "storage": storage}
    return spec.model_copy(update=changed)


def changes(overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a resume may change: how much and with what, never what is searched."""
    for key in overrides:
        if not key.startswith(CHANGEABLE):
            rule = "cannot change on resume; only budget.trials, budget.hours, failures and resources can"
            raise ConfigError(rule, key=key)
    return overrides


def check_begun(sweep: Sweep) -> None:
    """What `--set` may not change on resume, an editor may not change in sweep.yaml either; the key is named.

    Finished trials were drawn and trained as the sweep began; sweeps of earlier versions do not say how.
    """
    for key, before, after in _differences(_begun(sweep), sweep.spec):
        if not key.startswith(CHANGEABLE):
            rule = f"was {before!r} when this sweep began, but is {after!r}"
            raise ConfigError(f"{rule}; set it back, or begin a new sweep", key=key, file=sweep.path / SPEC)


def check_same(sweep: Sweep, spec: SweepSpec, workload: type[Workload]) -> dict[str, Any]:
    """That a sweep file asks for the sweep which a folder holds; returns what it asks for beyond, as overrides.

    ConfigError names the first key in which they differ. A budget that the file had when the sweep began asks for
    nothing, and of two numbers the larger holds: a job that is begun again does not take back what was asked for since.
    """
    asked, begun = complete(spec, workload), complete(_begun(sweep), workload)
    for key, before, after in _differences(begun, asked):
        if not key.startswith(CHANGEABLE):
            rule = f"is {after!r}, but was {before!r} when the sweep in {sweep.path} began"
            raise ConfigError(f"{rule}; name another --out, or set it back", key=key)
    wanted = {key: value for key, _, value in _differences(sweep.spec, asked) if key.startswith(CHANGEABLE)}
    for name in ("trials", "hours"):
        now, since, first = (getattr(one.budget, name) for one in (asked, sweep.spec, begun))
        if now == first or (None not in (now, since) and now <= since):
            wanted.pop(f"budget.{name}", None)
    return wanted


def _begun(sweep: Sweep) -> SweepSpec:
    """What a sweep began with; of those of earlier versions what stands in sweep.yaml."""
    begun = sweep.ledger.attrs().get(BEGUN_WITH)
    return sweep.spec if begun is None else SweepSpec.parse(begun)


def _differences(first: SweepSpec, second: SweepSpec) -> Iterator[tuple[str, Any, Any]]:
    """Key paths at which two specs differ, with both values."""
    before, after = (dict(leaves(spec.model_dump(mode="json"))) for spec in (first, second))
    for key in {**before, **after}:
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)


def leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a nested mapping, by key path; lists are values."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def check_unchanged(sweep: Sweep, hashes: Mapping[str, str | None]) -> None:
    """Trials are comparable only on the same data and teacher; another commit of the code is worth a warning."""
    recorded = sweep.ledger.attrs()
    for key, value in hashes.items():
        if recorded.get(key) not in (None, value):
            what = key.removesuffix("_hash")
            rule = (
                f"the {what} has changed since this sweep began ({key} {recorded[key]}, now {value}); begin a new sweep"
            )
            raise ConfigError(rule, file=sweep.folder.path)
    commit = git_commit()
    if recorded.get("git_commit") not in (None, commit):
        log.warning("the code has changed since this sweep began: commit %s, now %s", recorded["git_commit"], commit)


def _refuse_unknown(key: str, metrics: Iterable[str], known: frozenset[str] | None, added: frozenset[str]) -> None:
    for metric in metrics:
        if known is not None and metric not in known | added:
            rule = f"must name a metric that can be used there, but got {metric!r}"
            raise ConfigError(f"{rule}; {nearest(metric, sorted(known | added))}", key=key)
