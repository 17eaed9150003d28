"""A corpus at scale: a tree of 100,000 files, a hundred hours of listed mixtures, a teacher cache being filled.

Each piece of work runs in a process of its own. Its memory is what is backed by no file (`Anonymous` of
/proc/self/smaps_rollup, sampled every 20 ms), above what the process held before: memory-mapped audio is the page
cache's. The tree is made of copies of one short WAV file in a temporary folder, so its headers come from the page
cache, too: a disk or a network sets other limits.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

NUM_FILES = 100_000
NUM_SPEAKERS = 200
BYTES_PER_FILE = 1_000  # that a scan may hold: path, label, length
HOURS = 100
FREE_S, MODEL_S = 3600, 120  # of mixtures in a cache
RATE = 16_000


def run() -> list[dict[str, Any]]:
    """Rates and memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plant_tree(root / "few", NUM_FILES // 10)
        plant_tree(root / "many", NUM_FILES)
        plant_corpus(root / "corpus")
        return [*scan_rows(root), *list_rows(root), *cache_rows(root), *decode_rows(root)]


def scan_rows(root: Path) -> list[dict[str, Any]]:
    """A first scan, which opens every file, and a second, which finds none changed."""
    few = measured(root / "cache", scan_tree, root / "few")
    many = measured(root / "cache", scan_tree, root / "many")
    again = measured(root / "cache", scan_tree, root / "many")
    growth = 1e6 * (many["peak_mb"] - few["peak_mb"]) / (NUM_FILES - NUM_FILES // 10)
    return [
        row(f"scan of {NUM_FILES:,} files", NUM_FILES / many["spent_s"], "files/s"),
        row("the same, unchanged", NUM_FILES / again["spent_s"], "files/s"),
        row(f"memory of a scan, {NUM_FILES // 10:,} files", few["peak_mb"], "MB"),
        row(f"memory of a scan, {NUM_FILES:,} files", many["peak_mb"], "MB"),
        row("memory of a scan, a further file", growth, "B", f"<= {BYTES_PER_FILE}", growth <= BYTES_PER_FILE),
    ]


def list_rows(root: Path) -> list[dict[str, Any]]:
    """Epochs of one hour, one of them against a hundred, and one epoch of a hundred hours."""
    epochs = {number: measured(root / "cache", list_epochs, root / "corpus", number, 1.0) for number in (1, HOURS)}
    whole = measured(root / "cache", list_epochs, root / "corpus", 1, float(HOURS))
    growth = 1000 * (epochs[HOURS]["peak_mb"] - epochs[1]["peak_mb"]) / (HOURS - 1)
    return [
        row("mixtures listed", HOURS / epochs[HOURS]["spent_s"], "h/s"),
        row("memory of 1 h of mixtures", epochs[1]["peak_mb"], "MB"),
        row(f"memory of {HOURS} h of mixtures, epochs of 1 h", epochs[HOURS]["peak_mb"], "MB"),
        row("memory of a further hour", growth, "kB", "<= 100", growth <= 100),
        row(f"memory of {HOURS} h of mixtures in one epoch", whole["peak_mb"], "MB"),
    ]


def cache_rows(root: Path) -> list[dict[str, Any]]:
    """Caches filled by a teacher that costs nothing, and by a DCCRN of width 1."""
    free = measured(root / "cache", fill_cache, root / "corpus", "free", FREE_S)
    model = measured(root / "cache", fill_cache, root / "corpus", "dccrn", MODEL_S)
    return [
        row("mixtures rendered and cached, teacher for free", FREE_S / free["spent_s"], "s/s"),
        row("mixtures rendered and cached, DCCRN of width 1", MODEL_S / model["spent_s"], "s/s"),
        row("memory of filling a cache", free["peak_mb"], "MB"),
    ]


def decode_rows(root: Path) -> list[dict[str, Any]]:
    """One recording of half an hour at 48 kHz in stereo."""
    plant_recording(root / "long.wav")
    reached = measured(root / "cache", decode_file, root / "long.wav")
    return [
        row("decoding 48 kHz stereo", 1800 / reached["spent_s"], "s/s"),
        row("memory of decoding half an hour of it", reached["peak_mb"], "MB", "<= 500", reached["peak_mb"] <= 500),
    ]


def decode_file(path: Path) -> None:
    from dfkd_core.data.decoding import decode

    decode(path)


def plant_recording(path: Path) -> None:
    import soundfile

    minute = np.random.default_rng(0).normal(0, 0.1, (60 * 48_000, 2))
    with soundfile.SoundFile(path, "w", 48_000, 2) as file:
        for _ in range(30):
            file.write(minute)


def scan_tree(root: Path) -> None:
    """As `dfkd data scan` does, without its bar."""
    from dfkd_core.data.corpora import scan

    if len(scan(root).clips) < NUM_FILES // 10:
        raise RuntimeError("files were lost")


def list_epochs(corpus: Path, epochs: int, hours: float) -> None:
    """List every epoch, and render 20 batches of it."""
    from dfkd_core.data.mixtures import training_shard

    store, data = opened(corpus, hours)
    for epoch in range(epochs):
        shard = training_shard(store, data, epoch)
        for batch in np.array_split(np.arange(160), 20):
            shard.batch(batch)


def fill_cache(corpus: Path, teacher: str, seconds: float) -> None:
    """Estimates of `seconds` of mixtures, none of which is cached yet."""
    from dfkd_core.data.mixtures import training_shard
    from dfkd_core.teachers.teacher_cache import TeacherCache

    store, data = opened(corpus, seconds / 3600)
    TeacherCache.open(TEACHERS[teacher](), training_shard(store, data, 0))


class Free:
    """Returns what it hears."""

    name, sha256 = "free", "f" * 64

    def __call__(self, noisy: Any, listed: object = ()) -> Any:
        return noisy


class Network:
    """A DCCRN of width 1 that nobody has trained."""

    name, sha256 = "dccrn", "d" * 64

    def __init__(self) -> None:
        from dfkd_core.models import build_model

        self.model = build_model("dccrn", width=1.0).eval()

    def __call__(self, noisy: Any, listed: object = ()) -> Any:
        import torch

        with torch.inference_mode():
            estimate = self.model(torch.from_numpy(noisy)).numpy()
        return noisy + 1e-3 * estimate  # a net without training has no delay to speak of, and is refused


TEACHERS: dict[str, Callable[[], Any]] = {"free": Free, "dccrn": Network}


def opened(corpus: Path, hours: float) -> tuple[Any, Any]:
    """The decoded corpus and a config."""
    from dfkd_core.data.audio_store import AudioStore
    from dfkd_core.data.config import DataConfig
    from dfkd_core.data.corpora import open_corpus

    return AudioStore.open(open_corpus(str(corpus))), DataConfig(corpus=str(corpus), train_hours=hours)


def plant_tree(root: Path, number: int) -> None:
    """A clean-noise tree of `number` files of 0.1 s."""
    from dfkd_core.signal.audio import write_audio

    write_audio(root / "one.wav", np.full(RATE // 10, 0.1, np.float32))
    content = (root / "one.wav").read_bytes()
    (root / "one.wav").unlink()
    for place, count in (("clean", 9 * number // 10), ("noise", number // 10)):
        for label in range(NUM_SPEAKERS):
            (root / place / f"label{label:04d}").mkdir(parents=True)
        for index in range(count):
            # no two of them are one recording: their last samples tell the number
            one = content[:-8] + index.to_bytes(8, "little")
            (root / place / f"label{index % NUM_SPEAKERS:04d}" / f"utterance_{index:06d}.wav").write_bytes(one)


def plant_corpus(root: Path) -> None:
    """Forty speakers and ten families of noise, a minute each."""
    from dfkd_core.signal.audio import write_audio

    time_s = np.arange(60 * RATE) / RATE
    for place, count in (("clean", 40), ("noise", 10)):
        for index in range(count):
            signal = np.random.default_rng(index).normal(0, 0.1, len(time_s))
            gate = (time_s % 1.0 < 0.8) if place == "clean" else 1.0
            write_audio(root / place / f"label{index:02d}" / "minute.wav", np.clip(signal * gate, -1, 1))


def measured(cache: Path, work: Callable[..., None], *arguments: object) -> dict[str, float]:
    """Seconds and memory of the work, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_watched, args=(queue, cache, work, arguments))
    process.start()
    reached: dict[str, float] = queue.get()
    process.join()
    return reached


def _watched(queue: Any, cache: Path, work: Callable[..., None], arguments: tuple[object, ...]) -> None:
    import torch

    from dfkd_core.data import corpora, layouts, mixtures, scanning  # noqa: F401 - not part of the work

    torch.set_num_threads(1)
    os.environ["DFKD_CACHE"] = str(cache)
    if work in (list_epochs, fill_cache):
        opened(Path(str(arguments[0])), 1.0)[0].part("train")  # decoded before the clock starts
    before_mb, stop, peak = anonymous_mb(), threading.Event(), [0.0]
    watch = threading.Thread(target=lambda: peak.append(max(samples(stop))))
    watch.start()
    start_s = time.perf_counter()
    work(*arguments)
    spent_s = time.perf_counter() - start_s
    stop.set()
    watch.join()
    queue.put({"spent_s": spent_s, "peak_mb": max(peak) - before_mb})


def samples(stop: threading.Event) -> Iterator[float]:
    """Memory until told to stop."""
    yield anonymous_mb()
    while not stop.wait(0.02):
        yield anonymous_mb()


def anonymous_mb() -> float:
    """Memory of this process that is backed by no file."""
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in rows if line.startswith("Anonymous:")) / 1000


def row(name: str, value: float, unit: str, target: str = "", holds: bool | None = None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "holds": holds}


if __name__ == "__main__":
    for line in run():
        print(line)
