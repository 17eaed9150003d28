"""What a training step pays for its losses: `OMP_NUM_THREADS=1 python benchmarks/loss_cost.py`.

CPU time on one thread, forward and backward at the estimate, batch of 8 x 2 s at 16 kHz; median and lower decile of
30 runs. The last rows compare ways to sum a band per frame, without their STFT.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from dfkd_core.distillation import METHODS, build_method
from dfkd_core.distillation.bands import BandMasks, BandSums
from dfkd_core.losses import TERMS
from dfkd_core.signal.real_stft import real_stft
from dfkd_core.signal.spectrum import Spectrum
from dfkd_core.signal.stft import DISTILLATION_FRAMING

NUM_RUNS = 30


def cost_ms(loss: Callable[[Tensor], Tensor], estimate: Tensor) -> str:
    """Median and lower decile in ms of a forward and a backward pass."""
    times = []
    for _ in range(NUM_RUNS + 3):
        leaf = estimate.clone().requires_grad_()
        start = time.process_time()
        value = loss(leaf)
        if value.requires_grad:
            value.backward()
        times.append(1e3 * (time.process_time() - start))
    ordered = sorted(times[3:])
    return f"{ordered[NUM_RUNS // 2]:7.1f} {ordered[NUM_RUNS // 10]:7.1f}"


def with_masks(target: Spectrum, student: Spectrum, split: Tensor) -> Tensor:
    masks = BandMasks.at(split, target.power)
    low, high = BandSums.over(target, student, masks.low, masks.high)
    return (low.cosine_distance() + high.cosine_distance()).sum()


def with_cumulative_sums(target: Spectrum, student: Spectrum, split: Tensor) -> Tensor:
    edge = split[:, :, None]

    def sums(values: Tensor) -> tuple[Tensor, Tensor]:
        running = values.cumsum(dim=-1)
        low = running.gather(-1, edge)[..., 0]
        return low, running[..., -1] - low + values.gather(-1, edge)[..., 0]

    products = zip(sums(target.dot(student)), sums(target.power), sums(student.power), strict=True)
    return torch.stack([BandSums(*product).cosine_distance() for product in products]).sum()


def with_gathered_masks(target: Spectrum, student: Spectrum, split: Tensor) -> Tensor:
    table = torch.ones(target.power.shape[-1], target.power.shape[-1]).tril()
    low, high = BandSums.over(target, student, table[split], table.T.contiguous()[split])
    return (low.cosine_distance() + high.cosine_distance()).sum()


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    clean = 0.05 * torch.randn(8, 32000)
    teacher, estimate = (clean + share * torch.randn_like(clean) for share in (0.02, 0.05))
    print(f"{'loss':40s}  median  decile ms")
    for name in METHODS:
        method = build_method(method=name)
        print(f"{name:40s} {cost_ms(lambda x, m=method: m(x, teacher, clean)[0], estimate)}")
    for name, term in TERMS.items():
        print(f"{name:40s} {cost_ms(lambda x, t=term: t(x, clean), estimate)}")
    for name, transform in {"STFT alone, torch.stft": complex_stft, "STFT alone, real planes": planes}.items():
        print(f"{name:40s} {cost_ms(transform, estimate)}")
    spectrum = Spectrum.of(teacher)
    split = build_method(method="dfkd").adapter(spectrum.power.sqrt().transpose(1, 2))
    for way in (with_masks, with_cumulative_sums, with_gathered_masks):
        student = Spectrum.of(estimate)
        planes_ = torch.stack((student.real, student.imag))
        spent = cost_ms(lambda x, w=way: w(Spectrum(spectrum.real, spectrum.imag), Spectrum(*x), split), planes_)
        print(f"band {way.__name__.replace('_', ' '):35s} {spent}")


def complex_stft(signal: Tensor) -> Tensor:
    spectrum = DISTILLATION_FRAMING.stft(signal)
    return (spectrum.real + spectrum.imag).sum()


def planes(signal: Tensor) -> Tensor:
    real, imag = real_stft(signal, DISTILLATION_FRAMING)
    return (real + imag).sum()


if __name__ == "__main__":
    main()
