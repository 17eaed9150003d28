import pytest
import torch

from dfkd_core.distillation import build_method

RATE_HZ = 16000


def tones(*frequencies_hz, samples=4000):
    """Sum of tones of amplitude 0.1, (1, time)."""
    time_s = torch.arange(samples) / RATE_HZ
    return 0.1 * sum(torch.sin(2.0 * torch.pi * hz * time_s) for hz in frequencies_hz)[None]


def run(student, teacher, clean, **fields):
    return build_method(method="dispatch", **fields)(student, teacher, clean)


LOW, HIGH, CLEAN = tones(500.0), tones(5000.0), tones(500.0, 5000.0)


def test_nothing_is_distilled_where_the_student_is_ahead_everywhere():
    generator = torch.Generator().manual_seed(0)
    clean, teacher = (0.1 * torch.randn(1, 4000, generator=generator) for _ in range(2))
    student = clean.clone().requires_grad_()
    value, told = run(student, teacher, clean, keep="positive")
    value.backward()
    assert value.item() == pytest.approx(0.0, abs=1e-4)
    assert student.grad.abs().max() < 1e-3
    assert told["kept_share_low"] < 0.05


@pytest.mark.parametrize("bands", ["dfkd", "full"])
def test_only_the_region_where_the_teacher_is_ahead_gives_a_gradient(bands):
    """The student misses the 5 kHz tone, the teacher the 500 Hz tone: what is distilled lies at 5 kHz."""
    student = (LOW + 1e-3 * HIGH + 1e-4 * torch.randn(1, 4000)).requires_grad_()
    run(student, HIGH, CLEAN, keep="positive", bands=bands, split="fixed")[0].backward()
    spectrum = torch.fft.rfft(student.grad * torch.hann_window(4000)).abs()[0]
    assert spectrum[1225:1275].max() > 10.0 * spectrum[100:150].max()


def test_a_number_keeps_its_share_of_the_candidates():
    generator = torch.Generator().manual_seed(0)
    noise = [CLEAN + 0.05 * torch.randn(1, 4000, generator=generator) for _ in range(2)]
    told = run(noise[0], noise[1], CLEAN, keep=0.3)[1]
    assert told["kept_share_low"] == pytest.approx(0.3, abs=0.02)
    assert told["kept_share_high"] == pytest.approx(0.3, abs=0.02)


def test_keeping_every_patch_of_one_bin_per_frame_and_band_is_a_plain_mean():
    """bands: full, keep 1 and patches as large as the spectrum: the magnitude error of whole frames over E."""
    teacher = tones(1000.0)
    value, told = run(2.0 * teacher, teacher, CLEAN, bands="full", keep=1.0, patch_bins=(257, 257), frame_weight="none")
    assert told["kept_share"] == 1.0
    assert value.item() == pytest.approx(1.0, rel=1e-2)


def test_bands_report_what_dfkd_reports():
    told = run(CLEAN + 0.1 * HIGH, CLEAN, CLEAN)[1]
    assert {"low", "high", "weight_low", "weight_high", "split_hz_p50", "split_at_bound_share"} <= set(told)


def test_a_teacher_is_needed_with_either_target():
    for target in ("teacher", "clean"):
        assert build_method(method="dispatch", target=target).needs_teacher
