import pytest
import torch

from dfkd_core.distillation import build_method
from dfkd_core.distillation.bands import BandMasks
from dfkd_core.models import build_model
from dfkd_core.signal.spectrum import Spectrum

LITERAL = {"magnitude": "raw", "frame_weight": "none", "split": "literal"}


def hand_made(real, imag=None, frames=1, bins=257):
    """A spectrum (1, frames, bins) with the same value in every bin, or values (frames, bins)."""
    real = torch.as_tensor(real, dtype=torch.float32).expand(1, frames, bins)
    return Spectrum(real, torch.zeros_like(real) if imag is None else torch.as_tensor(imag).expand(1, frames, bins))


def band_losses(target, student, split=64, active=None, **fields):
    frames = target.real.shape[1]
    split = torch.full((1, frames), split)
    active = torch.ones(1, frames, dtype=torch.bool) if active is None else torch.tensor([active])
    return build_method(method="dfkd", **fields).band_losses(target, student, split, active)[0].tolist()


def speech(batch=2, seed=0, samples=4000):
    generator = torch.Generator().manual_seed(seed)
    tones = torch.sin(torch.arange(samples) * torch.tensor([[0.1], [0.7]]) * torch.pi)[:batch]
    return 0.1 * tones + 0.02 * torch.randn(batch, samples, generator=generator)


def tone(frequency_hz, samples=4000):
    return 0.1 * torch.sin(torch.arange(samples) * 2.0 * torch.pi * frequency_hz / 16000.0).expand(2, -1)


def loss(student, teacher, clean=None, **fields):
    return build_method(method="dfkd", **fields)(student, teacher, teacher if clean is None else clean)[0]


