"""What there is to know of a trained model, for people: the card."""

from __future__ import annotations

import math
from typing import Any

from dfkd_core.config import ExperimentConfig
from dfkd_core.data.config import DataConfig, ValueSet
from dfkd_core.data.pretrained import PUBLIC_MODELS
from dfkd_core.metrics import KNOWN, METRICS
from dfkd_core.models.runtimes import Runtime
from dfkd_core.signal.level import REFERENCE_DBFS
from dfkd_core.trained.model_record import ModelRecord

_AGREEMENT = (
    "## Agreement with the teacher on the validation recordings",
    "",
    "No clean speech is known for them: these values tell how near the model comes to its teacher, faults included, "
    "and not how good it is.",
)


def model_card(config: ExperimentConfig, record: ModelRecord) -> str:
    """The card in Markdown: what the model is, what it was trained on, how it scores, what it costs."""
    student = config.student.model_dump(mode="json")
    fields = ", ".join(f"{name} {value}" for name, value in student.items() if name != "model")
    sections = (
        [f"# {student['model']}: speech enhancement at 16 kHz, mono", "", f"Architecture: {fields}."],
        _training(config, record),
        _scores(record),
        _probes(record),
        _promise(config, record),
        _cost(record),
        _use(student["model"], Runtime(int(record.sizes.get("runtime") or 0))),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in sections if lines)


def _training(config: ExperimentConfig, record: ModelRecord) -> list[str]:
    data, origin = config.data, record.origin
    teacher = origin.get("teacher") or "none"
    known = [f"{model.name}: {model.licence}" for model in PUBLIC_MODELS.values() if model.name in teacher]
    teacher += f" ({'; '.join(known)})" if known else ""
    licences = ", ".join(origin.get("licences") or ["unknown"])
    start = f"- Begun with {origin.get('start', 'the weights of a model')} ({_short(origin.get('start_hash'))})"
    begun = [start] if "start_hash" in origin else []
    begun += [f"- On the validation mixtures {record.better}"] if record.better else []
    return [
        "## Training",
        "",
        f"- Data: corpus `{data.corpus}`, {data.train_hours * record.epochs:g} hours of mixtures, {_mixing(data)}",
        f"- Levels: {data.level_dbfs[0]:g} to {data.level_dbfs[1]:g} dBFS. `dfkd enhance` brings what it reads to "
        f"{REFERENCE_DBFS:g} dBFS, an `Enhancer` what lies outside into that range, and both scale back",
        f"- Licences of the audio: {licences}; what they ask of the model is for its maker to say",
        f"- Teacher: {teacher}; method {config.distillation.method}, weight {config.distillation.weight:g}",
        f"- Epochs: {record.epochs}; seed {config.seed}; torch {record.torch_version}",
        *begun,
        f"- Data hash: {_short(origin.get('data_hash'))}; teacher hash: {_short(origin.get('teacher_hash'))}",
    ]


def _mixing(data: DataConfig) -> str:
    """SNR and augmentation in words."""
    snr = data.snr_db
    if isinstance(snr, ValueSet):
        parts = [f"at {', '.join(f'{value:g}' for value in snr.values)} dB SNR"]
    else:
        parts = [f"at {snr[0]:g} to {snr[1]:g} dB SNR"]
    if data.impulse_responses:
        parts.append(f"{data.impulse_responses:.0%} in rooms ({data.target_reflections} target)")
    shares = {"clipped": data.clipping, "with babble": data.babble, "with varied noise": data.noise_variation}
    parts += [f"{share:.0%} {what}" for what, share in shares.items() if share]
    return ", ".join(parts)


