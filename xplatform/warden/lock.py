"""One server a home folder.

The kernel holds the lock (``flock``), so it is gone the moment its process is, however that
ended. Children never inherit it. What stands in the file only tells people who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path
from typing import Any

from xplatform.core.config import Settings
from xplatform.warden.errors import StartError


class HomeLock:
    """Held from start to end of a warden."""

    def __init__(self, handle: int, *, left_behind: bool) -> None:
        self._handle = handle
        #: the last holder was killed: its children may need a moment to be gone
        self.left_behind = left_behind

    @classmethod
    def take(cls, settings: Settings, address: str) -> HomeLock:
        """Make the home's folders and lock it; raises StartError."""
        home = settings.home_path
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (settings.run_path, settings.logs_path):
                folder.mkdir(mode=0o700, exist_ok=True)
            _make_private(settings.sockets_path)
            handle = os.open(settings.run_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(
                f"Cannot write to the home folder {home} ({error.strerror}); "
                "choose another one with --home or XPLATFORM_HOME."
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _read(handle)
            os.close(handle)
            raise StartError(
                f"A server is running on the home folder {home} already (process "
                f"{holder.get('pid', 'unknown')}, {holder.get('address', 'address unknown')}); "
                "stop it, or choose another home with --home."
            ) from None
        left_behind = bool(_read(handle))
        _write(handle, json.dumps({"pid": os.getpid(), "address": address}))
        return cls(handle, left_behind=left_behind)

    def release(self) -> None:
        """At an orderly end: nothing is left behind."""
        _write(self._handle, "")
        os.close(self._handle)


def _make_private(folder: Path) -> None:
    """A folder that is ours alone: it may lie in a temporary folder that all can write to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(1, f"{folder} belongs to somebody else")
    folder.chmod(0o700)


def _read(handle: int) -> dict[str, Any]:
    try:
        content = json.loads(os.pread(handle, 4096, 0))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _write(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)
