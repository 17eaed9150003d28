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
from dfkd_core.models.base import Student
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.training.footprint import clips_a_step, training_bytes
from dfkd_core.training.initial_student import NUM_BATCHES, NUM_CROPS, NUM_JUDGED, NUM_TRIED
from dfkd_core.training.norm_statistics import batch_norms
from dfkd_core.training.parent import find_parent
from dfkd_core.training.slimmable import NUM_DRAWN, slice_configs

_log = logging.getLogger(__name__)
NUM_TIMED = 3
SCORING_S = 0.08  # PESQ, STOI and ESTOI of one clip
CLIP_S = 4.0


def epoch_seconds(config: ExperimentConfig) -> float | None:
    """Seconds for training (forward and backward) and validation of one epoch, with slices and probes.

    The loss adds some percent. None, and a warning, where a step takes more memory than this machine has, as
    `start_seconds`. ConfigError: as `slice_configs`.
    """
    if not _has_room(config):
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(config.training.threads)
    try:
        model, data = build_student(config.student), config.data
        batch = clips_a_step(config)
        num_steps = 3600 * data.train_hours / (batch * data.segment_s)
        steps_s = [_training_seconds(model, batch, data.segment_s)]
        if config.training.slimmable is not None:
            # of those between the widest and the narrowest as many as are drawn, whichever they are
            *between, narrowest = (
                _training_seconds(build_student(one), batch, data.segment_s) for one in slice_configs(config, model)
            )
            steps_s += [narrowest, sum(between) * min(1.0, NUM_DRAWN / max(1, len(between)))]
        scoring_s = _scoring_seconds(config, model.eval())
    finally:
        torch.set_num_threads(threads)
    return num_steps * sum(steps_s) + scoring_s


def start_seconds(config: ExperimentConfig) -> float | None:
    """Seconds before the first epoch of a trained start: measuring, cutting and scoring it; 0 from a random one.

    What is measured and cut is kept, so that the next trial of the same parent and shape has it for nothing.
    """
    parent = find_parent(config)
    if parent is None:
        return 0.0
    if not _has_room(config):
        return None
    student, data, training = build_student(config.student).eval(), config.data, config.training
    batch = clips_a_step(config)
    wide, seconds = build_student(parent.student).eval(), _scoring_seconds(config, student)
    num_crops = data.num_training_mixtures
    ways = student.slices(wide) if parent.is_wider else None
    if ways is not None:
        num_tried = min(len(ways), NUM_TRIED)
        seconds += num_tried * _step_seconds(student, min(num_crops, NUM_JUDGED), data.segment_s, backward=False)
    elif training.slice_by == "activation" and (parent.is_wider or training.slimmable is not None):
        seconds += min(NUM_CROPS, num_crops) * _step_seconds(wide, 1, data.segment_s, backward=False)
    if parent.is_wider and batch_norms(student):
        num_batches = min(NUM_BATCHES, num_crops / batch)
        seconds += num_batches * _step_seconds(student, batch, data.segment_s, backward=False)
    return seconds


def _has_room(config: ExperimentConfig) -> bool:
    needed, allowed = training_bytes(config), allowed_memory_bytes()
    if needed > allowed:
        rule = f"training.batch_size {config.training.batch_size}: a step takes about {needed / 2**30:,.0f} GiB"
        _log.warning("%s, more than the %.3g here, so that its time cannot be told", rule, allowed / 2**30)
    return needed <= allowed


def _scoring_seconds(config: ExperimentConfig, model: Student) -> float:
    """Of the validation mixtures, and of as many of each probe."""
    num_clips = (1 + len(config.data.probes)) * config.data.validation_clips
    return num_clips * (_step_seconds(model, 1, CLIP_S, backward=False) + SCORING_S)


def _training_seconds(model: Student, batch: int, seconds: float) -> float:
    return median(_step_seconds(model, batch, seconds) for _ in range(NUM_TIMED))


def _step_seconds(model: nn.Module, batch: int, seconds: float, *, backward: bool = True) -> float:
    noise = 0.1 * torch.randn(batch, int(seconds * SAMPLE_RATE_HZ))
    started = time.perf_counter()
    with torch.set_grad_enabled(backward):
        estimate = model(noise)
        if backward:
            estimate.square().mean().backward()
    return time.perf_counter() - started
