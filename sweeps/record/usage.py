"""What a sweep's trials have used of the room that there was for them, over all its drivers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Self

from sweeps.definition.spec import Resources
from sweeps.record.ledger import Ledger

USAGE = "usage"  # of the ledger


@dataclass
class Usage:
    """Seconds of trials at work, and of room for trials on the nodes that were there, used or not."""

    worked_s: float = 0.0
    room_s: float = 0.0

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """What is recorded; of sweeps of earlier versions the time from each trial's start to its end."""
        recorded = ledger.attrs().get(USAGE)
        if recorded is not None:
            return cls(**recorded)
        ended = ((r.started, r.finished) for r in ledger.records())
        return cls(sum(end - start for start, end in ended if start is not None and end is not None))

    def add(self, seconds: float, at_work: int, room: int) -> None:
        """So many trials were at work for some seconds, where there was room for so many."""
        self.worked_s += seconds * at_work
        self.room_s += seconds * max(at_work, room)

    def note(self, ledger: Ledger) -> None:
        """Write it down."""
        ledger.set_attr(USAGE, {name: round(value, 1) for name, value in asdict(self).items()})

    def facts(self, resources: Resources) -> dict[str, float]:
        """Hours of trials, of GPUs where they use any, the idle share where it is known, and the cost with a price."""
        hours, price = self.worked_s / 3600, resources.price_per_hour
        found = {"trial_hours": hours}
        if resources.gpus_per_trial:
            found["gpu_hours"] = hours * resources.gpus_per_trial
        is_known = self.room_s and self.room_s >= self.worked_s  # not of a sweep that an earlier version began
        if is_known:
            found["idle_share"] = 1 - self.worked_s / self.room_s
        if price is not None:
            found["cost"] = price * hours
            if is_known:
                found["idle_cost"] = price * (self.room_s - self.worked_s) / 3600
        return found


def usage_text(facts: dict[str, float]) -> str:
    """The same in one line."""
    said = [f"{facts['trial_hours']:.3g} h of trials"]
    if "gpu_hours" in facts:
        said.append(f"{facts['gpu_hours']:.3g} GPU-hours")
    if "idle_share" in facts:
        said.append(f"{facts['idle_share']:.0%} of the room for trials idle")
    if "cost" in facts:
        idle = f" and {facts['idle_cost']:.4g} for idle room" if "idle_cost" in facts else ""
        said.append(f"{facts['cost']:.4g} spent at resources.price_per_hour{idle}")
    return ", ".join(said)
