"""What trials have used of the room that there was for them."""

from types import SimpleNamespace

import pytest

from sweeps.definition.spec import Resources
from sweeps.record.usage import Usage, usage_text
from sweeps.tracking.run_updates import fold
from sweeps.tracking.spool import Record


def test_room_that_nobody_uses_is_idle_and_costs():
    used = Usage()
    used.add(3600.0, at_work=3, room=4)
    facts = used.facts(Resources(gpus_per_trial=0.5, price_per_hour=2.0))
    assert facts == {"trial_hours": 3.0, "gpu_hours": 1.5, "idle_share": 0.25, "cost": 6.0, "idle_cost": 2.0}
    said = "3 h of trials, 1.5 GPU-hours, 25% of the room for trials idle, 6 spent at resources.price_per_hour"
    assert usage_text(facts) == f"{said} and 2 for idle room"


def test_trials_on_nodes_that_have_just_come_are_no_less_than_no_room():
    used = Usage()
    used.add(10.0, at_work=3, room=1)
    assert used.facts(Resources())["idle_share"] == 0.0


def test_a_sweep_that_an_earlier_version_began_has_hours_and_no_idle_share():
    records = [
        SimpleNamespace(started=0.0, finished=3600.0),
        SimpleNamespace(started=5.0, finished=None),
        SimpleNamespace(started=None, finished=None),
    ]
    used = Usage.of(SimpleNamespace(attrs=dict, records=lambda: records))
    used.add(10.0, at_work=1, room=2)
    assert used.facts(Resources()) == {"trial_hours": pytest.approx(3610 / 3600)}


def test_what_is_written_down_is_read_again():
    attrs = {}
    ledger = SimpleNamespace(attrs=lambda: attrs, set_attr=attrs.__setitem__)
    Usage(1.04, 2.0).note(ledger)
    assert Usage.of(ledger) == Usage(1.0, 2.0)


def test_the_sweep_s_run_has_it_as_metrics():
    fields = {"run": "sweep", "epoch": 7, "metrics": {"usage/gpu_hours": 1.5}}
    ((_, update),) = fold([Record(3, 10.0, "usage", fields)]).items.items()
    assert [(m.name, m.value, m.step) for m in update.metrics] == [("usage/gpu_hours", 1.5, 7)]
