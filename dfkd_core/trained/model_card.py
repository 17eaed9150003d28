"""What there is to know of a trained model, for programs (metrics.json) and for people (the card)."""

from __future__ import annotations

import math
from typing import Any

from pydantic import ConfigDict

from dfkd_core.base.schema import Config
from dfkd_core.config import ExperimentConfig
from dfkd_core.data.config import DataConfig, ValueSet
from dfkd_core.data.pretrained import PUBLIC_MODELS
from dfkd_core.metrics import KNOWN, METRICS
from dfkd_core.models.runtimes import Runtime
from dfkd_core.signal.level import REFERENCE_DBFS

SCHEMA_VERSION = 1


class ModelRecord(Config):
    """The content of metrics.json.

    sha256: of model.safetensors. sizes: as `complexity` counts them. metrics: by name, `val/...` and others.
    noisy: validation scores of the unprocessed mixtures. origin: hashes and names of data and teacher.
    runtimes: what exports have measured, by runtime; not in the file before the first export.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    schema_version: int = SCHEMA_VERSION
    sha256: str
    sizes: dict[str, float | None]
    metrics: dict[str, float | None]
    noisy: dict[str, float | None]
    epochs: int
    origin: dict[str, Any]
    torch_version: str
    runtimes: dict[str, dict[str, float]] = {}

    def to_json(self) -> dict[str, Any]:
        """Plain values; a size or score that is not finite becomes null."""
        plain = self.model_dump(exclude=set() if self.runtimes else {"runtimes"})
        for table in (plain["sizes"], plain["metrics"], plain["noisy"]):
            table.update({name: None for name, value in table.items() if value is None or not math.isfinite(value)})
        return plain


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
        _cost(record),
        _use(student["model"], Runtime(int(record.sizes.get("runtime") or 0))),
    )
    return "\n".join("\n".join(lines) + "\n" for lines in sections)


def _training(config: ExperimentConfig, record: ModelRecord) -> list[str]:
    data, origin = config.data, record.origin
    teacher = origin.get("teacher") or "none"
    known = [f"{model.name}: {model.licence}" for model in PUBLIC_MODELS.values() if model.name in teacher]
    teacher += f" ({'; '.join(known)})" if known else ""
    licences = ", ".join(origin.get("licences") or ["unknown"])
    start = f"- Begun with {origin.get('start', 'the weights of a model')} ({_short(origin.get('start_hash'))})"
    begun = [start] if "start_hash" in origin else []
    return [
        "## Training",
        "",
        f"- Data: corpus `{data.corpus}`, {data.train_hours * record.epochs:g} hours of mixtures, {_mixing(data)}",
        f"- Levels: {data.level_dbfs[0]:g} to {data.level_dbfs[1]:g} dBFS. `dfkd enhance` brings what it reads to "
        f"{REFERENCE_DBFS:g} dBFS, an `Enhancer` what lies outside into that range, and both scale back",
        f"- Licences of the audio: {licences}; those of the model follow from them",
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
    rows = [*heading, "", "| metric | model | noisy input |", "|---|---|---|"]
    shown = [name for name in KNOWN if name in METRICS or f"{group}/{name}" in record.metrics]
    for name, metric in ((name, KNOWN[name]) for name in shown):
        model, noisy = _number(record.metrics.get(f"{group}/{name}")), _number(record.noisy.get(name))
        rows.append(f"| {name} ({metric.unit}) | {model} | {noisy} |")
    return rows


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
    return ["## Cost", "", *lines]


def _use(model: str, runtime: Runtime) -> list[str]:
    """From the shell, from Python, and in the runtimes that take it."""
    export, live = "    dfkd export-onnx <this folder> -o model.onnx", []
    exports = [export] if model in ("conv_tasnet", "dptnet") else []
    if runtime >= Runtime.LIVE:
        exports = [*exports, f"{export} --streaming"]
        live = [
            "",
            "    from dfkd_core.live import Enhancer",
            "",
            "    enhancer = Enhancer(model, config.data.level_dbfs)",
            "    finished = enhancer.process(chunk)  # (time,) at 16 kHz, any length",
            "    rest = enhancer.finish()",
        ]
    if runtime >= Runtime.SHERPA_OFFLINE:
        exports = [*exports, f"{export} --runtime sherpa-onnx"]
    return [
        *("## Use", "", "    dfkd enhance <this folder> noisy.wav clean.wav", "    dfkd evaluate <this folder>"),
        *exports,
        *("", "In Python:", "", "    from dfkd_core.trained.model_folder import load_model", ""),
        '    model, config = load_model("<this folder>")',
        "    estimate = model(noisy)  # tensors (batch, time) at 16 kHz",
        *live,
    ]


def _number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _short(sha256: str | None) -> str:
    return sha256[:16] if sha256 else "none"
