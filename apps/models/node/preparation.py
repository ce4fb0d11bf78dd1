"""What comes before a replica's process: its model's files, its engine's environment, its order."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

import apps.models
from apps.models.node.model_files import Cancelled, CannotPrepare, ModelFiles, Progress
from apps.models.reports import ReplicaSpec
from xplatform import environments
from xplatform.core.config import Settings
from xplatform.engines.registry import ENGINES

__all__ = ["Cancelled", "CannotPrepare", "prepare", "spec_path"]

_BUILT_IN = "builtin:"


def prepare(
    spec: ReplicaSpec, settings: Settings, cancelled: threading.Event, progress: Progress
) -> Path:
    """Write the replica's file; its path. May take as long as a download and an installation do.

    Raises CannotPrepare and Cancelled."""
    model_files = ModelFiles(spec, settings)
    try:
        spec = model_files.fetch(cancelled, progress)
        order = _write(spec, settings, cancelled, progress)
        model_files.hold(order)
    except BaseException:
        model_files.release()
        raise
    return order


def _write(
    spec: ReplicaSpec, settings: Settings, cancelled: threading.Event, progress: Progress
) -> Path:
    def report(stage: str, fraction: float, line: str) -> None:
        if cancelled.is_set():
            raise Cancelled
        progress(fraction, f"installing engine environment: {stage} {line}".rstrip())

    try:
        python = environments.environment_python(spec.engine, settings)
        path = find_model(spec)
        if python is None:
            progress(0.0, "installing engine environment")
            python = environments.install(spec.engine, settings, report)
    except (environments.UnknownEngine, environments.EnvironmentFailed) as error:
        raise CannotPrepare(str(error)) from None
    if cancelled.is_set():
        raise Cancelled
    spec = msgspec.structs.replace(spec, model_path=path, engine_python=str(python))
    try:
        return write_spec(spec, settings)
    except OSError as error:
        raise CannotPrepare(f"cannot write to {settings.run_path}: {error.strerror}") from None


def find_model(spec: ReplicaSpec) -> str:
    """The path as the engine needs it, here on this machine. Raises CannotPrepare."""
    entry = ENGINES.get(spec.engine)
    if entry is not None and entry.requirements is None:
        return spec.model_path  # the fake engine has no files
    if spec.model_path.startswith(_BUILT_IN):
        path = built_in(spec.model_path.removeprefix(_BUILT_IN))
    else:
        path = Path(spec.model_path).expanduser().absolute()
    if not path.exists():
        raise CannotPrepare(f"no such file or folder {str(path)!r} on node {spec.node!r}")
    if not os.access(path, os.R_OK):
        raise CannotPrepare(f"{str(path)!r} on node {spec.node!r} may not be read")
    return str(path)


def built_in(name: str) -> Path:
    """The file of a model that comes with the platform: each node has its own copy."""
    return Path(apps.models.__file__).parent / "demo" / f"{name}.gguf"


def write_spec(spec: ReplicaSpec, settings: Settings) -> Path:
    path = spec_path(settings, spec.replica_id, spec.epoch)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Readable by the owner only: options may hold tokens.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(spec))
    return path


def spec_path(settings: Settings, replica_id: str, epoch: int) -> Path:
    return settings.run_path / "replicas" / f"{replica_id}.{epoch}.json"
