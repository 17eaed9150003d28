"""Scores against the teacher are known by their own group everywhere."""

import json

from sweeps.definition.metric_facts import goal_of, unit_of
from sweeps.distillation.workload import DistillationDomain
from sweeps.fronts.reference_models import noisy_input


def test_they_have_the_goals_and_units_of_their_metrics():
    assert goal_of("val_teacher/pesq_wb") == "maximize"
    assert unit_of("val_teacher/si_sdr_db") == "dB"
    assert "val_teacher/pesq_wb" in DistillationDomain.objectives
    assert "val_teacher/gain_db" not in DistillationDomain.objectives


def test_the_noisy_input_of_recordings_is_a_mark_against_the_teacher(tmp_path):
    record = {"noisy": {"pesq_wb": 1.2}, "metrics": {"val_teacher/pesq_wb": 3.0}}
    (tmp_path / "metrics.json").write_text(json.dumps(record))
    (mark,) = noisy_input([tmp_path])
    assert mark.values == {"val_teacher/pesq_wb": 1.2}
