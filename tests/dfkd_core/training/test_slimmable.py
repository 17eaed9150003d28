"""One training for many widths."""

import pytest
import torch
from dead_channels import trained
from torch import nn

from dfkd_core.errors import ConfigError
from dfkd_core.models import build_student
from dfkd_core.models.base import Student
from dfkd_core.models.channels import Channels
from dfkd_core.models.dccrn import DCCRN
from dfkd_core.trained.model_folder import load_model, write_model_folder
from dfkd_core.training.data_parallel import require_shares
from dfkd_core.training.initial_student import initial_student
from dfkd_core.training.signals import Batch
from dfkd_core.training.slicing import scores_by_order, scores_by_weight, sliced
from dfkd_core.training.slimmable import Slices, slice_configs
from dfkd_core.training.train_run import train_model
from dfkd_core.training.trainer import Trainer

WIDE = {"student.width": 0.25, "training.slimmable": [0.0625, 0.125]}
CPU = torch.device("cpu")


@pytest.fixture
def batch():
    torch.manual_seed(0)
    clean = 0.1 * torch.randn(2, 4000)
    return Batch(clean + 0.05 * torch.randn_like(clean), clean, None)


def slices_of(config):
    student = build_student(config.student).train()
    return student, Slices(config, student, CPU)


def test_a_slice_learns_with_the_first_channels_and_with_these_alone(experiment, batch):
    student, slices = slices_of(experiment({**WIDE, "training.slimmable": [0.125]}))
    loss, mean = slices(batch, batch.clean, 0, 0)
    loss.backward()
    gradient = student.encoder[1].convolution.weight_real.grad
    assert gradient.shape[:2] == (8, 4) and gradient[:4, :2].abs().min() > 0
    assert not gradient[4:].any() and not gradient[:, 2:].any() and mean == pytest.approx(loss.item())


def test_a_slice_that_trains_is_the_one_that_is_cut_out_later(experiment, batch, monkeypatch):
    config = experiment({**WIDE, "training.slimmable": [0.125]})
    student, slices = slices_of(config)
    heard = []
    monkeypatch.setattr(slices, "loss", lambda estimate, *rest: heard.append(estimate) or (estimate.sum(), {}))
    slices(batch, batch.clean, 0, 0)
    narrow = build_student(slice_configs(config, student)[0])
    narrow.load_state_dict(sliced(student, narrow, scores_by_order(student)))
    torch.testing.assert_close(heard[0], narrow.train()(batch.noisy))


def test_slices_learn_from_the_whole_student_s_estimate_which_gets_no_gradient_by_that(experiment, batch, monkeypatch):
    _, slices = slices_of(experiment(WIDE))
    taught = []
    monkeypatch.setattr(
        slices.loss.method, "forward", lambda s, teacher, clean: taught.append(teacher) or (s.sum(), {})
    )
    estimate = batch.noisy.clone().requires_grad_()
    slices(batch, estimate, 0, 0)[0].backward()
    assert len(taught) == 2 and all(torch.equal(one, estimate) for one in taught) and estimate.grad is None


def test_a_step_trains_the_narrowest_and_two_of_the_others_drawn_by_seed_epoch_and_step(experiment):
    config = experiment({"student.width": 0.5, "training.slimmable": [0.375, 0.3125, 0.25, 0.125, 0.0625]})
    slices = slices_of(config)[1]
    drawn = [slices.drawn(0, step) for step in range(40)]
    assert all(len(set(one)) == 3 and one[-1] == 4 for one in drawn) and {i for one in drawn for i in one} == {
        *range(5)
    }
    assert drawn == [slices.drawn(0, step) for step in range(40)]
    assert drawn != [slices.drawn(1, step) for step in range(40)]


def test_of_few_slices_every_step_trains_all(experiment):
    slices = slices_of(experiment({**WIDE, "training.slimmable": [0.1875, 0.125, 0.0625]}))[1]
    assert slices.drawn(3, 4) == [0, 1, 2]


