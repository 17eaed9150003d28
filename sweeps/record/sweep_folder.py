"""The sweep's own files: the resolved spec, and the note that names ledger and workload."""

from __future__ import annotations

import importlib
import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import dump_yaml, read_json_object, real_path, typed_path
from dfkd_core.base.outputs import require_folder
from dfkd_core.errors import ConfigError, DFKDError, Unreadable
from sweeps.definition.spec import SweepSpec
from sweeps.record.agreed import agree, is_agreed
from sweeps.workload import Workload

SPEC, NOTE = "sweep.yaml", "ledger.json"
CLEARED = ("spool", "trials")  # where a sweep begins
OWN = (SPEC, NOTE, "ledger.journal", "front", "confirm", *CLEARED)  # what a sweep writes in its folder
MOVED = {"sweeps.distillation_workload": "sweeps.distillation.workload"}  # modules named in older notes


def require_not_own(out: Path, key: str) -> None:
    """ConfigError where an output would come in place of a file that some sweep writes itself."""
    place = real_path(out)
    for folder in place.parents:
        if place.relative_to(folder).parts[0] in OWN and (folder / SPEC).is_file():
            raise ConfigError(f"must be none of a sweep's own files, but {str(out)!r} is; name another", key=key)


class SweepFolder:
    """`runs/<name>`: a sweep once its sweep.yaml stands, which is written last."""

    def __init__(self, path: str | Path) -> None:
        self.path = real_path(typed_path(path))

    @property
    def is_sweep(self) -> bool:
        """True when a sweep has begun here."""
        return (self.path / SPEC).is_file()

    def refuse_second(self) -> None:
        """A second `run` into a folder is refused; `resume` is the way on."""
        if self.is_sweep:
            raise ConfigError(
                f"already holds a sweep; go on with `dfkd sweep resume {shlex.quote(str(self.path))}`", file=self.path
            )
        if self.path.exists() and not self.path.is_dir():
            raise ConfigError("must be a folder, but is a file; name another --out", file=self.path)
        require_folder(self.path)
        for name in CLEARED:
            if any(path.is_file() for path in (self.path / name).rglob("*")):
                rule = f"holds files in {name}/ and no {SPEC}, and a sweep would clear them away"
                raise ConfigError(f"{rule}; bring {SPEC} back, or name another --out", file=self.path)

    def require(self) -> None:
        """Everything but `run` needs a sweep."""
        if not self.is_sweep:
            raise ConfigError(f"holds no sweep ({SPEC} is missing); begin one with `dfkd sweep run`", file=self.path)

    def create(self) -> None:
        """Make the folder; what a driver left that died before the sweep began is cleared away."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("ledger.journal", "ledger.lock", NOTE):
            (self.path / name).unlink(missing_ok=True)
        for name in CLEARED:
            shutil.rmtree(self.path / name, ignore_errors=True)

    @contextmanager
    def removed_unless_begun(self, is_new: bool) -> Iterator[None]:
        """A new folder goes again when the sweep is refused before it has begun; entered under the lock."""
        try:
            yield
        finally:
            if is_new and not self.is_sweep:
                shutil.rmtree(self.path, ignore_errors=True)

    def write_note(self, sweep_id: str, workload: type[Workload]) -> None:
        """Note the study's name, and the workload as `module:Class` for those who resume from the command line."""
        self._write_note({"sweep_id": sweep_id, "workload": f"{workload.__module__}:{workload.__qualname__}"})

    def renote(self, sweep_id: str) -> None:
        """Note under which name the study goes on, and that it is here now."""
        note = self.note()
        if (note["sweep_id"], note.get("folder")) == (sweep_id, str(self.path)):
            return
        agreed = not self.foreign_code()
        self._write_note({**note, "sweep_id": sweep_id})
        if agreed:
            self.agree_to_code()

    def _write_note(self, note: Mapping[str, str]) -> None:
        write_atomic(self.path / NOTE, json.dumps({**note, "folder": str(self.path)}).encode())

    def original(self) -> SweepFolder | None:
        """The folder that this one was copied from, when it still holds the same sweep; None for one that was moved."""
        note = self.note()
        place = SweepFolder(str(note.get("folder", self.path)))
        if not place.is_sweep or place.path.samefile(self.path):
            return None
        with suppress(DFKDError):
            return place if place.note()["sweep_id"] == note["sweep_id"] else None
        return None

    def note(self) -> dict[str, Any]:
        """The study's name and the workload."""
        try:
            note = read_json_object(self.path / NOTE)
            if not all(isinstance(note.get(key), str) for key in ("sweep_id", "workload")):
                raise Unreadable("must name sweep_id and workload")
            return note
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise DFKDError(f"{self.path / NOTE}: cannot be read ({reason}); restore it from a backup") from error

    def write_spec(self, spec: SweepSpec) -> None:
        """Write the resolved spec: from now on the folder is a sweep."""
        write_atomic(self.path / SPEC, dump_yaml(spec.model_dump(mode="json")).encode())

    def spec(self, overrides: Mapping[str, Any] | None = None) -> SweepSpec:
        """The resolved spec, with changes on top."""
        self.require()
        return SweepSpec.load(self.path / SPEC, overrides)

    def foreign_code(self) -> list[str]:
        """What `module:Class` of somebody's own would run in this sweep and has not been agreed to by this user."""
        spec, note = self.spec(), self.note()
        searched = spec.space.get("student.model", [])
        entries = searched if isinstance(searched, list) else [searched]
        students = [spec.config.get("student", {}), *({"model": v} for e in entries for v in e.get("values", []))]
        named = [note["workload"], *(str(student.get("model")) for student in students if isinstance(student, Mapping))]
        own = [name for name in dict.fromkeys(named) if ":" in name and not name.startswith("sweeps.")]
        return [name for name in own if not is_agreed(note["sweep_id"], name)]

    def agree_to_code(self) -> None:
        """This user wants all of it run."""
        for name in self.foreign_code():
            agree(self.note()["sweep_id"], name)

    def workload(self, call: str = "resume_sweep({path!r}, workload={name})") -> type[Workload]:
        """The recorded workload, when its module can be imported here; `call` is the way from Python when not.

        ConfigError too when the folder names code of somebody's own to which this user has not agreed.
        """
        noted, _, name = self.note()["workload"].partition(":")
        module = MOVED.get(noted, noted)
        remedy = f"from sweeps import {call.partition('(')[0]}; {call.format(path=str(self.path), name=name)}"
        if code := self.foreign_code():
            rule = f"names code that would run here, {' and '.join(code)}; if you trust it, say --yes, or from Python"
            raise ConfigError(f"{rule}: {remedy}", file=self.path)
        try:
            if not name:  # of such a note nothing was said to be code, and agreed to
                raise ImportError("it names no class")
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            if not (isinstance(found, type) and issubclass(found, Workload)):
                raise AttributeError("it is no workload")
        except (ImportError, AttributeError, TypeError, ValueError) as error:  # the last two: no name of a module
            rule = f"was run with the workload {module}:{name}, which cannot be imported here; go on from Python"
            raise ConfigError(f"{rule}: {remedy}", file=self.path) from error
        return found
