"""A stream of raw samples, as a microphone or a pipe has them, through an `Enhancer`."""

from __future__ import annotations

import logging
from typing import BinaryIO

import numpy as np

from dfkd_core.live.enhancer import Enhancer
from dfkd_core.signal.audio import Samples

FULL_SCALE = 32768
READ_BYTES = 1 << 16  # at most at a time; what is there is taken at once

_log = logging.getLogger(__name__)


def enhance_raw(enhancer: Enhancer, source: BinaryIO, target: BinaryIO, *, noisy_share: float = 0.0) -> None:
    """Write the enhanced samples of `source` to `target`, each as soon as it is finished, as many as there were.

    Both hold signed integers of two bytes, the lower first, at 16 kHz. `noisy_share`: as of `in_chunks`. `source` must
    hand out what it has (`read1`).
    """
    held, waiting = b"", np.zeros(0, np.float32)

    def give(clean: Samples) -> None:
        nonlocal waiting
        noisy, waiting = waiting[: len(clean)], waiting[len(clean) :]
        mixed = (1 - noisy_share) * clean + noisy_share * noisy if noisy_share else clean
        integers = np.clip(np.rint(FULL_SCALE * mixed), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
        target.write(integers.tobytes())
        target.flush()

    while piece := source.read1(READ_BYTES):  # type: ignore[attr-defined]
        held += piece
        whole = len(held) // 2 * 2
        samples = np.frombuffer(held[:whole], "<i2").astype(np.float32) / FULL_SCALE
        held, waiting = held[whole:], np.concatenate([waiting, samples])
        give(enhancer.process(samples))
    give(enhancer.finish())
    if held:
        _log.warning("the stream ended with half a sample, which is left out")
