"""A node is fit for a sweep when it has what the sweep began with; else it is said what it has and what is right."""

import pytest
from closed_form import HashedDomain

from dfkd_core.errors import DataError
from sweeps.engine.deciding.inputs import Inputs, NodeDiffers, require_equal
from sweeps.workload import FreeDomain


class Asked(HashedDomain):
    """Notes the configs whose hashes it is asked for."""

    def __init__(self):
        self.configs = []

    def hashes(self, config):
        self.configs.append(config)
        return super().hashes(config)


def test_the_same_data_is_right(tmp_path):
    (tmp_path / "corpus").write_text("abc")
    domain, config = Asked(), {"data": str(tmp_path / "corpus")}
    Inputs(config, 2, {"data_hash": "abc"}).require(domain)
    assert domain.configs == [domain.trial_config(config, 2)]


def test_other_data_under_the_same_name_is_told_with_both_hashes(tmp_path):
    (tmp_path / "corpus").write_text("abd")
    with pytest.raises(NodeDiffers, match="differs in its data: data_hash is abd there, abc in this sweep; mend it"):
        Inputs({"data": str(tmp_path / "corpus")}, 2, {"data_hash": "abc"}).require(HashedDomain())


def test_data_that_is_not_there_is_told_with_its_place(tmp_path):
    with pytest.raises(NodeDiffers, match=f"lacks what trials need: .*{tmp_path / 'corpus'}.*; mend it"):
        Inputs({"data": str(tmp_path / "corpus")}, 2, {"data_hash": "abc"}).require(HashedDomain())


@pytest.mark.parametrize("error", [DataError("no noise"), MemoryError(), KeyError("x")])
def test_whatever_goes_wrong_is_told_of_the_node(error):
    class Broken(FreeDomain):
        def hashes(self, config):
            raise error

    with pytest.raises(NodeDiffers, match=r"lacks what trials need: (no noise|MemoryError|'x')"):
        Inputs({}, 2, {"data_hash": "abc"}).require(Broken())


def test_a_hash_that_the_node_cannot_tell_is_not_right():
    with pytest.raises(NodeDiffers, match="teacher_hash is None there, abc in this sweep"):
        Inputs({}, 2, {"teacher_hash": "abc"}).require(FreeDomain())


def test_a_sweep_without_records_asks_nothing():
    domain = Asked()
    Inputs({}, 2).require(domain)
    assert domain.configs == []


def test_a_hash_that_was_not_recorded_equals_any():
    assert require_equal("start_hash", None, "abc") is None