def _scores(record: ModelRecord) -> list[str]:
    by_teacher = any(name.startswith("val_teacher/") for name in record.metrics)
    group, heading = ("val_teacher", [*_AGREEMENT]) if by_teacher else ("val", ["## Scores on the validation mixtures"])
    shown = [name for name in KNOWN if name in METRICS or f"{group}/{name}" in record.metrics]
    has_spans = any(f"{group}/{name}" in record.intervals for name in shown)
    columns = ["metric", "model", *(["95 %"] if has_spans else []), "noisy input"]
    rows = [*heading, "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for name in shown:
        value, noisy = _number(record.metrics.get(f"{group}/{name}")), _number(record.noisy.get(name))
        span = [_span(record.intervals.get(f"{group}/{name}"))] if has_spans else []
        rows.append(f"| {' | '.join([f'{name} ({KNOWN[name].unit})', value, *span, noisy])} |")
    return rows


def _probes(record: ModelRecord) -> list[str]:
    """Columns for each probe, as the scores' own; nothing without any."""
    probes = sorted({name.split("/")[1] for name in record.metrics if name.startswith("probe/")})
    columns: dict[str, dict[str, str]] = {}
    for probe in probes:
        named = {name: f"probe/{probe}/{name}" for name in KNOWN}
        columns[probe] = {name: _number(record.metrics.get(metric)) for name, metric in named.items()}
        if record.intervals.keys() & named.values():
            columns[f"{probe}, 95 %"] = {name: _span(record.intervals.get(metric)) for name, metric in named.items()}
        if record.noisy.keys() & named.values():
            columns[f"{probe}, noisy input"] = {
                name: _number(record.noisy.get(metric)) for name, metric in named.items()
            }
    rows = [
        f"| {name} ({KNOWN[name].unit}) | {' | '.join(cells[name] for cells in columns.values())} |"
        for name in KNOWN
        if any(f"probe/{probe}/{name}" in record.metrics for probe in probes)
    ]
    heading = "## Scores on the probes' validation mixtures"
    table = ["", f"| metric | {' | '.join(columns)} |", "|---" * (1 + len(columns)) + "|", *rows]
    sources = {"what it began with": "start_hash" in record.origin, "its teacher": bool(record.origin.get("teacher"))}
    others = " and ".join(name for name, is_there in sources.items() if is_there)
    unheard = f"Clips that this training did not train on{f'; {others} may have' if others else ''}."
    return [heading, "", unheard, *table] if probes else []


def _promise(config: ExperimentConfig, record: ModelRecord) -> list[str]:
    """What the sweep measured of a config that comes from one, beside what the training has reached."""
    provenance = config.provenance
    expected = provenance.get("expected")
    if not isinstance(expected, dict):
        return []
    groups = ("val/", "val_teacher/", "probe/")
    shown = [n for n in record.metrics if n.startswith(groups) and isinstance(expected.get(n), float)]
    noted = (provenance.get(key) for key in ("expected_interval", "repeated"))
    intervals, repeated = (block if isinstance(block, dict) else {} for block in noted)
    differs = provenance.get("data_hash") not in (None, record.origin.get("data_hash"))
    rows = [
        f"| {name} | {_number(expected[name])} | {_span(intervals.get(name))} | {_number(record.metrics[name])} "
        f"| {_span(record.intervals.get(name))} |"
        for name in shown
    ]
    seeds = [
        f"- {name} with fresh seeds at the sweep's budget: {_number(repeat['mean'])}, {_span(repeat['interval'])}"
        for name, repeat in repeated.items()
        if isinstance(repeat, dict) and isinstance(repeat.get("mean"), int | float) and "interval" in repeat
    ]
    heads = f"sweep, {provenance.get('epochs_per_trial', '?')} epochs | 95 % | reached, {record.epochs} epochs | 95 %"
    return [
        "## Expected and reached",
        "",
        f"Trial {provenance.get('trial')} of the sweep `{provenance.get('sweep')}`, on the validation mixtures.",
        *(["The data are not the sweep's: the columns do not compare."] if differs else []),
        "",
        f"| metric | {heads} |",
        "|---" * 5 + "|",
        *rows,
        *(["", *seeds] if seeds else []),
    ]


def _span(interval: Any) -> str:
    known = isinstance(interval, list | tuple) and len(interval) == 2 and all(isinstance(v, float) for v in interval)
    return " to ".join(map(_number, interval)) if known else "-"


def _cost(record: ModelRecord) -> list[str]:
    lines = [f"- {name}: {_number(value)}" for name, value in record.sizes.items() if name != "runtime"]
    if (runtime := record.sizes.get("runtime")) is not None:
        lines.append(f"- runs: {Runtime(int(runtime)).words}")
    if record.runtimes:
        columns = ("real_time_factor", "bytes", "latency_ms", "pesq_wb_lost")
        heads = "real-time factor | bytes of the file | latency, ms | PESQ-WB lost"
        lines += ["", f"| runtime, one thread | {heads} |", "|---" * 5 + "|"]
        for name, measured in record.runtimes.items():
            lines.append(f"| {name} | {' | '.join(_number(measured.get(column)) for column in columns)} |")
        lines += [
            "",
            "Real-time factor: seconds of one thread's own time for a second of audio, where it was exported.",
        ]
    return ["## Cost", "", *lines]


def _use(model: str, runtime: Runtime) -> list[str]:
    """From the shell, from Python, and in the runtimes that take it."""
    is_live, in_sherpa = runtime >= Runtime.LIVE, runtime >= Runtime.SHERPA_OFFLINE
    takes_waveforms = model in ("conv_tasnet", "dptnet")
    shell = [
        "dfkd enhance <this folder> noisy.wav clean.wav  # or folders; rate and channels stay as they are",
        *(["dfkd enhance <this folder> --live  # 16-bit mono at 16 kHz from stdin to stdout"] if is_live else []),
        "dfkd evaluate <this folder>",
        *(["dfkd export-onnx <this folder> -o whole.onnx"] if takes_waveforms else []),
        *(["dfkd export-onnx <this folder> -o stream.onnx --streaming"] if is_live else []),
        *(["dfkd export-onnx <this folder> -o sherpa.onnx --runtime sherpa-onnx"] if in_sherpa else []),
    ]
    lines = ["## Use", "", *(f"    {line}" for line in shell), "", "In Python:", "", *_fenced(_PYTHON)]
    if is_live:
        lines += ["", "A stream, in chunks of any length:", "", *_fenced(_STREAM)]
    if takes_waveforms:
        lines += ["", "ONNX, whole signals:", "", *_fenced(_WHOLE_ONNX)]
    if is_live:
        ports = "any onnxruntime takes the file: one frame and the states in and out, framing and delay in its metadata"
        lines += ["", f"ONNX, a stream ({ports}):", "", *_fenced(_STREAM_ONNX)]
    if in_sherpa:
        how = "and on streams (`OnlineSpeechDenoiser`)" if runtime >= Runtime.SHERPA_ONLINE else "alone"
        lines += ["", f"sherpa-onnx, on whole signals {how}:", "", *_fenced(_SHERPA)]
    return lines


def _fenced(code: str) -> list[str]:
    return ["```python", *code.strip().splitlines(), "```"]


_PYTHON = """
from dfkd_core.trained.model_folder import load_model

model, config = load_model("<this folder>")
estimate = model(noisy)  # tensors (batch, time) at 16 kHz
"""
_STREAM = """
from dfkd_core.live import Enhancer

enhancer = Enhancer(model, config.data.level_dbfs)
finished = enhancer.process(chunk)  # (time,) at 16 kHz
rest = enhancer.finish()
"""
_WHOLE_ONNX = """
import onnxruntime

session = onnxruntime.InferenceSession("whole.onnx")
(estimate,) = session.run(None, {"noisy": noisy.numpy()})
"""
_STREAM_ONNX = """
from pathlib import Path

from dfkd_core.live import Enhancer
from dfkd_core.live.onnx_core import OnnxCore

enhancer = Enhancer(OnnxCore(Path("stream.onnx")))
finished = enhancer.process(chunk)
rest = enhancer.finish()
"""
_SHERPA = """
import sherpa_onnx

slot = sherpa_onnx.OfflineSpeechDenoiserGtcrnModelConfig(model="sherpa.onnx")
model = sherpa_onnx.OfflineSpeechDenoiserModelConfig(gtcrn=slot)
denoiser = sherpa_onnx.OfflineSpeechDenoiser(sherpa_onnx.OfflineSpeechDenoiserConfig(model=model))
clean = denoiser.run(chunk, 16000).samples
"""


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _short(sha256: str | None) -> str:
    return sha256[:16] if sha256 else "none"
