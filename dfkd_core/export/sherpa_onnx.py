"""A file for sherpa-onnx's GTCRN slot, which takes any student on spectra that is packed as it asks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from dfkd_core.errors import ConfigError, DFKDError
from dfkd_core.export.int8 import in_int8
from dfkd_core.export.onnx_file import (
    leave_behind,
    opened_stream,
    provenance,
    require_name,
    traced_graph,
    with_metadata,
)
from dfkd_core.export.report import ExportReport, Streamed, measured, probe_signals
from dfkd_core.export.sherpa_wheel import has_sherpa_onnx, run_in_sherpa_onnx
from dfkd_core.live import live_core
from dfkd_core.live.core import LiveCore, Memory, States, latency_samples
from dfkd_core.live.frames import SpectralFrames
from dfkd_core.live.onnx_core import DELAY, FORM, FRAMING, SHERPA_ONNX, OnnxCore, framing_of
from dfkd_core.models.runtimes import Runtime, runtime_of
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.stft import Framing
from dfkd_core.trained.model_folder import load_model

CACHES = ("conv_cache", "tra_cache", "inter_cache")
WINDOW_TYPES = {"hann": "hann", "root_hann": "hann_sqrt"}
WHEEL_TOLERANCE = 1e-3
CHUNK_SAMPLES = 160  # 10 ms, in which the wheel is fed here


def export_sherpa_onnx(folder: Path, path: Path, int8: bool = False, data: Path | None = None) -> ExportReport:
    """Write a graph that sherpa-onnx runs unmodified; run it there, where the wheel is installed.

    ConfigError: the student works on no spectra, or its framing crashes the runtime. DFKDError: the file would differ
    from the model, in onnxruntime or in the wheel.
    """
    require_name(path)
    model, config = load_model(folder)
    core = live_core(model)
    framing = _framing(core)
    states = core.initial_states()
    packed = torch.zeros(1, sum(state.numel() for state in states))
    caches = (packed, torch.zeros(1, 1), torch.zeros(1, 1))
    graph = traced_graph(
        _Slot(core, states),
        (core.frames.silence().transpose(1, 3), *caches),
        inputs=["mix", *CACHES],
        outputs=["enh", *(f"{name}_out" for name in CACHES)],
    )
    properties = {
        FORM: SHERPA_ONNX,
        FRAMING: json.dumps(framing_of(core.frames)),
        DELAY: str(core.delay_frames),
        "model_type": "gtcrn",
        "version": "1",
        "n_fft": str(framing.n_fft),
        "hop_length": str(framing.hop_samples),
        "window_length": str(framing.window_samples),
        "window_type": WINDOW_TYPES[framing.window_shape],
        **{f"{name}_shape": "1," + str(cache.shape[1]) for name, cache in zip(CACHES, caches, strict=True)},
    }
    content = with_metadata(graph, properties | provenance(model, folder))
    # nothing tells this graph that a signal has ended: what is delayed then is not compared
    unheard = latency_samples(core) if core.delay_frames else 0
    is_online = runtime_of(model) == Runtime.SHERPA_ONLINE
    form = f"{SHERPA_ONNX} ({'offline and online' if is_online else 'offline'})"
    report = measured(
        path,
        content,
        form,
        opened_stream(content),
        model,
        unheard=unheard,
        latency_ms=1000 * latency_samples(core) / SAMPLE_RATE_HZ,
        state_bytes=4 * packed.numel(),
    )
    if int8:
        content, report = in_int8(content, report, opened_stream, config, data)
    if has_sherpa_onnx():
        report = replace(report, wheel_factor=_in_the_wheel(content, path, is_online))
    else:
        remedy = "not run in sherpa-onnx itself: pip install 'dfkd-sweeps[sherpa]' and export again"
        report = replace(report, form=f"{report.form}, {remedy}")
    leave_behind(folder, content, report)
    return report


def _framing(core: LiveCore | OnnxCore) -> Framing:
    """The core's framing; ConfigError where the runtime does not take it."""
    if not isinstance(core.frames, SpectralFrames):
        rule = "must work on spectra for sherpa-onnx, whose slot takes one of them a frame; dccrn and gtcrn do"
        raise ConfigError(rule, key="student.model")
    framing = core.frames.framing
    if framing.window_samples != framing.n_fft:
        rule = f"must be n_fft ({framing.n_fft}) for sherpa-onnx, but is {framing.window_samples}: a shorter window"
        remedy = f"train one with student.window_samples: {framing.n_fft}, or take --runtime onnx"
        raise ConfigError(f"{rule} gives NaN there, then damages its memory; {remedy}", key="student.window_samples")
    return framing


class _Slot(nn.Module):
    """A core's step as the slot has it: a frame (1, freq, 1, 2) and three caches in and out.

    All states lie one behind the other in the first cache; the other two, which the slot asks for, hold one number.
    """

    def __init__(self, core: LiveCore, states: States) -> None:
        super().__init__()
        self.core, self.shapes = core, [state.shape for state in states]
        self.eval()  # the exporter puts a module back into the mode that it came in

    def forward(self, frame: Tensor, packed: Tensor, *idle: Tensor) -> tuple[Tensor, ...]:
        parts = torch.split(packed, [shape.numel() for shape in self.shapes], dim=1)
        memory = Memory([part.view(shape) for part, shape in zip(parts, self.shapes, strict=True)])
        enhanced = self.core.step(frame.transpose(1, 3), memory, 0)
        following = torch.cat([state.flatten() for state in memory.new])
        return enhanced.transpose(1, 3), following[None], *(one * 1.0 for one in idle)


def _in_the_wheel(content: bytes, path: Path, is_online: bool) -> float:
    """The real-time factor inside the runtime; DFKDError where it computes something else than our own streaming.

    It mirrors a signal's ends offline and hears silence there online; a delay it knows nothing of.
    """
    core = OnnxCore(content)
    framing = _framing(core)
    hop, shift = framing.hop_samples, core.delay_frames * framing.hop_samples
    *_, (_, voice), _, (_, noise) = probe_signals()
    signal = (voice + 0.1 * noise)[: len(voice) // hop * hop]
    factors = []
    modes: list[tuple[int | None, Literal["zeros", "mirrored"]]] = [(None, "mirrored")]
    for chunk, ends in [*modes, (CHUNK_SAMPLES, "zeros")] if is_online else modes:
        with TemporaryDirectory() as place:
            file = Path(place) / path.name
            file.write_bytes(content)
            theirs, factor = run_in_sherpa_onnx(file, signal, chunk)
        factors.append(factor)
        core.frames = SpectralFrames(replace(framing, ends=ends))
        ours = Streamed(core)(signal)[: len(signal) - shift]
        # beside what is delayed it adds up the frames of silence before it, and lacks those behind it
        ends_apart = framing.window_samples if shift else 0
        middle = slice(ends_apart, len(ours) - ends_apart)
        apart = np.abs(ours - theirs[shift:])[middle] if len(theirs) == len(signal) else np.full(1, np.inf)
        difference = float(apart.max())
        if not difference <= WHEEL_TOLERANCE:
            where = f"sherpa-onnx {'offline' if chunk is None else 'online'}"
            rule = f"must equal our streaming to {WHEEL_TOLERANCE:g} in {where}, but differs by {difference:.2g}"
            raise DFKDError(f"{path}: {rule}; nothing was written")
    return max(factors)
