"""Making an engine's environment: create, install, mark. Can be killed and called again anytime."""

from __future__ import annotations

import importlib.util
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from xplatform.core.config import Settings
from xplatform.core.logs import mask
from xplatform.engines.registry import EngineEntry
from xplatform.environments import store
from xplatform.environments.progress import Progress

#: stage (waiting, creating, resolving, downloading, installing, ready), how much is done of it
#: all (0 to 1), a line for people. It is called at least once a second; raising from it cancels.
Report = Callable[[str, float, str], None]

#: free space that is asked for when the requirements file does not say (``# disk: 2500 MB``)
DEFAULT_MB = 500
_QUIET_SECONDS = 1.0


class EnvironmentFailed(Exception):
    """The environment could not be made; the text says why, with pip's words."""


def install(name: str, settings: Settings, report: Report = lambda *_: None) -> Path:
    """Make the engine's environment unless it is there; its Python.

    Two at once are one: the second waits for the first and finds its work done. What a killed
    installation left is continued. Raises UnknownEngine, EnvironmentFailed, and what ``report``
    raises.
    """
    found = store.entry(name)
    if (python := store.environment_python(name, settings)) is not None:
        report("ready", 1.0, f"{name} is installed")
        return python

    def waiting() -> None:
        report("waiting", 0.0, f"another installation of {name} is running")
        time.sleep(0.2)

    folder = store.folder_of(found, settings)
    try:
        with store.lock(found, settings, waiting) as handle:
            if not store.is_complete(found, folder):
                _make(found, folder, settings, report, handle)
    except OSError as error:
        raise EnvironmentFailed(
            f"The environment of {name} cannot be made in {folder}: {error.strerror or error}."
        ) from error
    report("ready", 1.0, f"{name} is installed")
    return store.python_of(folder)


def _make(
    found: EngineEntry, folder: Path, settings: Settings, report: Report, lock_handle: int
) -> None:
    assert found.requirements is not None
    requirements = store.REQUIREMENTS / found.requirements
    _check_space(found, folder.parent)
    report("creating", 0.01, f"creating {folder}")
    python = store.python_of(folder)
    pip = _create(folder, python)
    _drop_half_installed(folder)
    command = [
        *pip, "install", "--disable-pip-version-check", "--no-input", "--no-color",
        "--progress-bar", "off", "--requirement", str(requirements),
        *_sources(settings.engine_index),
    ]  # fmt: skip
    _run_pip(found, command, report, lock_handle)
    marker = folder / (store.COMPLETE + ".new")
    marker.write_text(store.digest_of(found))
    marker.replace(folder / store.COMPLETE)


def _create(folder: Path, python: Path) -> list[str]:
    """A virtual environment, with the command for pip in it.

    The server's own pip works on it from outside: giving each environment a pip of its own takes
    seconds and megabytes.
    """
    (folder / store.COMPLETE).unlink(missing_ok=True)
    own_pip = importlib.util.find_spec("pip") is not None
    if not _works(python):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=not own_pip, symlinks=True)
    if own_pip:
        return [sys.executable, "-P", "-m", "pip", "--python", str(python)]
    return [str(python), "-P", "-m", "pip"]


def _works(python: Path) -> bool:
    """Also false when the system's Python was upgraded under it."""
    check = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        return subprocess.run([python, "-I", "-c", check], timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _drop_half_installed(folder: Path) -> None:
    """pip writes RECORD last; a package without it was cut off, but pip would take it for whole."""
    for metadata in folder.glob("lib/python*/site-packages/*.dist-info"):
        if not (metadata / "RECORD").exists():
            shutil.rmtree(metadata)


def _sources(index: str) -> list[str]:
    if not index:
        return []
    if "://" in index and not index.startswith("file://"):
        return ["--index-url", index]
    return ["--no-index", "--find-links", index]


def needed_bytes(name: str) -> int:
    """About what an installation takes, as the engine's requirements say. Raises UnknownEngine."""
    found = store.entry(name)
    if found.requirements is None:
        return 0
    text = (store.REQUIREMENTS / found.requirements).read_text()
    stated = re.search(r"^# disk: (\d+) MB", text, re.MULTILINE)
    return (int(stated[1]) if stated else DEFAULT_MB) << 20


def _check_space(found: EngineEntry, folder: Path) -> None:
    needed = needed_bytes(found.name) >> 20
    free = shutil.disk_usage(folder).free >> 20
    if free < needed:
        raise EnvironmentFailed(
            f"The environment of {found.name} needs about {needed} MB in {folder}, where {free} MB "
            "are free; make room or choose another home with --home."
        )


def _run_pip(found: EngineEntry, command: list[str], report: Report, lock_handle: int) -> None:
    progress = Progress()
    last_lines: deque[str] = deque(maxlen=8)
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_pip_environment(),
        # pip holds the lock too: when only this process is killed, the next waits for pip's end.
        pass_fds=(lock_handle,),
        start_new_session=True,
    )
    try:
        for line in _lines(process):
            if line:
                last_lines.append(mask(line))
                progress.hear(line)
            report(progress.stage, progress.fraction, mask(progress.last))
        code = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if code != 0:
        errors = [line for line in last_lines if line.startswith("ERROR")] or list(last_lines)
        raise EnvironmentFailed(
            f"The environment of {found.name} could not be installed. pip said: "
            + (" ".join(errors[-3:]) or f"nothing (exit code {code})")
        )


def _pip_environment() -> dict[str, str]:
    # A PYTHONPATH of the server's would let pip take the server's packages for the engine's.
    drop = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER", "PIP_PREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in drop}
    return kept | {"PYTHONUNBUFFERED": "1"}


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """pip's lines as they come, and an empty one for each second without."""
    assert process.stdout is not None
    handle = process.stdout.fileno()
    rest = b""
    while True:
        ready, _, _ = select.select([handle], [], [], _QUIET_SECONDS)
        if not ready:
            yield ""
            continue
        data = os.read(handle, 65536)
        if not data:
            break
        *complete, rest = (rest + data).split(b"\n")
        for line in complete:
            if text := line.decode("utf-8", "replace").strip():
                yield text
    if rest.strip():
        yield rest.decode("utf-8", "replace").strip()
