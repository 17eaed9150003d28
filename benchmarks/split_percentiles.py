"""Where each split rule cuts real speech: `python benchmarks/split_percentiles.py CORPUS [--teacher dtln]`.

Frames are the active ones of the corpus's fixed validation mixtures; without a teacher clean speech is cut.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from dfkd_core.config import TeacherConfig
from dfkd_core.data.audio_store import AudioStore
from dfkd_core.data.config import DataConfig
from dfkd_core.data.corpora import open_corpus
from dfkd_core.data.mixtures import validation_list
from dfkd_core.distillation.config import DistillationConfig
from dfkd_core.distillation.frame_weight import active_frames
from dfkd_core.distillation.frequency_adapter import FrequencyAdapter
from dfkd_core.distillation.split_report import split_statistics
from dfkd_core.signal.spectrum import Spectrum
from dfkd_core.teachers import open_teacher

RULES = {
    "literal": {"split": "literal"},
    "dynamic, relative": {"split": "dynamic", "slope": "relative"},
    "dynamic, absolute": {"split": "dynamic", "slope": "absolute"},
    "dynamic, fall": {"split": "dynamic", "slope": "fall"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--teacher", help="a known public model; none: clean speech")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    spectrum = Spectrum.of(torch.from_numpy(signals(arguments.corpus, arguments.teacher)))
    active = active_frames(spectrum.power)
    print(f"{arguments.teacher or 'clean speech'}, {len(active)} clips, {active.float().mean():.0%} of frames active")
    print(f"{'rule':20s} {'p10':>6s} {'p50':>6s} {'p90':>6s} Hz   at a bound   at or under 125 Hz")
    for name, fields in RULES.items():
        adapter = FrequencyAdapter(DistillationConfig(**fields))
        split = adapter(spectrum.power.sqrt().transpose(1, 2))
        *hz, at_bound, under = split_statistics(split, active, adapter).tolist()
        print(f"{name:20s} {hz[0]:6.0f} {hz[1]:6.0f} {hz[2]:6.0f}      {at_bound:10.0%}   {under:18.0%}")


def signals(corpus: str, teacher: str | None) -> np.ndarray:
    """What is cut, (batch, time): the teacher's estimates of the validation mixtures, or their clean speech."""
    data = DataConfig(corpus=corpus)
    mixtures = validation_list(AudioStore.open(open_corpus(corpus)), data)
    noisy, clean = mixtures.batch(range(len(mixtures)))
    model = open_teacher(TeacherConfig(pretrained=teacher))
    return clean if model is None else np.concatenate([model(noisy[i : i + 1]) for i in range(len(noisy))])


if __name__ == "__main__":
    main()
