"""A student that no memory here holds is refused before it is built; any other is what its class builds."""

import time

import pytest
import torch

from dfkd_core.errors import ConfigError
from dfkd_core.models import MODELS, build_model, room

HUGE = {
    "dccrn": {"width": 1.0, "channels": (4096,), "lstm_units": 4096, "lstm_layers": 4096},
    "conv_tasnet": {"width": 1.0, "bottleneck": 4096, "hidden": 4096, "skip": 4096, "num_repeats": 4096},
    "dptnet": {"width": 1.0, "features": 4096, "feedforward": 4096, "num_blocks": 4096},
}


@pytest.mark.parametrize("model", HUGE)
def test_a_student_within_all_sizes_that_no_machine_holds_is_refused_at_once(model, monkeypatch):
    monkeypatch.setattr(room, "allowed_memory_bytes", lambda: 8 * 2**30)
    started = time.process_time()
    with pytest.raises(ConfigError, match=r"^student: must fit into memory, but .* than the 8 GiB here; lower its"):
        build_model(model, **HUGE[model])
    assert time.process_time() - started < 20


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("given", [room.GIVEN, 100])
def test_what_is_counted_and_what_is_built_again_has_the_weights_that_the_seed_draws(model, given, monkeypatch):
    monkeypatch.setattr(room, "GIVEN", given)
    torch.manual_seed(3)
    wanted = MODELS[model](MODELS[model].Config()).state_dict()
    torch.manual_seed(3)
    found = build_model(model).state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
