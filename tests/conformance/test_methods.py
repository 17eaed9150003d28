"""The contract of every distillation method in the table."""

import math

import pytest
import torch

from dfkd_core.distillation import METHODS, build_method
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.errors import ConfigError

VARIANTS = [
    {},
    {"split": "literal", "magnitude": "raw", "frame_weight": "none"},
    {"split": "fixed", "weighting": "dynamic", "beta": 0.0},
    {"slope": "fall", "compression": 0.3, "beta": 1.0},
    {"slope": "absolute", "split_from": "clean", "keep": "positive", "bands": "full", "domain": "stft"},
]
GAIN_BLIND = {"full_band_cosine", "output_si_sdr"}
LEVEL_FREE = {"dfkd", "dispatch", *GAIN_BLIND}
# Adam's losses on a seeded student that learns 2000 samples; a changed number is a changed method.
TRACES = {
    "dfkd": [0.76312524, 0.59782445, 0.49203348, 0.41561359, 0.35668541],
    "dispatch": [0.82836115, 0.66365600, 0.54095232, 0.45556560, 0.38943356],
    "full_band_cosine": [0.32009462, 0.27167469, 0.22993496, 0.19442119, 0.16436237],
    "output_mse": [0.00609517, 0.00506335, 0.00419760, 0.00348188, 0.00288994],
    "output_si_sdr": [0.71710706, -0.42670667, -1.50540376, -2.52602696, -3.50156975],
    "none": [0.0] * 5,
}


def noise(seed, samples=3000):
    """White noise under a syllable-like envelope, (2, time)."""
    envelope = torch.linspace(0.0, 6.0 * torch.pi, samples).sin().abs() + 0.05
    return 0.1 * envelope * torch.randn(2, samples, generator=torch.Generator().manual_seed(seed))


CLEAN = noise(0)
TEACHER = CLEAN + 0.3 * noise(1)
STUDENT = CLEAN + noise(2)
SILENCE = torch.zeros_like(CLEAN)


def gradient(method, student=STUDENT, teacher=TEACHER, clean=CLEAN):
    student = student.clone().requires_grad_()
    value, _ = method(student, teacher, clean)
    if not value.requires_grad:
        return value, torch.zeros_like(student)
    value.backward()
    return value.detach(), student.grad


@pytest.fixture(params=METHODS)
def name(request):
    return request.param


@pytest.fixture(params=VARIANTS, ids=str)
def method(request, name):
    return build_method(method=name, **request.param)


def test_the_config_takes_the_names_of_the_table_and_no_others():
    assert DistillationConfig.model_json_schema()["properties"]["method"]["enum"] == list(METHODS)
    with pytest.raises(ConfigError, match=r"method: must be one of .*none, but got 'dkfd'; did you mean 'dfkd'\?"):
        DistillationConfig.parse({"method": "dkfd"})


def test_a_method_gives_a_finite_scalar_and_plain_numbers_to_log(method):
    value, told = method(STUDENT, TEACHER, CLEAN)
    assert value.shape == ()
    assert value.isfinite()
    assert all(type(number) is float and math.isfinite(number) for number in told.values())


def test_the_gradient_reaches_the_student_and_nothing_else(method, name):
    student, teacher, clean = (signal.clone().requires_grad_() for signal in (STUDENT, TEACHER, CLEAN))
    value, _ = method(student, teacher, clean)
    if name == "none":
        assert not value.requires_grad
        return
    value.backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
    assert clean.grad is None


def test_a_student_that_equals_its_target_is_at_the_minimum(name):
    """The loss is zero there, but for output_si_sdr, which has no finite minimum: it is under -45 dB."""
    value, _ = build_method(method=name)(TEACHER, TEACHER, CLEAN)
    assert value.item() < -45.0 if name == "output_si_sdr" else value.item() == pytest.approx(0.0, abs=1e-3)


def test_a_nearer_student_costs_less(method, name):
    far, near = (method(TEACHER + share * noise(3), TEACHER, CLEAN)[0].item() for share in (1.0, 0.1))
    assert near < far or name == "none"


@pytest.mark.parametrize("silent", ["student", "teacher", "clean", "teacher clean", "student teacher clean"])
def test_silence_gives_finite_losses_and_gradients(method, silent):
    signals = {"student": STUDENT, "teacher": TEACHER, "clean": CLEAN}
    value, slope = gradient(method, **{k: SILENCE if k in silent.split() else v for k, v in signals.items()})
    assert value.isfinite()
    assert slope.isfinite().all()


