"""sherpa-onnx itself, where its wheel is installed, in a process of its own: it writes to stderr and may crash.

Run as a program: FILE.onnx NOISY.npy ENHANCED.npy CHUNK, the chunk 0 for all at once; prints the real-time factor.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from dfkd_core.errors import DFKDError
from dfkd_core.signal import SAMPLE_RATE_HZ

TIMEOUT_S = 300
NUM_RUNS = 3


def has_sherpa_onnx() -> bool:
    """Whether the wheel is installed."""
    return importlib.util.find_spec("sherpa_onnx") is not None


def run_in_sherpa_onnx(
    file: Path, noisy: NDArray[np.float32], chunk: int | None = None
) -> tuple[NDArray[np.float32], float]:
    """What the runtime makes of (time,) at 16 kHz, offline or in chunks of so many samples, and its real-time factor.

    DFKDError: it ended without a result.
    """
    with TemporaryDirectory() as place:
        given, made = Path(place) / "noisy.npy", Path(place) / "enhanced.npy"
        np.save(given, noisy)
        command = [sys.executable, "-m", __name__, str(file), str(given), str(made), str(chunk or 0)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        if done.returncode or not made.is_file():
            said = (done.stderr.strip().splitlines() or ["without a word"])[-1]
            raise DFKDError(f"{file.name}: must run in sherpa-onnx, but it ended with status {done.returncode}: {said}")
        return np.load(made), float(done.stdout.split()[-1])


def main() -> None:
    """What the program does, in the process that may crash."""
    import sherpa_onnx

    file, given, made = sys.argv[1:4]
    chunk = int(sys.argv[4])
    slot = sherpa_onnx.OfflineSpeechDenoiserGtcrnModelConfig(model=file)
    model = sherpa_onnx.OfflineSpeechDenoiserModelConfig(gtcrn=slot, num_threads=1, provider="cpu")
    noisy, times = np.load(given), []
    if chunk:
        online = sherpa_onnx.OnlineSpeechDenoiser(sherpa_onnx.OnlineSpeechDenoiserConfig(model=model))
    else:
        offline = sherpa_onnx.OfflineSpeechDenoiser(sherpa_onnx.OfflineSpeechDenoiserConfig(model=model))
    for _ in range(NUM_RUNS):
        started = time.thread_time()
        if chunk:
            parts = [online.run(noisy[first : first + chunk], SAMPLE_RATE_HZ) for first in range(0, len(noisy), chunk)]
            samples = [sample for part in [*parts, online.flush()] for sample in part.samples]
        else:
            samples = offline.run(noisy, SAMPLE_RATE_HZ).samples
        times.append(time.thread_time() - started)
    np.save(made, np.asarray(samples, np.float32))
    print(min(times) * SAMPLE_RATE_HZ / len(noisy))  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
