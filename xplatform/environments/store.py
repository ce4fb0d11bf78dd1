"""Which environments there are, and which is ready to be used.

An environment is ready when its folder holds ``.complete`` with the digest of the requirements it
was made from; it is written last, so that a killed installation is never taken for a good one.
"""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from xplatform import engines
from xplatform.core.config import Settings
from xplatform.engines.registry import ENGINES, EngineEntry

COMPLETE = ".complete"
REQUIREMENTS = Path(engines.__file__).parent / "requirements"


class UnknownEngine(Exception):
    """There is no engine of this name; the text names close ones."""


class EnvironmentInUse(Exception):
    """A running engine uses the environment."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One engine's environment as it stands."""

    name: str
    version: str
    summary: str
    #: ready, partial (an installation did not end), missing, built in
    state: str
    path: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One environment on the disk, of this version of the engine or of an older one."""

    engine: str
    version: str
    #: a launch would use it
    current: bool
    #: ready, partial
    state: str
    #: bytes; None: it is not whole yet
    size: int | None
    #: an engine runs in it
    in_use: bool


def entry(name: str) -> EngineEntry:
    """Raises UnknownEngine."""
    try:
        return ENGINES[name]
    except KeyError:
        close = difflib.get_close_matches(name, ENGINES, n=1)
        known = f"did you mean {close[0]}?" if close else "there are " + ", ".join(ENGINES) + "."
        raise UnknownEngine(f"There is no engine {name!r}; {known}") from None


def folder_of(found: EngineEntry, settings: Settings) -> Path:
    return settings.engines_path / f"{found.name}-{found.version}"


def digest_of(found: EngineEntry) -> str:
    """Of what should be in the environment; for another Python it is made anew."""
    assert found.requirements is not None
    content = (REQUIREMENTS / found.requirements).read_bytes()
    return hashlib.sha256(content + repr(sys.version_info[:2]).encode()).hexdigest()


def environment_python(name: str, settings: Settings) -> Path | None:
    """The Python that runs this engine; None: install it first. Raises UnknownEngine."""
    found = entry(name)
    if found.requirements is None:
        return Path(sys.executable)
    folder = folder_of(found, settings)
    return python_of(folder) if is_complete(found, folder) else None


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def is_complete(found: EngineEntry, folder: Path) -> bool:
    try:
        return (folder / COMPLETE).read_text().strip() == digest_of(found)
    except OSError:
        return False


def environments(settings: Settings) -> list[Environment]:
    """One entry an engine, whatever its state."""
    result = []
    for found in ENGINES.values():
        folder = folder_of(found, settings)
        if found.requirements is None:
            state = "built in"
        elif is_complete(found, folder):
            state = "ready"
        else:
            state = "partial" if folder.exists() else "missing"
        path = str(folder) if state in ("ready", "partial") else None
        result.append(Environment(found.name, found.version, found.summary, state, path))
    return result


def kept(settings: Settings) -> list[Kept]:
    """All that are on the disk. The first time each is counted takes a moment."""
    found = []
    for folder in sorted(settings.engines_path.glob("*-*")):
        name = _name_of(folder)
        if not name or not folder.is_dir():
            continue
        current = folder == folder_of(ENGINES[name], settings)
        whole = is_complete(ENGINES[name], folder) if current else (folder / COMPLETE).exists()
        found.append(
            Kept(
                engine=name,
                version=folder.name[len(name) + 1 :],
                current=current,
                state="ready" if whole else "partial",
                size=_size_of(folder) if whole else None,
                in_use=_user_of(folder) is not None,
            )
        )
    return found


def remove(name: str, settings: Settings, version: str = "") -> list[Path]:
    """Delete this engine's environments, older versions included, or this one version; which.

    Raises UnknownEngine, and EnvironmentInUse while an engine runs in one.
    """
    found = entry(name)
    if found.requirements is None:
        return []
    removed = []
    with lock(found, settings):
        folders = [
            folder
            for folder in sorted(settings.engines_path.glob(f"{name}-*"))
            if folder.is_dir()
            and _name_of(folder) == name
            and version in ("", folder.name[len(name) + 1 :])
        ]
        for folder in folders:
            if pid := _user_of(folder):
                raise EnvironmentInUse(
                    f"The environment of {name} is in use by process {pid}; "
                    "terminate the models that run on it first."
                )
        for folder in folders:
            # First what says it is good: a removal that is killed leaves no half environment.
            (folder / COMPLETE).unlink(missing_ok=True)
            shutil.rmtree(folder)
            removed.append(folder)
    return removed


@contextmanager
def lock(
    found: EngineEntry, settings: Settings, waiting: Callable[[], None] | None = None
) -> Iterator[int]:
    """Only one process changes an engine's environment; ``waiting`` is called while another does.

    Yields the handle: a child that inherits it keeps the lock when its parent is killed.
    """
    settings.engines_path.mkdir(parents=True, exist_ok=True)
    handle = os.open(settings.engines_path / f".{found.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if waiting is None:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    break
                waiting()
        yield handle
    finally:
        os.close(handle)


def _name_of(folder: Path) -> str:
    """``llama.cpp`` of ``llama.cpp-2026.10``: names may have hyphens, so the longest known one."""
    fitting = [name for name in ENGINES if folder.name.startswith(f"{name}-")]
    return max(fitting, key=len, default="")


#: folder → when it was made whole, and its bytes: it does not change after that
_sizes: dict[Path, tuple[int, int]] = {}


def _size_of(folder: Path) -> int | None:
    try:
        made = (folder / COMPLETE).stat().st_mtime_ns
    except OSError:
        return None
    known = _sizes.get(folder)
    if known is None or known[0] != made:
        size = 0
        for root, _, files in os.walk(folder):
            for file in files:
                # Links lead to the server's own Python.
                with suppress(OSError):
                    size += os.lstat(os.path.join(root, file)).st_size
        known = _sizes[folder] = made, size
    return known[1]


def _user_of(folder: Path) -> int | None:
    """A process whose program is this environment's Python, where the system tells."""
    prefix = os.fsencode(folder / "bin") + b"/"
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_bytes().startswith(prefix):
                return int(process.parent.name)
        except OSError:
            continue
    return None
