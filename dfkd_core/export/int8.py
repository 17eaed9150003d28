"""Weights in eight bits, where that makes a file smaller, and what it takes off the model's quality."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dfkd_core.base.progress import silent
from dfkd_core.config import ExperimentConfig
from dfkd_core.errors import ConfigError
from dfkd_core.export.report import EnhanceSignal, ExportReport, PesqLost, real_time_factor
from dfkd_core.metrics import METRICS
from dfkd_core.scoring.evaluation import evaluate
from dfkd_core.scoring.model_scores import split_mixtures
from dfkd_core.signal.chunks import in_pieces
from dfkd_core.teachers import open_teacher
from dfkd_core.teachers.base import Listed, Waveforms
from dfkd_core.teachers.taught_list import judged

PESQ = "pesq_wb"


def in_int8(
    content: bytes,
    report: ExportReport,
    opened: Callable[[bytes], EnhanceSignal],
    config: ExperimentConfig,
    data: Path | None,
    num_samples: int | None = None,
) -> tuple[bytes, ExportReport]:
    """The graph with int8 weights and what was measured on it: dynamic quantisation by onnxruntime.

    PESQ-WB is compared on the validation clips of the model's own corpus, or of `data`, graph against graph.
    num_samples: the one length that these take. ConfigError: int8 would not be smaller, or there is no corpus.
    """
    small = _quantised(content)
    if len(small) >= len(content):
        rule = f"would make the file larger ({len(small) / 1e6:.2f} MB for {len(content) / 1e6:.2f} MB)"
        raise ConfigError(f"{rule}: its weights are few beside its graph; leave it out", key="--int8")
    mixtures = split_mixtures(config.data, data, "valid", silent)
    if not mixtures.has_clean:
        mixtures = judged(mixtures, open_teacher(config.teacher), silent)
    scores = []
    for graph in (content, small):
        enhance = opened(graph)

        def each(noisy: Waveforms, listed: Sequence[Listed], enhance: EnhanceSignal = enhance) -> Waveforms:
            if num_samples is None:
                return np.stack([enhance(row) for row in noisy])
            return in_pieces(lambda rows: np.stack([enhance(row) for row in rows]), noisy, num_samples)

        scores.append(evaluate(each, mixtures, {PESQ: METRICS[PESQ]}).mean[PESQ])
    lost = PesqLost(scores[0], scores[1], len(mixtures))
    factor = real_time_factor(opened(small), num_samples)
    form = f"{report.form}, int8"
    return small, replace(report, form=form, num_bytes=len(small), real_time_factor=factor, pesq_lost=lost)


def _quantised(content: bytes) -> bytes:
    """Layers that onnxruntime has in int8, weights alone stored so."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    said = logging.getLogger()
    before = said.level
    said.setLevel(logging.ERROR)  # it tells of every shape that it infers
    model = onnx.load_from_string(content)
    try:
        with TemporaryDirectory() as place:
            path = Path(place) / "int8.onnx"
            try:
                quantize_dynamic(model, path, weight_type=QuantType.QInt8)
            except ValueError:  # a convolution whose weight is computed in the graph, as GTCRN's are
                quantize_dynamic(model, path, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "LSTM"])
            return path.read_bytes()
    finally:
        said.setLevel(before)
