"""Files of secrets that rotate: ``<home>/secrets/<name>`` (0600), one secret a line, newest first.

The first line is in use; the others are kept for what was made under them. A line is the secret
and the Unix time at which it became the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Kept:
    """One secret of a ring."""

    value: str
    #: Unix time since which it is (or was) the first; 0: the file does not say
    since: float


class Keyring:
    """The secrets of one file. Reads follow the file: whoever rotates it in another process is
    heard at the next use."""

    def __init__(self, path: Path, make: Callable[[], str]) -> None:
        self.path = path
        self._make = make
        self._read: tuple[tuple[int, int], tuple[Kept, ...]] | None = None

    def kept(self) -> tuple[Kept, ...]:
        """All of them, newest first; the first is made if there is none."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._make_first()
            found = self.path.stat()
        version = (found.st_mtime_ns, found.st_ino)
        if self._read is None or self._read[0] != version:
            self._read = version, _lines(self.path)
        return self._read[1]

    def values(self) -> tuple[str, ...]:
        return tuple(one.value for one in self.kept())

    def rotate(self) -> str:
        """A new first one; what was first stays as an old one."""
        self.kept()  # there is a first one, before the lock is ours
        with self._locked():
            made = Kept(self._make(), time.time())
            self._write((made, *self.kept()))
        return made.value

    def forget(self, values: set[str]) -> None:
        """Drop old ones. The first one stays, whatever is asked."""
        self.kept()
        with self._locked():
            first, *old = self.kept()
            self._write((first, *(one for one in old if one.value not in values)))

    def replaced_since(self, value: str) -> float:
        """Unix time at which an old one stopped being the first; infinity for the first."""
        newer = float("inf")
        for one in self.kept():
            if one.value == value:
                return newer
            newer = one.since
        return newer

    def _make_first(self) -> None:
        with self._locked():
            if not self.path.exists():
                self._write((Kept(self._make(), time.time()),))

    def _write(self, kept: tuple[Kept, ...]) -> None:
        """Written aside and then given its name: whoever reads it reads all of it."""
        handle, aside = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(handle, "w") as file:
                file.writelines(f"{one.value} {one.since:.3f}\n" for one in kept)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, self.path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside)
            raise
        self._read = None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Of several processes that rotate at once, each adds to what the one before left."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(
            self.path.with_name(f".{self.path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _lines(path: Path) -> tuple[Kept, ...]:
    kept = []
    for line in path.read_text().splitlines():
        value, _, since = line.strip().partition(" ")
        if value:
            kept.append(Kept(value, float(since or 0)))
    if not kept:
        raise ValueError(f"{path} is empty: it held the secrets under which things were stored.")
    return tuple(kept)
