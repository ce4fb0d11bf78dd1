"""Servers that somebody has logged in to: ``$XDG_CONFIG_HOME/xplatform/logins.json``, readable by
its owner only. Not in the home, which belongs to a server."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def file() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "xplatform" / "logins.json"


def current() -> str | None:
    """The server that commands ask when nothing else names one."""
    found = _read().get("current")
    return found if isinstance(found, str) and found else None


def key(endpoint: str) -> str | None:
    found = _read().get("keys", {}).get(endpoint.rstrip("/"))
    return found if isinstance(found, str) else None


def endpoints() -> list[str]:
    return list(_read().get("keys", {}))


def save(endpoint: str, key: str) -> Path:
    known = _read()
    known.setdefault("keys", {})[endpoint] = key
    known["current"] = endpoint
    return _write(known)


def forget(endpoint: str) -> bool:
    """False: there was nothing to forget."""
    known = _read()
    had = known.get("keys", {}).pop(endpoint, None) is not None
    if known.get("current") == endpoint:
        known["current"] = ""
        had = True
    if had:
        _write(known)
    return had


def _read() -> dict[str, Any]:
    try:
        known = json.loads(file().read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(known: dict[str, Any]) -> Path:
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never readable by others, not even for a moment; and whole, or as it was.
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as written:
        json.dump(known, written, indent=2)
    os.replace(aside, path)
    return path
