"""Downloads as they are kept on disk, so that a restart loses none."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from xplatform.core import errors
from xplatform.core.errors import PlatformError
from xplatform.files.keeping import keep
from xplatform.files.source import Source

State = Literal["queued", "running", "paused", "failed", "done", "cancelled"]

#: (bytes here, bytes in all, what happens now); for a source without sizes the total is 0
Progress = Callable[[int, int, str], None]

#: states in which something is still to come
OPEN = ("queued", "running", "paused")


class Failure(msgspec.Struct, omit_defaults=True):
    """An error as it is kept: the same one is raised for everybody who waits."""

    code: str
    message: str
    data: dict[str, Any] = {}
    retry_after: float | None = None

    def error(self) -> PlatformError:
        kind = errors.BY_CODE.get(self.code, errors.Internal)
        return kind.said(self.message, data=self.data, param="source", retry_after=self.retry_after)

    @classmethod
    def of(cls, error: PlatformError) -> Failure:
        return cls(error.code, error.message, error.data, error.retry_after)


class Record(msgspec.Struct):
    """What is on disk of a job. One a source: a job that failed or is done may run again."""

    id: str
    source: Source
    state: State = "queued"
    commit: str = ""
    #: id of the cached entry that it fills
    entry: str = ""
    done: int = 0
    total: int = 0
    error: Failure | None = None
    #: somebody asked for the files themselves, not for a launch: a restart goes on by itself
    asked_for: bool = False
    #: somebody paused it: only somebody makes it go on
    paused_by_hand: bool = False
    peers: list[str] = []
    created: float = 0.0
    updated: float = 0.0


class FileInfo(msgspec.Struct, frozen=True):
    path: str
    size: int | None
    done: int


class DownloadInfo(msgspec.Struct, frozen=True):
    """A download for people."""

    id: str
    state: State
    hub: str
    #: repository or URI (without password and signature)
    name: str
    revision: str
    commit: str
    #: what an engine is given, when it is done
    path: str
    #: bytes
    done: int
    #: 0: not known (yet)
    total: int
    #: bytes a second
    speed: float
    #: seconds to go at this speed
    remaining: float | None
    #: what happens now, or why it failed
    line: str
    error: Failure | None
    files: list[FileInfo]
    #: launches that wait for it
    waiters: list[str]
    created: float
    updated: float


class Store:
    """One JSON file a job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def read_all(self) -> list[Record]:
        found = []
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                found.append(msgspec.json.decode(path.read_bytes(), type=Record))
        return sorted(found, key=lambda record: record.created)

    def write(self, record: Record) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{record.id}.json"
        with self._lock:
            keep(path, msgspec.json.encode(record))

    def remove(self, id: str) -> None:
        (self._folder / f"{id}.json").unlink(missing_ok=True)


def job_id(source: Source) -> str:
    """The same for everybody who asks for the same source."""
    return hashlib.sha256(msgspec.json.encode(source)).hexdigest()[:16]
