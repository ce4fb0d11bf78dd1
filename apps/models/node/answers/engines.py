"""Engine environments of this node: list, install, remove."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.models.node.questions import Here, question
from xplatform import environments
from xplatform.core.errors import Conflict, NotFound
from xplatform.files import disk


@dataclass
class Installation:
    """One that was asked for. Installations that a launch needs tell their progress there."""

    stage: str = "starting"
    fraction: float = 0.0
    line: str = ""
    error: str = ""
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_installations: dict[str, Installation] = {}
_starting = threading.Lock()


@question("engines.list")
def list_engines(here: Here) -> dict[str, Any]:
    """{"engines": [{name, version, summary, state, path, installation}…]}; ``installation`` is
    {stage, fraction, line, error, done} of the last one asked for, or None."""
    entries = []
    for found in environments.environments(here.settings):
        entry = asdict(found)
        entry["installation"] = _shown(_installations.get(found.name))
        entries.append(entry)
    return {"engines": entries}


@question("engines.environments")
def list_environments(here: Here) -> dict[str, Any]:
    """As ``engines.list``, and of each engine {environments: [{version, current, state, size,
    in_use}…], needs: bytes of an installation}. {"engines": […], "free": bytes}"""
    kept = environments.kept(here.settings)
    entries = list_engines(here)["engines"]
    for entry in entries:
        mine = [asdict(one) for one in kept if one.engine == entry["name"]]
        entry["environments"] = [{k: v for k, v in one.items() if k != "engine"} for one in mine]
        entry["needs"] = environments.needed_bytes(entry["name"])
    return {"engines": entries, "free": disk.free(here.settings.engines_path)}


@question("engines.drop")
def drop(here: Here, name: str, version: str) -> dict[str, Any]:
    """One version of an engine's environment: {"removed": [paths]}"""
    return _remove(here, name, version)


@question("engines.install")
def install(here: Here, name: str) -> dict[str, Any]:
    """Begins, and answers at once; ``engines.list`` tells how far it is. {"installation": …}"""
    try:
        ready = environments.environment_python(name, here.settings) is not None
    except environments.UnknownEngine as error:
        raise NotFound(str(error), param="name") from None
    with _starting:
        running = _installations.get(name)
        if running is None or running.done:
            running = _installations[name] = Installation()
            if ready:
                running.stage, running.fraction, running.done = "ready", 1.0, True
            else:
                threading.Thread(
                    target=_install, args=(here, name, running), name=f"install {name}", daemon=True
                ).start()
    return {"installation": _shown(running)}


@question("engines.remove")
def remove(here: Here, name: str) -> dict[str, Any]:
    """{"removed": [paths]}"""
    return _remove(here, name)


def _remove(here: Here, name: str, version: str = "") -> dict[str, Any]:
    running = _installations.get(name)
    if running is not None and not running.done:
        raise Conflict(f"The environment of {name} is being installed on node {here.node!r}.")
    try:
        removed = environments.remove(name, here.settings, version)
    except environments.UnknownEngine as error:
        raise NotFound(str(error), param="name") from None
    except environments.EnvironmentInUse as error:
        raise Conflict(str(error)) from None
    _installations.pop(name, None)
    return {"removed": [str(path) for path in removed]}


def _install(here: Here, name: str, running: Installation) -> None:
    def report(stage: str, fraction: float, line: str) -> None:
        with running.lock:
            running.stage, running.fraction, running.line = stage, fraction, line

    error = ""
    try:
        environments.install(name, here.settings, report)
    except Exception as failure:
        error = str(failure) or repr(failure)
    with running.lock:
        running.error, running.done = error, True
        if not error:
            running.stage, running.fraction = "ready", 1.0


def _shown(running: Installation | None) -> dict[str, Any] | None:
    if running is None:
        return None
    with running.lock:
        return {
            "stage": running.stage,
            "fraction": running.fraction,
            "line": running.line,
            "error": running.error,
            "done": running.done,
        }
