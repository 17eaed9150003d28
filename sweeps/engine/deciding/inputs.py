"""Whether a node has what a sweep began with; one that has not would train on something else, or fail all it draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sweeps.workload import Domain

if TYPE_CHECKING:  # workers load no Optuna
    from sweeps.record.ledger import Ledger

INPUTS = (
    "inputs/"  # the ledger's attributes with hashes of what single trials read, by what in their configs decides it
)
NOWHERE: Mapping[str, str] = {}  # else than the config says
REMEDY = "mend it there, or take the node out of the cluster"


class NodeDiffers(Exception):
    """A node lacks what trials need, or has another version of it; the message says which and what is right."""


@dataclass(frozen=True)
class Inputs:
    """What trials of a sweep share, as its base config names it and its ledger recorded it."""

    config: Mapping[str, Any]
    epochs: int
    hashes: Mapping[str, str] = field(default_factory=dict)  # such as data_hash; empty: nothing is compared

    def require(self, domain: Domain[Any], places: Mapping[str, str] = NOWHERE) -> None:
        """Raise NodeDiffers unless this machine has all of it, at other `places` than the config says where told."""
        if not self.hashes:
            return
        try:
            found = domain.hashes(domain.moved(domain.trial_config(self.config, self.epochs), places))
        except Exception as error:  # whatever becomes of a file that is not there
            raise NodeDiffers(f"lacks what trials need: {str(error) or type(error).__name__}; {REMEDY}") from error
        for key, value in self.hashes.items():
            require_equal(key, value, found.get(key))


def require_equal(key: str, right: str | None, found: str | None) -> None:
    """Raise NodeDiffers where a hash is not the one that is right; None, of older records, is never wrong."""
    if right is not None and found != right:
        what = key.removesuffix("_hash")
        raise NodeDiffers(f"differs in its {what}: {key} is {found} there, {right} in this sweep; {REMEDY}")


def without_start(hashes: Mapping[str, str | None]) -> dict[str, str | None]:
    """Those of data and teacher: trials that share these may begin with different models."""
    return {key: value for key, value in hashes.items() if key != "start_hash"}


def sweep_tags(ledger: Ledger) -> dict[str, str]:
    """What every run of a sweep carries: the hashes of its data and teacher, and the code's commit."""
    recorded = ledger.attrs()
    return {f"dfkd.{key}": recorded[key] for key in ("data_hash", "teacher_hash", "git_commit") if recorded.get(key)}


def run_tags(ledger: Ledger, number: int) -> dict[str, str]:
    """What a trial's run carries: the sweep's, but for data and teacher of its own; and where it was trained."""
    own = {f"dfkd.{key}": value for key, value in ledger.tags(number).items()}
    return {key: value for key, value in {**sweep_tags(ledger), **own}.items() if value is not None}
