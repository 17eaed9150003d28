"""Training state on disk: tensors as safetensors, the rest as JSON, never pickle.

A checkpoint is a folder of two content files and `manifest.json`, which names them with their SHA-256. Content
files carry their hash in their name and the manifest is renamed into place last, so a folder always holds one
whole state: the new one once the manifest is there, the previous one until then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from dfkd_core.base.atomic_files import write_atomic
from dfkd_core.base.documents import parse_json, read_content, read_json
from dfkd_core.errors import CheckpointError

State = Mapping[str, Any]

MANIFEST = "manifest.json"
_FORMAT = 1
_TENSOR = "$tensor"  # marks in the JSON tree where a tensor of the safetensors file belongs


def save_state(directory: Path, state: State) -> None:
    """Write a nested mapping of tensors and JSON values; OSError (disk full) leaves the previous one intact."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, torch.Tensor] = {}
    tree = _without_tensors(state, "", tensors)
    files = {}
    for kind, content, suffix in (("tensors", save(tensors), "safetensors"), ("values", _json(tree), "json")):
        digest = hashlib.sha256(content).hexdigest()
        files[kind] = {"name": f"{kind}-{digest[:16]}.{suffix}", "sha256": digest}
        write_atomic(directory / files[kind]["name"], content)
    write_atomic(directory / MANIFEST, _json({"format": _FORMAT, "files": files}))
    keep = {file["name"] for file in files.values()}
    for path in directory.iterdir():  # earlier saves, and what a killed one left behind
        ours = path.name.startswith(("tensors-", "values-")) or path.suffix == ".tmp"
        if ours and path.name not in keep:
            path.unlink(missing_ok=True)


def load_state(directory: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, tensors on the CPU; CheckpointError when a file is missing or differs."""
    files = _read_manifest(directory / MANIFEST)
    contents = {kind: _read_content(directory / file["name"], file["sha256"]) for kind, file in files.items()}
    try:
        tensors, tree = load(contents["tensors"]), parse_json(contents["values"])
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(_message(directory, "must be readable", str(error))) from error
    state: dict[str, Any] = _with_tensors(tree, tensors)
    return state


def has_state(directory: Path) -> bool:
    """Tell whether a save into `directory` was ever completed."""
    return (directory / MANIFEST).is_file()


def _without_tensors(value: Any, path: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The JSON tree of a state; its tensors move into `tensors` under their path."""
    if isinstance(value, torch.Tensor):
        tensors[path] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: path}
    if isinstance(value, Mapping):
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise TypeError(f"keys of a state must be strings, but {path or 'the root'} holds {wrong!r}")
        return {key: _without_tensors(item, f"{path}/{key}", tensors) for key, item in value.items()}
    return value


def _with_tensors(value: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    return {key: _with_tensors(item, tensors) for key, item in value.items()}


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _read_manifest(path: Path) -> dict[str, dict[str, str]]:
    try:
        manifest = read_json(path)
        files = {kind: manifest["files"][kind] for kind in ("tensors", "values")}
        names = [file["name"] for file in files.values() if isinstance(file["sha256"], str)]
    except FileNotFoundError as error:
        raise CheckpointError(_message(path, "must exist", "it is missing")) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(_message(path, "must be a checkpoint's manifest", f"{error!r}")) from error
    if len(names) != len(files) or any(Path(name).name != name for name in names):
        raise CheckpointError(_message(path, "must name files of its own folder", f"it names {names}"))
    return files


def _read_content(path: Path, sha256: str) -> bytes:
    try:
        content = read_content(path)
    except FileNotFoundError as error:
        raise CheckpointError(_message(path, "must exist", "it is missing")) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise CheckpointError(_message(path, f"must have sha256 {sha256[:12]}...", f"it has {found[:12]}..."))
    return content


def _message(path: Path, rule: str, fact: str) -> str:
    return f"{path}: {rule}, but {fact}; restore the checkpoint from a copy, or delete its folder to start over"
