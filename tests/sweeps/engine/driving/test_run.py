"""What MLflow lists as a sweep's data: the corpus of its config, by the hash of what was prepared."""

import pytest
from closed_form import sweep

from sweeps.definition.spec import SweepSpec
from sweeps.engine.driving.run import dataset_of
from sweeps.record.ledger import Ledger
from sweeps.record.sweep import Sweep
from sweeps.record.sweep_folder import SweepFolder


@pytest.mark.parametrize(
    ("config", "listed"),
    [
        ({"data": {"corpus": "/data/vctk"}}, {"name": "vctk", "digest": "d1", "source": '{"uri": "/data/vctk"}'}),
        ({"data": {"corpus": 7}}, None),
        ({"x": 0.5}, None),
    ],
)
def test_a_corpus_is_a_dataset_and_a_config_without_one_has_none(tmp_path, config, listed):
    spec = SweepSpec.model_validate({**sweep(), "config": config})
    ledger = Ledger.create(tmp_path, spec, "id")
    ledger.set_attr("data_hash", "d1")
    assert dataset_of(Sweep(SweepFolder(tmp_path), spec, ledger)) == listed
