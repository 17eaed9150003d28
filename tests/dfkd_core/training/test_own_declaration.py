"""Starts of a student of the user's own: what its class says of its channels, and of the fields that are left out."""

import pytest
import torch
from dead_channels import trained
from torch import nn

from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student, StudentBase
from dfkd_core.models.channels import Channels, Role
from dfkd_core.trained.model_folder import write_model_folder
from dfkd_core.training.parent import find_parent
from dfkd_core.training.trainer import Trainer


class Bank(Student):
    """A gain for each of some learned bands, by layers of `depth`; what it says of them a test may change."""

    resizable = frozenset({"bands", "depth"})
    look_ahead_samples = state_bytes = float("inf")

    def __init__(self, bands=8, taps=16, depth=1, layers=1):
        super().__init__()
        self.analysis = nn.Conv1d(1, bands, taps, 8, padding=8)
        self.norms = nn.ModuleList(nn.BatchNorm1d(bands) for _ in range(depth))
        self.gate = nn.GRU(bands, bands, layers, batch_first=True)
        self.synthesis = nn.ConvTranspose1d(bands, 1, 16, 8)

    def forward(self, noisy):
        weights = self.analysis(noisy[:, None])
        for norm in self.norms:
            weights = norm(weights)
        gates = torch.sigmoid(self.gate(weights.transpose(1, 2))[0].transpose(1, 2))
        return self.synthesis(gates * weights)[:, 0, 8 : 8 + noisy.shape[1]]

    def channels(self):
        return declared(self)


class Settings(StudentBase):
    bands: int = 8
    taps: int = 16


class BankOfSettings(Bank):
    Config = Settings

    def __init__(self, config):
        super().__init__(config.bands, config.taps)


def declared(model, group="bands", without=(), **changes):
    """What `Bank` should say, with these layers told otherwise."""
    told = Channels(model)
    bands = told.group(group, model.analysis.out_channels)
    both = {"reads": bands, "writes": bands}
    layers = {"analysis": {"writes": bands}, "gate": both, "synthesis": {"reads": bands}}
    layers |= {f"norms.{i}": {"writes": bands} for i in range(len(model.norms))}
    for name, axes in (layers | {name: change(bands) for name, change in changes.items()}).items():
        if name not in without:
            told.layer(name, **axes)
    told.signal("norms.0", bands)
    return told


def signalled(model, name, dim=1, copies=1):
    told = declared(model)
    told.signal(name, told.signals["norms.0"][1].times(copies), dim)
    return told


@pytest.fixture
def begun(experiment, tmp_path):
    """Makes the config of a student that begins as one of eight bands, both with these fields of their own."""

    def config(narrow, wide=None, kind="Bank", **training):
        student = {"model": f"{__name__}:{kind}"}
        parent = experiment({"student": student | (wide or {"bands": 8})})
        if not (tmp_path / "wide").exists():
            torch.manual_seed(0)
            state = trained(build_student(parent.student)).state_dict()
            write_model_folder(tmp_path / "wide", parent, state, {}, noisy={}, epochs=1, origin={})
        named = {f"training.{key}": value for key, value in training.items()}
        return experiment({"student": student | narrow, "training.start_from": str(tmp_path / "wide")} | named)

    return config


MISTAKES = [
    (
        lambda model: declared(model, without=["gate"]),
        r"must name every axis that a slice cuts, but leaves gate\.weight_ih_l0 at \(24, 8\), not \(12, 4\); say with",
    ),
    (
        lambda model: declared(model, gate=lambda bands: {"writes": bands}),
        r"must name every axis that a slice cuts, but leaves gate\.weight_ih_l0 at \(12, 8\), not \(12, 4\); say with",
    ),
    (
        lambda model: declared(model, analysis=lambda bands: {"writes": bands.times(2)}),
        r"must fit its weights, but says 16 of axis 0 of analysis\.weight, which has \(8, 1, 16\); mend what `layer`",
    ),
    (
        lambda model: declared(model, gates=lambda bands: {"writes": bands}),
        r"must name layers that can be sliced, but there is no gates; name another, or leave it out",
    ),
    (
        lambda model: signalled(model, "norm"),
        r"must name layers that can be sliced, but there is no norm; name another, or leave it out",
    ),
]


@pytest.mark.parametrize(("mistake", "rule"), MISTAKES)
def test_a_mistake_in_a_declaration_is_one_line_before_anything_is_loaded(begun, monkeypatch, mistake, rule):
    config = begun({"bands": 4})
    monkeypatch.setattr(Bank, "channels", mistake)
    with pytest.raises(ConfigError, match=rf"^training\.start_from: `channels\(\)` of Bank {rule}"):
        find_parent(config)