def test_both_bands_contain_the_split_bin():
    masks = BandMasks.at(torch.tensor([[2, 0]]), torch.zeros(1, 2, 5))
    assert masks.low.tolist() == [[[1, 1, 1, 0, 0], [1, 0, 0, 0, 0]]]
    assert masks.high.tolist() == [[[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]]


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_a_doubled_student_costs_the_high_band_its_magnitude_error_only(beta):
    """|T| = 3 and |S| = 6 everywhere: cosine 1, MSE 9, E 9, so L_low = 0 and L_high = 1 - beta."""
    low, high = band_losses(hand_made(3.0), hand_made(6.0), beta=beta)
    assert low == pytest.approx(0.0, abs=1e-5)
    assert high == pytest.approx(1.0 - beta, rel=1e-4, abs=1e-5)


def test_raw_magnitudes_keep_their_unit():
    assert band_losses(hand_made(3.0), hand_made(6.0), beta=0.5, magnitude="raw")[1] == pytest.approx(4.5, rel=1e-4)


def test_a_phase_of_90_degrees_costs_one_and_of_180_degrees_two():
    target = hand_made(1.0)
    assert band_losses(target, hand_made(0.0, 1.0), beta=1.0) == pytest.approx([1.0, 1.0], rel=1e-4)
    assert band_losses(target, hand_made(-1.0), beta=1.0) == pytest.approx([2.0, 2.0], rel=1e-4)


def test_an_error_above_the_split_is_a_matter_of_the_high_band():
    target, student = torch.ones(1, 257), torch.ones(1, 257)
    student[:, 65:] = -1.0
    low, high = band_losses(hand_made(target), hand_made(student), split=64, beta=1.0)
    assert low == pytest.approx(0.0, abs=1e-5)
    assert high > 1.9


def test_frames_are_averaged_by_the_target_bands_amplitude():
    """A right frame of amplitude 3 and a wrong one (opposite phase) of amplitude 1: 2 * 1 / (3 + 1) = 0.5."""
    target = torch.tensor([[3.0], [1.0]])
    student = torch.tensor([[3.0], [-1.0]])
    options = {"frames": 2}
    pair = hand_made(target, **options), hand_made(student, **options)
    assert band_losses(*pair, beta=1.0) == pytest.approx([0.5, 0.5], rel=1e-4)
    assert band_losses(*pair, beta=1.0, frame_weight="none") == pytest.approx([1.0, 1.0], rel=1e-4)
    assert band_losses(*pair, beta=1.0, active=[True, False]) == pytest.approx([0.0, 0.0], abs=1e-5)


def test_a_band_without_energy_does_not_explode():
    """E is at least 60 dB under the clip's mean power per bin."""
    target = torch.ones(1, 257)
    target[:, 100:] = 1e-6
    student = torch.ones(1, 257)
    student[:, 100:] = 1e-3
    assert band_losses(hand_made(target), hand_made(student), split=100, beta=0.0)[1] < 3.0


def test_the_cosine_is_blind_to_the_students_gain():
    student, teacher = speech(seed=1), speech(seed=2)
    full, half = (loss(gain * student, teacher, beta=1.0) for gain in (1.0, 0.5))
    assert half.item() == pytest.approx(full.item(), rel=1e-3)


def test_a_common_level_changes_nothing_with_the_clip_scale_and_much_without():
    student, teacher = speech(seed=1), speech(seed=2)
    loud, quiet = (loss(gain * student, gain * teacher).item() for gain in (1.0, 0.1))
    assert quiet == pytest.approx(loud, rel=1e-2)
    raw = build_method(magnitude="raw", beta=0.0)
    loud, quiet = (raw(gain * student, gain * teacher, teacher)[1]["high"] for gain in (1.0, 0.1))
    assert quiet == pytest.approx(0.01 * loud, rel=0.05)


@pytest.mark.parametrize("fields", [{}, LITERAL, {"split": "fixed"}, {"compression": 0.3}, {"slope": "fall"}])
def test_a_student_that_equals_its_target_costs_nothing(fields):
    assert loss(speech(), speech(), **fields).item() == pytest.approx(0.0, abs=2e-3)


def test_the_split_follows_the_teacher_or_clean_speech_as_asked():
    """A tone at 1 kHz splits just below 1 kHz, one at 3 kHz just below 3 kHz."""
    teacher, clean = tone(1000.0), tone(3000.0)
    for split_from, expected_hz in (("teacher", 1000.0), ("clean", 3000.0)):
        told = build_method(split_from=split_from, slope="absolute")(speech(), teacher, clean)[1]
        assert told["split_hz_p50"] == pytest.approx(expected_hz, abs=70.0)


def test_clean_as_target_reads_no_teacher_whatever_the_split_says():
    method = build_method(target="clean", split_from="teacher")
    student, clean = speech(seed=1), speech(seed=2)
    assert method(student, None, clean)[0] == method(student, torch.full_like(clean, torch.nan), clean)[0]


def test_the_loss_is_the_weighted_sum_of_its_reported_bands():
    method = build_method(weighting="equal")
    value, told = method(speech(seed=1), speech(seed=2), speech(seed=2))
    assert (told["weight_low"], told["weight_high"]) == (1.0, 1.0)
    assert value.item() == pytest.approx(told["low"] + told["high"], rel=1e-5)


def test_dynamic_weights_turn_the_gradient_towards_the_lagging_band():
    """Learned on equal bands, then shown a student whose high band is wrong: the high band weighs more."""
    teacher = speech(seed=2)
    method = build_method(weighting="dynamic", temperature=0.5, beta=1.0)
    for _ in range(5):
        method(teacher + 0.05 * speech(seed=5), teacher, teacher)
    hiss = torch.randn(2, 4000, generator=torch.Generator().manual_seed(3)).diff(n=2, append=torch.zeros(2, 2))
    told = method.eval()(teacher + 0.3 * hiss, teacher, teacher)[1]
    assert told["weight_high"] > 1.1 > told["weight_low"]


def test_compression_lifts_faint_bins():
    """An error in a bin 60 dB under another is invisible to the plain cosine and visible to the compressed one."""
    target = torch.full((1, 257), 1e-2)
    target[:, 10] = 10.0
    student = target.clone()
    student[:, 11:] *= -1.0
    plain, _ = band_losses(hand_made(target), hand_made(student), split=60)
    exponent = 0.3
    lifted, _ = band_losses(hand_made(target).compressed(exponent), hand_made(student).compressed(exponent), split=60)
    assert plain < 1e-3 < 0.5 < lifted


def baseline_gradient(student, teacher, split):
    """Of the literal loss with the baseline's cosine, <A, B> / (max(|A|, 1e-8) max(|B|, 1e-8)), (batch, time)."""
    student = student.clone().requires_grad_()
    target, heard = (
        torch.stft(x, 512, 128, window=torch.hann_window(512), pad_mode="constant", return_complex=True).mT
        for x in (teacher, student)
    )
    bins = torch.arange(257)

    def cosine(band):
        kept = band.float()
        norms = [((x.real**2 + x.imag**2) * kept).sum(-1).clamp_min(1e-16).sqrt() for x in (target, heard)]
        return ((target * heard.conj()).real * kept).sum(-1) / norms[0] / norms[1]

    low, high = bins <= split[..., None], bins >= split[..., None]
    error = ((target.abs() - heard.abs()).square() * high).sum(-1) / high.sum(-1)
    loss = (1 - cosine(low)).mean() + 0.5 * (1 - cosine(high)).mean() + 0.5 * error.mean()
    return torch.autograd.grad(loss, student)[0]


def test_the_literal_form_pulls_where_the_baseline_does_though_frames_split_at_dc():
    """A student with next to no DC: eps alone made up to 0.99 of the gradient, at the DC bin."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(2, 2, 8000, generator=generator)
    teacher = tone(62.5, 8000) + 0.3 * tone(2000, 8000) + 1e-3 * noise[0]
    student = (tone(62.5, 8000) + 0.1 * tone(2100, 8000) + 1e-4 * noise[1]).requires_grad_()
    method = build_method(method="dfkd", **LITERAL)
    split = method.split(Spectrum.of(teacher), teacher)
    assert (split == 0).float().mean() > 0.5
    value, _ = method(student, teacher, teacher)
    (gradient,) = torch.autograd.grad(value, student)
    wanted = baseline_gradient(student.detach(), teacher, split)
    assert torch.cosine_similarity(gradient.flatten(), wanted.flatten(), dim=0) > 0.98


def likeness(student, teacher):
    """Cosine of the literal form's gradient with the baseline's at a student's estimate."""
    method, student = build_method(method="dfkd", **LITERAL), student.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(method(student, teacher, teacher)[0], student)
    wanted = baseline_gradient(student.detach(), teacher, method.split(Spectrum.of(teacher), teacher))
    return torch.cosine_similarity(gradient.flatten(), wanted.flatten(), dim=0)


@pytest.mark.parametrize("is_training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("level", [0.1, 0.03])
def test_a_student_of_random_weights_is_pulled_where_the_baseline_pulls_however_quiet_it_is(is_training, level):
    """In eval mode norms that have seen nothing leave the estimate 10 dB fainter: eps must not lie beside its bands."""
    torch.manual_seed(0)
    pauses = torch.linspace(0, 1, 8000).mul(12).sin().clamp_min(0.003)
    teacher = level * pauses * (tone(62.5, 8000) + 0.3 * tone(2000, 8000) + 0.05 * torch.randn(2, 8000))
    model = build_model("dccrn", width=0.0625).train(is_training)
    assert likeness(model(teacher + 0.1 * level * torch.randn(2, 8000)), teacher) > 0.98


@pytest.mark.parametrize("student", [0.0, 1e-6])
def test_the_literal_form_is_finite_beside_silence(student):
    for teacher in (torch.zeros(2, 4000), speech(seed=2)):
        estimate = torch.full((2, 4000), student, requires_grad=True)
        value, _ = build_method(method="dfkd", **LITERAL)(estimate, teacher, teacher)
        assert torch.isfinite(torch.autograd.grad(value, estimate)[0]).all()


def test_a_low_band_of_the_dc_bin_alone_has_a_value_and_no_gradient():
    target, student = torch.full((1, 1, 257), 0.5), torch.full((1, 1, 257), -0.001, requires_grad=True)
    zero, active = torch.zeros(1, 1, 257), torch.ones(1, 1, dtype=torch.bool)
    method = build_method(method="dfkd", **LITERAL)
    low = [method.band_losses(Spectrum(target, zero), Spectrum(student, zero), torch.full((1, 1), m), active)[0, 0]
           for m in (0, 1)]  # fmt: skip
    assert low[0] > 1 and low[1] > 1
    assert not torch.autograd.grad(low[0], student, retain_graph=True)[0].any()
    assert torch.autograd.grad(low[1], student)[0].any()
