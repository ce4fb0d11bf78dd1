"""What has arrived of a file that is not complete.

It lies in a partial file that only ever grows; its length says where to go on. A kill leaves it
whole, since every piece is handed to the kernel at once. After a crash of the machine its end may
be zeros: the journal beside it tells up to where it is known to be on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from xplatform.files.keeping import keep
from xplatform.files.listing import RemoteFile
from xplatform.files.stop import Stop

_PIECE = 1 << 20
#: bytes between two looks at what is safely on the disk
_SYNC_EVERY = 256 << 20


class Journal(msgspec.Struct):
    """Beside a partial file: what it is a part of, and how much of it is safe."""

    #: size, checksum and validator that it was begun with
    identity: str = ""
    #: bytes that are on the disk whatever happens to the machine
    synced: int = 0
    #: start of the machine in which it was written
    boot: str = ""
    #: the validator that the server sent, for If-Range
    etag: str = ""


class Partial:
    """To be used by one thread, and only within ``alone``."""

    def __init__(
        self, file: RemoteFile, target: Path, path: Path, came: Callable[[int, bool], None]
    ) -> None:
        """``came`` is told of each change in the number of bytes that are here (negative when a
        partial file had to go) and whether they were fetched just now."""
        self.file, self._target, self._path = file, target, path
        self._came = came
        self._journal_path = path.with_name(path.name + ".json")
        self._lock_path = path.with_name(path.name + ".lock")
        self._journal = Journal()
        self._hash: Any = None
        #: bytes that are here
        self.have = 0

    @contextmanager
    def alone(self, stop: Stop) -> Iterator[None]:
        """The one of all threads and processes that fetches this file. Raises Stopped."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    stop.sleep(0.2)
            yield
        finally:
            os.close(handle)

    def is_needless(self) -> bool:
        """Whether the file is complete: another was quicker."""
        try:
            size = self._target.stat().st_size
        except OSError:
            return False
        if self.file.size is not None and size != self.file.size:
            return False
        self._add(size, fetched=False)
        self._forget()
        return True

    @property
    def is_full(self) -> bool:
        return self.have == self.file.size

    @property
    def etag(self) -> str:
        """What the server called the content that is here."""
        return self._journal.etag

    @etag.setter
    def etag(self, etag: str) -> None:
        self._journal.etag = etag
        self._write_journal()

    def take_up(self, stop: Stop) -> None:
        """Go on from an earlier attempt, of this process or another. Raises Stopped."""
        file = self.file
        identity = f"{file.size} {file.sha256 or file.blob or file.etag}"
        try:
            self._journal = msgspec.json.decode(self._journal_path.read_bytes(), type=Journal)
        except (OSError, msgspec.DecodeError):
            self._journal = Journal()
        with contextlib.suppress(FileNotFoundError):
            size = self._path.stat().st_size
            sure = size if self._journal.boot == boot_id() else min(size, self._journal.synced)
            if self._journal.identity != identity or (file.size is not None and sure > file.size):
                sure = 0
            if sure < size:
                os.truncate(self._path, sure)
        if self._journal.identity != identity:
            self._journal = Journal()
        self._journal.identity, self._journal.boot = identity, boot_id()
        self._write_journal()
        self._read_back(stop)

    def _read_back(self, stop: Stop) -> None:
        """The checksum of what is here already."""
        self._hash = self._new_hash()
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as content:
            have = os.fstat(content.fileno()).st_size
            if self._hash is not None:
                have = 0
                while piece := content.read(_PIECE):
                    stop.check()
                    have += len(piece)
                    self._hash.update(piece)
            self._add(have, fetched=False)

    @contextmanager
    def growing(self) -> Iterator[Callable[[bytes], None]]:
        """A function that adds a piece."""
        since_sync = 0
        with open(self._path, "ab", buffering=0) as content:

            def add(piece: bytes) -> None:
                nonlocal since_sync
                _write(content, piece)
                if self._hash is not None:
                    self._hash.update(piece)
                self._add(len(piece), fetched=True)
                since_sync += len(piece)
                if since_sync >= _SYNC_EVERY:
                    since_sync = 0
                    os.fsync(content.fileno())
                    self._journal.synced = self.have
                    self._write_journal()

            yield add

    def is_right(self) -> bool:
        if self.file.size is not None and not self.is_full:
            return False
        wanted = self.file.sha256 or self.file.blob
        return self._hash is None or self._hash.hexdigest() == wanted

    def drop(self) -> None:
        """Begin anew."""
        self._path.unlink(missing_ok=True)
        self._add(-self.have, fetched=False)
        self._hash = self._new_hash()
        self._journal.synced, self._journal.etag = 0, ""
        self._write_journal()

    def finish(self) -> None:
        """Give the file its name."""
        with open(self._path, "ab") as content:  # an empty file has no partial one
            os.fsync(content.fileno())
        self._target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._path, self._target)
        self._forget()

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._journal_path.unlink(missing_ok=True)
        # Whoever waits for the lock, or makes it anew, will find the file complete.
        self._lock_path.unlink(missing_ok=True)

    def _new_hash(self) -> Any:
        if self.file.sha256:
            return hashlib.sha256()
        if self.file.blob and self.file.size is not None:
            return hashlib.sha1(b"blob %d\0" % self.file.size, usedforsecurity=False)
        return None

    def _add(self, count: int, *, fetched: bool) -> None:
        self.have += count
        self._came(count, fetched)

    def _write_journal(self) -> None:
        keep(self._journal_path, msgspec.json.encode(self._journal))


def _write(file: BinaryIO | Any, piece: bytes) -> None:
    """All of it: one call may write less when the disk is nearly full."""
    view = memoryview(piece)
    while view:
        view = view[os.write(file.fileno(), view) :]


@cache
def boot_id() -> str:
    """Differs after each start of the machine, where the system tells."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))