def test_a_resumed_run_equals_an_uncut_one_bit_for_bit(experiment, tmp_path):
    config = experiment({**WIDE, "distillation.weighting": "dynamic"})
    uncut = Trainer(config)
    uncut.train_epoch()
    uncut.save(tmp_path)
    resumed = Trainer(config)
    resumed.load(tmp_path)
    torch.manual_seed(99)
    assert resumed.train_epoch() == uncut.train_epoch()
    pairs = zip(resumed.model.state_dict().values(), uncut.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_without_a_teacher_the_whole_student_is_supervised_alone(experiment):
    metrics = Trainer(experiment({**WIDE, "teacher": {}})).train_epoch()
    assert "distillation/loss" not in metrics and metrics["train/slices_loss"] != 0


def test_at_null_no_dump_names_it(experiment):
    assert "slimmable" not in experiment().model_dump()["training"]
    assert experiment(WIDE).model_dump(mode="json")["training"]["slimmable"] == [0.0625, 0.125]


REFUSED = [
    (
        {"training.slimmable": [0.125, 0.5]},
        r"training\.slimmable: must hold widths below student\.width 0\.25, but got 0\.5",
    ),
    ({"training.slimmable": [0.0]}, r"training\.slimmable\.0: must be greater than 0, but got 0"),
    ({"training.slimmable": []}, r"training\.slimmable: .* at least 1 item"),
    (
        {"training.slimmable": [0.0025]},
        r"training\.slimmable: holds 0\.0025, of which student\.width must leave at least",
    ),
    ({"training.slimmable": [0.2475]}, r"training\.slimmable: must hold widths that take channels away, but 0\.2475"),
    ({"training.slimmable": [0.125, 0.125]}, r"training\.slimmable: must hold widths .* but 0\.125 takes none"),
    ({"student": {"model": "gtcrn"}}, r"training\.slimmable: needs a student that has a width .* but gtcrn"),
    (
        {"student": {"model": "dptnet", "width": 0.5, "heads": 4}, "training.slimmable": [0.15]},
        r"training\.slimmable: holds 0\.15, of which student\.width must .* heads",
    ),
    ({"distillation.method": "none"}, r"training\.slimmable: .* asks for distillation, but got method none"),
    ({"distillation.weight": 0}, r"training\.slimmable: .* asks for distillation, but got .* weight 0"),
    ({"distillation.target": "clean"}, r"training\.slimmable: .* asks for distillation, but got .* target clean"),
    ({"distillation.schedule": "two_step"}, r"training\.slimmable: needs distillation\.schedule constant"),
]


@pytest.mark.parametrize(("changes", "rule"), REFUSED)
def test_what_makes_no_sense_is_one_line(experiment, changes, rule):
    with pytest.raises(ConfigError, match=rule):
        slices_of(experiment({**WIDE, **changes}))


class Sized(Student):
    """A learned filter per band; says its channels, and has a width where its fields do."""

    look_ahead_samples = state_bytes = float("inf")

    def __init__(self, bands=8):
        super().__init__()
        self.analysis = nn.Conv1d(1, bands, 16, 8, padding=8)
        self.synthesis = nn.ConvTranspose1d(bands, 1, 16, 8)

    def forward(self, noisy):
        return self.synthesis(self.analysis(noisy[:, None]))[:, 0, 8 : 8 + noisy.shape[1]]

    def channels(self):
        told = Channels(self)
        bands = told.group("bands", self.analysis.out_channels)
        told.layer("analysis", writes=bands)
        told.layer("synthesis", reads=bands)
        return told


class Scaled(Sized):
    def __init__(self, width=1.0):
        super().__init__(round(8 * width))


class Untold(Scaled):
    def channels(self):
        return None


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("Sized", r"needs a student that has a width .*:Sized has bands; set it to null, or give the class one$"),
        ("Untold", r"Untold does not say which channels its weights hold; give it `channels\(\)`"),
    ],
)
def test_of_a_student_of_one_s_own_what_is_missing_is_said(experiment, kind, rule):
    config = experiment({"student": {"model": f"{__name__}:{kind}"}, "training.slimmable": [0.5]})
    with pytest.raises(ConfigError, match=rf"^training\.slimmable: {rule}"):
        slice_configs(config, build_student(config.student))


def test_a_width_that_the_class_has_by_default_is_one(experiment):
    config = experiment({"student": {"model": f"{__name__}:Scaled"}, "training.slimmable": [0.5, 0.25]})
    narrow = slice_configs(config, build_student(config.student))
    assert [build_student(one).analysis.out_channels for one in narrow] == [4, 2]


