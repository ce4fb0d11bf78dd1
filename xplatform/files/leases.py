"""Who uses which cached files, as small files that end with their holder.

A holder is a process, or a file that stands for one (a replica's order in the run folder, which
goes when the replica has ended). Nobody has to give a lease back for it to end.

Nodes may share one folder of models. Of another machine's holders nothing can be seen but that
their leases are kept fresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil

from xplatform.files.keeping import keep

#: seconds after which our leases that hold are freshened, and others' are believed no more
_FRESHEN_EVERY = 3600.0
_LONGEST_SILENCE = 24 * 3600.0


class Lease(msgspec.Struct, omit_defaults=True):
    #: for people: "m (replica 3f2a…, epoch 4)"
    holder: str
    #: id of the cached entry
    entry: str
    #: the machine of what follows
    host: str
    #: holds as long as this file is there…
    until_gone: str = ""
    #: …or this process runs
    pid: int = 0
    started: float = 0.0

    @property
    def is_ours(self) -> bool:
        return self.host == socket.gethostname()

    def holds(self, age: float) -> bool:
        """``age``: seconds since the lease was taken or freshened."""
        if not self.is_ours:
            return age < _LONGEST_SILENCE
        if self.until_gone:
            return os.path.exists(self.until_gone)
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1.0
        except psutil.Error:
            return False


class Leases:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, holder: str, entry: str, until_gone: Path | None = None) -> None:
        """For this process, or for as long as a file is there. Taking it anew replaces it."""
        lease = Lease(holder, entry, socket.gethostname())
        if until_gone is not None:
            lease.until_gone = str(until_gone)
        else:
            lease.pid, lease.started = os.getpid(), psutil.Process().create_time()
        self._folder.mkdir(parents=True, exist_ok=True)
        keep(self._path(lease), msgspec.json.encode(lease))

    def give_back(self, holder: str) -> None:
        for path, lease, _ in self._all():
            if lease.holder == holder and lease.is_ours:
                path.unlink(missing_ok=True)

    def users(self) -> dict[str, set[str]]:
        """Entry → holders that are still there."""
        found: dict[str, set[str]] = {}
        for path, lease, age in self._all():
            if lease.holds(age):
                found.setdefault(lease.entry, set()).add(lease.holder)
                if lease.is_ours and age > _FRESHEN_EVERY:
                    with contextlib.suppress(OSError):
                        os.utime(path)
        return found

    def prune(self) -> None:
        for path, lease, age in self._all():
            if not lease.holds(age):
                path.unlink(missing_ok=True)

    def _path(self, lease: Lease) -> Path:
        name = hashlib.sha256(f"{lease.host}\0{lease.holder}".encode()).hexdigest()[:16]
        return self._folder / f"{lease.entry}.{name}.json"

    def _all(self) -> Iterator[tuple[Path, Lease, float]]:
        """With the age of each."""
        for path in self._folder.glob("*.json"):
            try:
                age = time.time() - path.stat().st_mtime
                yield path, msgspec.json.decode(path.read_bytes(), type=Lease), age
            except (OSError, msgspec.DecodeError):
                continue
