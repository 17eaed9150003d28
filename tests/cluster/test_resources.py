"""What a trial asks for, and whether any node alone can hold it."""

import pytest

from cluster.resources import bundle, check_fits, gpu_bytes, in_words, num_slots
from dfkd_core.errors import ConfigError


def node(alive=True, **resources):
    return {"Alive": alive, "Resources": {"CPU": 2.0, **resources}}


def test_a_bundle_names_only_what_is_asked_for():
    assert bundle(1) == {"CPU": 1}
    assert bundle(0, 0.5) == {"GPU": 0.5}
    assert bundle(1, 1, "A100") == {"CPU": 1, "GPU": 1, "accelerator_type:A100": 0.001}


@pytest.mark.parametrize("wanted", [{}, {"CPU": 2.0}, {"CPU": 1, "GPU": 1}, {"CPU": 0.5}])
def test_a_trial_that_some_node_holds_is_accepted(wanted):
    nodes = [node(), node(GPU=1.0)]
    check_fits(wanted, nodes)
    assert num_slots({"CPU": 1, **wanted}, nodes) >= 1


def test_a_trial_that_no_node_holds_is_refused_with_what_the_largest_has():
    with pytest.raises(
        ConfigError, match=r"resources: no node can hold a trial: it asks for 4 CPU, the largest node has 2"
    ):
        check_fits({"CPU": 4}, [node(), node()])
    with pytest.raises(ConfigError, match="1 GPU, the largest node has 0"):
        check_fits({"CPU": 1, "GPU": 1}, [node()])


def test_two_halves_on_two_nodes_are_not_a_whole():
    with pytest.raises(ConfigError, match="no node can hold"):
        check_fits({"CPU": 4, "GPU": 1}, [{"Alive": True, "Resources": {"CPU": 8}}, node(GPU=1.0)])


def test_what_only_two_nodes_have_together_is_said_with_what_each_has():
    rule = "asks for 4 CPU, 1 GPU of one node; there are nodes of 2 CPU, 1 GPU; 8 CPU, 0 GPU"
    with pytest.raises(ConfigError, match=rule):
        check_fits({"CPU": 4, "GPU": 1}, [{"Alive": True, "Resources": {"CPU": 8}}, node(GPU=1.0)])


@pytest.mark.parametrize(
    ("has", "said"), [({"accelerator_type:T4": 1.0}, "the nodes have T4"), ({}, "no GPU whose type is known")]
)
def test_a_type_of_gpu_that_no_node_has_is_refused_with_those_there_are(has, said):
    with pytest.raises(ConfigError, match=rf"resources.accelerator_type: .* asks for A100, and .*{said}"):
        check_fits({"CPU": 1, "GPU": 1, "accelerator_type:A100": 0.001}, [node(GPU=1.0, **has)])


def test_a_dead_node_holds_nothing():
    with pytest.raises(ConfigError, match="the largest node has 0"):
        check_fits({"CPU": 1}, [node(alive=False)])


def test_slots_are_counted_per_node():
    assert num_slots({"CPU": 1}, [node(), node(), node(alive=False)]) == 4
    assert num_slots({"CPU": 1.5}, [node(), node()]) == 2, "what is left over on two nodes holds no trial"
    assert num_slots({"CPU": 1, "GPU": 0.5}, [node(GPU=1.0), node()]) == 2


def test_what_a_trial_asks_for_is_said_in_words():
    assert in_words({"CPU": 2.0, "GPU": 0.5, "accelerator_type:A100": 0.001}) == "2 CPU, 0.5 GPU, A100"


def test_a_gpu_s_memory_is_known_by_its_type_or_measured_here():
    assert gpu_bytes(node(GPU=1.0, **{"accelerator_type:T4": 1.0})) == 16 * 2.0**30
    assert gpu_bytes(node(GPU=1.0, **{"accelerator_type:NEW": 1.0})) is None
    assert gpu_bytes(node(**{"accelerator_type:T4": 1.0})) is None, "it has none"
    assert gpu_bytes({**node(GPU=1.0), "gpu_bytes": 5e9}) == 5e9