def test_a_silent_clip_leaves_its_neighbour_alone(name):
    """Losses are taken per clip: in a batch with silence the other clip's gradient keeps its direction."""
    method = build_method(method=name)
    both = gradient(method)[1][0]
    signals = [torch.cat((signal[:1], SILENCE[1:])) for signal in (STUDENT, TEACHER, CLEAN)]
    beside_silence = gradient(method, *signals)[1][0]
    if name != "none":
        assert torch.cosine_similarity(both, beside_silence, dim=0) > 0.999


@pytest.mark.parametrize("gain", [0.5, 2.0])
def test_a_gain_on_the_student_matters_unless_the_method_is_documented_as_blind_to_it(name, gain):
    plain, scaled = (build_method(method=name)(g * STUDENT, TEACHER, CLEAN)[0].item() for g in (1.0, gain))
    blind = name in GAIN_BLIND or name == "none"
    assert (scaled == pytest.approx(plain, rel=5e-3, abs=2e-2 if name == "output_si_sdr" else 1e-5)) is blind


@pytest.mark.parametrize("gain", [0.25, 2.0])
def test_a_common_level_scales_output_mse_by_its_square_and_leaves_the_others(name, gain):
    signals = STUDENT, TEACHER, CLEAN
    plain, scaled = (build_method(method=name)(*(g * s for s in signals))[0].item() for g in (1.0, gain))
    expected = plain if name in LEVEL_FREE else gain**2 * plain
    assert scaled == pytest.approx(expected, rel=1e-2, abs=1e-6)


def test_clean_as_target_needs_no_teacher_unless_the_method_compares_with_it(name):
    method = build_method(method=name, target="clean")
    assert method.needs_teacher is (name == "dispatch")
    if not method.needs_teacher:
        with_none, without = (method(STUDENT, teacher, CLEAN)[0] for teacher in (None, TEACHER))
        assert torch.equal(with_none, without)


def test_a_missing_teacher_is_told_in_one_line_with_the_remedy(name):
    method = build_method(method=name)
    if method.needs_teacher:
        with pytest.raises(ConfigError, match=f"^teacher: is required by distillation.method {name}.*target: clean$"):
            method(STUDENT, None, CLEAN)


@pytest.mark.parametrize("samples", [1, 100, 513])
def test_clips_shorter_than_a_window_are_allowed(method, samples):
    value, slope = gradient(method, *(signal[:, :samples] for signal in (STUDENT, TEACHER, CLEAN)))
    assert value.isfinite()
    assert slope.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_give_the_same_loss(method, dtype):
    value = method(*(signal.to(dtype) for signal in (STUDENT, TEACHER, CLEAN)))[0]
    plain = method(*(signal.to(dtype).float() for signal in (STUDENT, TEACHER, CLEAN)))[0]
    assert value.item() == pytest.approx(plain.item(), rel=1e-3, abs=1e-4)


def test_running_state_travels_in_the_state_dict(method, name):
    for seed in range(3):
        method(noise(seed), TEACHER, CLEAN)
    restored = build_method(**method.config.model_dump())
    restored.load_state_dict(method.state_dict())
    assert torch.equal(restored(STUDENT, TEACHER, CLEAN)[0], method(STUDENT, TEACHER, CLEAN)[0])


def test_a_seeded_training_trace_is_kept(name):
    method, student = build_method(method=name), STUDENT[:, :2000].clone().requires_grad_()
    optimizer = torch.optim.Adam([student], lr=0.01)
    trace = []
    for _ in range(5):
        optimizer.zero_grad()
        value, _ = method(student, TEACHER[:, :2000], CLEAN[:, :2000])
        if value.requires_grad:
            value.backward()
            optimizer.step()
        trace.append(value.item())
    assert trace == pytest.approx(TRACES[name], rel=1e-3)


def test_it_says_itself_whether_it_reads_clean_speech(method):
    """Recordings without clean speech are refused by what is said here."""
    value, _ = method(STUDENT, TEACHER, CLEAN)
    other, _ = method(STUDENT, TEACHER, noise(7))
    assert (type(method).reads_clean(method.config) is not None) == (not torch.equal(value, other))