def test_recurrent_layers_in_one_module_are_refused_by_its_name(begun):
    config = begun({"bands": 4, "layers": 2}, {"bands": 8, "layers": 2})
    rule = r"but gate is 2 layers of GRU; make each a module of its own$"
    with pytest.raises(ConfigError, match=rf"^training\.start_from: `channels\(\)` of Bank must name layers .* {rule}"):
        find_parent(config)


def test_a_declaration_that_lacks_a_group_at_one_size_is_refused(begun, monkeypatch):
    config = begun({"bands": 4})
    monkeypatch.setattr(
        Bank, "channels", lambda model: declared(model, without=["gate"] if model.analysis.out_channels == 8 else [])
    )
    with pytest.raises(ConfigError, match=r"^training\.start_from: .* has nothing for gate\.weight_ih_l0 as `channels"):
        find_parent(config)


@pytest.mark.parametrize(("dim", "copies", "told"), [(1, 2, 16), (2, 1, 8), (3, 1, 8)])
def test_a_signal_that_is_not_as_declared_is_one_line(begun, monkeypatch, dim, copies, told):
    config = begun({"bands": 4}, slice_by="activation")
    monkeypatch.setattr(Bank, "channels", lambda model: signalled(model, "norms.0", dim, copies))
    rule = rf"`channels\(\)` must fit the signals, but says {told} of axis {dim} of the output of norms\.0 of Bank"
    with pytest.raises(ConfigError, match=rf"^training\.start_from: {rule}, which has \(\d+, 8, \d+\); mend"):
        Trainer(config)


def test_without_stages_the_first_layers_of_a_deeper_one_are_a_slice_and_more_are_refused(begun):
    config = begun({"bands": 8, "depth": 1}, {"bands": 8, "depth": 2})
    assert find_parent(config).is_wider and Trainer(config).start.kind == "slice"
    with pytest.raises(ConfigError, match=r"^training\.start_from: .* has nothing for norms\.2\.weight .* a deeper"):
        find_parent(begun({"bands": 8, "depth": 3}))


def test_a_mended_declaration_is_another_identity_and_gets_its_own_slice(begun, monkeypatch):
    def by_gate_alone(model):  # whose choice of bands is another
        told = declared(model)
        for name in ("norms.0.weight", "synthesis.weight"):
            told.uses[name] = tuple((Role.WRITE, axis) for _, axis in told.uses[name])
        return told

    config = begun({"bands": 4})
    before, again = (Trainer(config).start for _ in range(2))
    monkeypatch.setattr(Bank, "channels", by_gate_alone)
    after = Trainer(config).start
    assert before.identity == again.identity != after.identity
    kept = [set(start.student.analysis.bias.tolist()) for start in (before, again, after)]
    assert kept[0] == kept[1] != kept[2]


def test_activation_is_measured_again_under_a_mended_declaration(begun, monkeypatch):
    Trainer(begun({"bands": 4}, slice_by="activation"))
    monkeypatch.setattr(Bank, "channels", lambda model: declared(model, group="subbands"))
    assert Trainer(begun({"bands": 5}, slice_by="activation")).start.kind == "slice"


@pytest.mark.parametrize(("kind", "remedy"), [("Bank", "bands or student.depth"), ("BankOfSettings", "bands")])
def test_the_remedy_for_a_start_that_is_too_narrow_names_the_fields_that_this_class_has(begun, kind, remedy):
    rule = r"must name a model at least as wide as the student, but bands of .*wide has 8 channels, not 9"
    with pytest.raises(
        ConfigError, match=rf"^training\.start_from: {rule}; name a wider one, or lower student\."
    ) as told:
        find_parent(begun({"bands": 9}, {"bands": 8}, kind))
    assert str(told.value).endswith(f"or lower student.{remedy}")


@pytest.mark.parametrize("kind", ["Bank", "BankOfSettings"])
@pytest.mark.parametrize(("narrow", "wide"), [({}, {"taps": 16}), ({"taps": 16}, {})])
def test_a_field_left_out_is_as_the_class_has_it(begun, kind, narrow, wide):
    assert find_parent(begun({"bands": 4, **narrow}, {"bands": 8, **wide}, kind)).is_wider
    assert not find_parent(begun({**narrow}, {"bands": 8, **wide}, kind)).is_wider
    with pytest.raises(ConfigError, match=r"^training\.start_from: .* has taps 16, not 15; .* set student\.taps$"):
        find_parent(begun({"bands": 4, "taps": 15}, kind=kind))