def test_a_declaration_that_leaves_out_a_weight_is_one_line(experiment, monkeypatch):
    def forgetful(model, told=DCCRN.channels):
        channels = told(model)
        del channels.uses["encoder.1.norm.weight"]
        return channels

    monkeypatch.setattr(DCCRN, "channels", forgetful)
    rule = (
        r"of DCCRN must name every axis that a slice cuts, but leaves encoder\.1\.norm\.weight at \(16,\), not \(8,\)"
    )
    with pytest.raises(ConfigError, match=rf"^training\.slimmable: `channels\(\)` {rule}"):
        slices_of(experiment(WIDE))


def test_several_workers_are_refused(experiment):
    with pytest.raises(ConfigError, match=r"training\.slimmable: trains in one process, but got 2 workers"):
        require_shares(experiment(WIDE), 2)


@torch.no_grad()
def test_a_slice_of_a_wider_start_has_its_best_channels_first_and_computes_the_same(experiment, tmp_path):
    config = experiment({"student.width": 0.5})
    write_model_folder(
        tmp_path, config, trained(build_student(config.student)).state_dict(), {}, noisy={}, epochs=1, origin={}
    )
    begun = {**WIDE, "training.start_from": str(tmp_path)}
    plain, ranked = (
        Trainer(experiment(begun | {"training.slimmable": widths})).start
        for widths in (None, WIDE["training.slimmable"])
    )
    assert ranked.kind == "slice" and ranked.identity != plain.identity
    noisy = 0.1 * torch.randn(1, 4000)
    torch.testing.assert_close(ranked.student.eval()(noisy), plain.student.eval()(noisy), atol=1e-5, rtol=1e-4)
    # an inner slice has the channels that one of its width, cut out of the wider start, has
    parent = load_model(tmp_path)[0]
    narrow = slice_configs(experiment(begun), ranked.student)[-1]
    inner = sliced(ranked.student, build_student(narrow), scores_by_order(ranked.student))
    direct = sliced(parent, build_student(narrow), scores_by_weight(parent))
    name = "encoder.0.convolution.bias_real"
    assert sorted(inner[name].tolist()) == sorted(direct[name].tolist())


def test_what_is_refused_is_refused_before_a_start_is_cut(experiment):
    config = experiment({**WIDE, "student": {"model": "gtcrn", "channels": 8}, "training.start_from": "gtcrn"})
    with pytest.raises(ConfigError, match=r"training\.slimmable: needs a student that has a width .* but gtcrn"):
        initial_student(config, None)


def test_what_is_refused_is_refused_before_data_is_prepared(experiment, monkeypatch):
    monkeypatch.setattr("dfkd_core.training.trainer.Signals", lambda *_, **__: pytest.fail("data were prepared"))
    with pytest.raises(ConfigError, match=r"training\.slimmable: must hold widths below student\.width"):
        Trainer(experiment({**WIDE, "training.slimmable": [1.5]}))
    with pytest.raises(ConfigError, match=r"training\.start_from: must be teacher, a model folder or a shipped name"):
        Trainer(experiment({"training.start_from": "gone"}))


def test_a_trained_start_computes_the_same_with_its_best_channels_first(experiment, tmp_path):
    train_model(experiment({"training.epochs": 1, "student.width": 0.25}), tmp_path / "before")
    config = experiment({**WIDE, "training.start_from": str(tmp_path / "before")})
    plain = initial_student(
        experiment({**WIDE, "training.slimmable": None, "training.start_from": config.training.start_from}), None
    )
    ranked = initial_student(config, None)
    noisy = 0.1 * torch.randn(1, 4000)
    with torch.no_grad():
        torch.testing.assert_close(ranked.student.eval()(noisy), plain.student.eval()(noisy))
    scores = scores_by_weight(ranked.student)
    assert all(
        torch.equal(one.argsort(descending=True, stable=True), torch.arange(len(one))) for one in scores.values()
    )
    assert not torch.equal(
        ranked.student.encoder[1].convolution.weight_real, plain.student.encoder[1].convolution.weight_real
    )
