"""Write ONNX files: a graph for one frame at a time, or for whole signals."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dfkd_core.base.onnx_session import open_session
from dfkd_core.base.outputs import require_output, write_output
from dfkd_core.errors import ConfigError
from dfkd_core.export.int8 import in_int8
from dfkd_core.export.report import EnhanceSignal, ExportReport, Streamed, measured
from dfkd_core.live import live_core
from dfkd_core.live.core import LiveCore, Memory, latency_samples
from dfkd_core.live.onnx_core import DELAY, ENHANCED, FORM, FRAME, FRAMING, PAST_END, STREAMING, OnnxCore, framing_of
from dfkd_core.models.base import CustomStudentConfig, Student
from dfkd_core.models.complexity import complexity
from dfkd_core.models.conv_tasnet import ConvTasNet
from dfkd_core.models.dptnet import DPTNet
from dfkd_core.signal import SAMPLE_RATE_HZ
from dfkd_core.signal.audio import Samples
from dfkd_core.teachers.trained_model import FOLDER as SHIPPED
from dfkd_core.trained.model_folder import load_model, model_sha256, note_runtimes, read_model_config
from dfkd_core.trained.model_record import METRICS, read_record

OPSET = 18
WHOLE = "whole signal"
_log = logging.getLogger(__name__)

FIXED_S = 4.0  # the one length that a graph takes whose length is fixed, a DPTNet's


def export_streaming(folder: Path, path: Path, int8: bool = False, data: Path | None = None) -> ExportReport:
    """One frame and the states in, one frame and the states out; equal to the model to 1e-4, its end included.

    ConfigError: the student needs the whole clip, or int8 saves nothing. DFKDError: the file would differ from the
    model.
    """
    require_name(path)
    model, config = load_model(folder)
    core = live_core(model)
    states = core.initial_states()
    ends = {PAST_END: torch.zeros(1)} if core.delay_frames else {}
    names = [f"state_{i}" for i in range(len(states))]
    graph = traced_graph(
        _Step(core),
        (core.frames.silence(), *ends.values(), *states),
        inputs=[FRAME, *ends, *names],
        outputs=[ENHANCED, *(f"new_{name}" for name in names)],
    )
    properties = {FORM: STREAMING, FRAMING: json.dumps(framing_of(core.frames)), DELAY: str(core.delay_frames)}
    content = with_metadata(graph, properties | provenance(model, folder))
    report = measured(
        path,
        content,
        STREAMING,
        opened_stream(content),
        model,
        latency_ms=1000 * latency_samples(core) / SAMPLE_RATE_HZ,
        state_bytes=sum(4 * state.numel() for state in states),
    )
    if int8:
        content, report = in_int8(content, report, opened_stream, config, data)
    leave_behind(folder, content, report)
    return report


class _Step(nn.Module):
    """A core's step whose end of the signal is an input, where frames are delayed."""

    def __init__(self, core: LiveCore) -> None:
        super().__init__()
        self.core = core
        self.eval()  # the exporter puts a module back into the mode that it came in

    def forward(self, frame: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        past_end, states = (rest[0], rest[1:]) if self.core.delay_frames else (0, rest)
        memory = Memory(states)
        enhanced = self.core.step(frame, memory, past_end)
        return enhanced, *memory.new


def export_whole(folder: Path, path: Path, int8: bool = False, data: Path | None = None) -> ExportReport:
    """Waveform in, waveform out, (batch, time), of any length; a DPTNet's of FIXED_S alone.

    A student of the user's own: of any length where torch can write that and it computes the same, else of FIXED_S.
    ConfigError: a student that works on spectra, which other runtimes' transforms do not match: it streams; one of the
    user's own that torch cannot write; int8 saves nothing.
    DFKDError: the file would differ from the model.
    """
    require_name(path)
    model, config = load_model(folder)
    described, fixed = provenance(model, folder), round(FIXED_S * SAMPLE_RATE_HZ)
    if isinstance(config.student, CustomStudentConfig):
        content, report = _of_ones_own(model, path, described)
    elif isinstance(model, DPTNet):
        content, report = _whole(model, path, described, fixed, None)
    elif isinstance(model, ConvTasNet):
        length = torch.export.Dim("time", min=model.frames.window_samples + 1)
        content, report = _whole(model, path, described, None, length)
    else:
        rule = f"{config.student.model} works on spectra and is exported as a graph for one frame at a time"
        raise ConfigError(f"{rule}; add --streaming", key="export-onnx", file=folder)
    if int8:
        num_samples = None if report.form == WHOLE else fixed
        content, report = in_int8(content, report, _opened_whole, config, data, num_samples)
    leave_behind(folder, content, report)
    return report


def _whole(
    model: Student, path: Path, described: Mapping[str, str], fixed: int | None, length: object
) -> tuple[bytes, ExportReport]:
    """The graph of whole signals of `fixed` samples, else of the dimension `length`, and what was measured on it."""
    graph = io.BytesIO()
    with _quietly(), torch.no_grad():
        program = torch.onnx.export(
            model,
            (torch.zeros(1, fixed or SAMPLE_RATE_HZ),),
            input_names=["noisy"],
            output_names=["estimate"],
            dynamic_shapes=None if fixed else ({1: length},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        program.save(graph)  # type: ignore[union-attr, arg-type]
    content = with_metadata(graph.getvalue(), {FORM: WHOLE, **described})
    form = WHOLE if fixed is None else f"{WHOLE} of {FIXED_S:g} s"
    return content, measured(path, content, form, _opened_whole(content), model, num_samples=fixed)


def _of_ones_own(model: Student, path: Path, described: Mapping[str, str]) -> tuple[bytes, ExportReport]:
    reason: Exception | None = None
    for num_samples in (None, round(FIXED_S * SAMPLE_RATE_HZ)):
        try:
            return _whole(model, path, described, num_samples, torch.export.Dim.AUTO)
        except Exception as error:  # whatever torch finds in a forward that is not ours, or a graph that differs
            reason = reason if num_samples and reason else error
    lines = [line.strip() for line in str(reason).splitlines() if line.strip()]
    rule = f"{type(model).__name__} cannot be written as a graph that computes the same"
    known = "its forward may use what torch.onnx.export (dynamo) knows, and no branch that depends on values"
    raise ConfigError(f"{rule} ({(lines or ['no reason told'])[0][:200]}); {known}", key="student.model") from reason


def opened_stream(content: bytes) -> EnhanceSignal:
    """A graph for one frame at a time as a function of signals."""
    return Streamed(OnnxCore(content))


def _opened_whole(content: bytes) -> EnhanceSignal:
    session = open_session(content)

    def enhance(noisy: Samples) -> Samples:
        estimate: Samples = session.run(None, {"noisy": noisy[None]})[0][0]
        return estimate

    return enhance


def traced_graph(
    module: nn.Module, example: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str]
) -> bytes:
    """The graph of a module of fixed shapes."""
    content = io.BytesIO()
    with _quietly(), torch.no_grad():
        # shapes are fixed and nothing branches: the tracing exporter is exact here, and its graphs run twice as fast
        torch.onnx.export(
            module,
            example,
            content,  # type: ignore[arg-type]
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamo=False,
        )
    return content.getvalue()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what torch's exporters say of themselves."""
    said = logging.getLogger("torch.onnx")
    before = said.level
    said.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        said.setLevel(before)


def with_metadata(graph: bytes, properties: Mapping[str, str]) -> bytes:
    """The graph with these entries beside those that it has."""
    import onnx

    model = onnx.load_from_string(graph)
    had = {prop.key: prop.value for prop in model.metadata_props}
    onnx.helper.set_model_props(model, had | dict(properties))
    return bytes(model.SerializeToString())


def provenance(model: Student, folder: Path) -> dict[str, str]:
    """What a file says of itself to whoever opens it."""
    sizes = {name: value for name, value in asdict(complexity(model)).items() if np.isfinite(value)}
    config = read_model_config(folder)
    properties = {
        "sample_rate": SAMPLE_RATE_HZ,
        "dfkd.model": config.student.model,
        "dfkd.sha256": model_sha256(folder),
    }
    if config.provenance:  # the sweep's, of an exported config
        properties["dfkd.provenance"] = json.dumps(config.provenance)
    if (folder / METRICS).is_file():
        origin = read_record(folder).origin
        properties["dfkd.licences"] = ", ".join(origin.get("licences") or ["unknown"])
        properties |= {f"dfkd.{key}": origin[key] for key in ("data_hash", "teacher_hash") if origin.get(key)}
    return {
        key: str(value) for key, value in {**properties, **{f"dfkd.{name}": v for name, v in sizes.items()}}.items()
    }


def require_name(path: Path) -> None:
    """ConfigError: nobody would take the file for an ONNX file, or it cannot be written."""
    if path.suffix.lower() != ".onnx" or path.is_dir():
        raise ConfigError("must be a file whose name ends in .onnx; rename it", key="--output", file=path)
    require_output(path, "--output")


def leave_behind(folder: Path, content: bytes, report: ExportReport) -> None:
    """Write a file that has been checked, with what was measured on it; the model's card says it, too.

    The cards of models that come with the package stay as they are.
    """
    write_output(report.path, with_metadata(content, report.metadata()), "--output")
    if (folder / METRICS).is_file() and folder.parent != SHIPPED:
        try:
            note_runtimes(folder, report.runtimes())
        except OSError as error:
            _log.warning("%s: its card does not say what was measured: %s", folder, error)
