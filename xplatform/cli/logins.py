"""Servers that somebody has logged in to: ``$XDG_CONFIG_HOME/xplatform/logins.json``, readable by
its owner only. Not in the home, which belongs to a server."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


def renewal(endpoint: str) -> dict[str, Any] | None:
    """Of a login in a browser: access_token, refresh_token and when the first expires."""
    found = _read().get("renewals", {}).get(endpoint.rstrip("/"))
    whole = isinstance(found, dict) and {"access_token", "refresh_token"} <= set(found)
    return found if whole else None


def keep_renewal(endpoint: str, values: dict[str, Any]) -> Path:
    known = _read()
    known.setdefault("renewals", {})[endpoint.rstrip("/")] = values
    return _write(known)


@contextmanager
def alone() -> Iterator[None]:
    """No other command of this user changes a login meanwhile."""
    path = file().with_suffix(".lock")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def endpoints() -> list[str]:
    known = _read()
    return [*known.get("keys", {}), *known.get("renewals", {})]


def save(endpoint: str, key: str | dict[str, Any]) -> Path:
    """``key``: an API key, or what a login in a browser gave."""
    known = _read()
    held, other = ("keys", "renewals") if isinstance(key, str) else ("renewals", "keys")
    known.setdefault(held, {})[endpoint] = key
    known.get(other, {}).pop(endpoint, None)
    known["current"] = endpoint
    return _write(known)


def forget(endpoint: str) -> bool:
    """False: there was nothing to forget."""
    known = _read()
    held = [known.get(kind, {}).pop(endpoint, None) for kind in ("keys", "renewals")]
    had = any(each is not None for each in held)
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
