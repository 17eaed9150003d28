"""How long an epoch takes on one thread of this machine, told from a few steps on noise."""

from __future__ import annotations

import logging
import time
from statistics import median

import torch
from torch import nn

from dfkd_core.base.allowance import allowed_memory_bytes
from dfkd_core.config import ExperimentConfig
from dfkd_core.models import build_student
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.training.footprint import clips_a_step, training_bytes
from dfkd_core.training.initial_student import NUM_BATCHES, NUM_CROPS
from dfkd_core.training.parent import find_parent

_log = logging.getLogger(__name__)
NUM_TIMED = 3
SCORING_S = 0.08  # PESQ, STOI and ESTOI of one clip
CLIP_S = 4.0


def epoch_seconds(config: ExperimentConfig) -> float | None:
    """Seconds for training (forward and backward) and validation of one epoch; the loss adds some percent.

    None, and a warning, where a step takes more memory than this machine has, as `start_seconds`.
    """
    if not _has_room(config):
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(config.training.threads)
    try:
        model, data = build_student(config.student), config.data
        batch = clips_a_step(config)
        num_steps = 3600 * data.train_hours / (batch * data.segment_s)
        step_s = median(_step_seconds(model, batch, data.segment_s) for _ in range(NUM_TIMED))
        clip_s = _step_seconds(model.eval(), 1, CLIP_S, backward=False)
    finally:
        torch.set_num_threads(threads)
    return num_steps * step_s + data.validation_clips * (clip_s + SCORING_S)


def start_seconds(config: ExperimentConfig) -> float | None:
    """Seconds before the first epoch of a trained start: measuring, cutting and scoring it; 0 from a random one.

    What is measured and cut is kept, so that the next trial of the same parent and shape has it for nothing.
    """
    parent = find_parent(config)
    if parent is None:
        return 0.0
    if not _has_room(config):
        return None
    student, data, batch = build_student(config.student).eval(), config.data, clips_a_step(config)
    seconds = data.validation_clips * (_step_seconds(student, 1, CLIP_S, backward=False) + SCORING_S)
    if parent.is_wider:
        seconds += NUM_BATCHES * _step_seconds(student, batch, data.segment_s, backward=False)
        if config.training.slice_by == "activation":
            num_crops = min(NUM_CROPS, 3600 * data.train_hours / data.segment_s)
            wide = build_student(parent.student).eval()
            seconds += num_crops * _step_seconds(wide, 1, data.segment_s, backward=False)
    return seconds


def _has_room(config: ExperimentConfig) -> bool:
    needed, allowed = training_bytes(config), allowed_memory_bytes()
    if needed > allowed:
        rule = f"training.batch_size {config.training.batch_size}: a step takes about {needed / 2**30:,.0f} GiB"
        _log.warning("%s, more than the %.3g here, so that its time cannot be told", rule, allowed / 2**30)
    return needed <= allowed


def _step_seconds(model: nn.Module, batch: int, seconds: float, *, backward: bool = True) -> float:
    noise = 0.1 * torch.randn(batch, int(seconds * SAMPLE_RATE_HZ))
    started = time.perf_counter()
    with torch.set_grad_enabled(backward):
        estimate = model(noise)
        if backward:
            estimate.square().mean().backward()
    return time.perf_counter() - started
