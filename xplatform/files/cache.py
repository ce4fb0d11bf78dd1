"""Where model files lie on this machine, and what of them is there.

::

    <models>/huggingface/<owner>--<name>/<commit>/…      files under their own names
    <models>/huggingface/<owner>--<name>/<commit>/.xplatform/snapshot.json   all files it could have
                                                   …/used      touched when it is used
                                                   …/partial/  what is being fetched
    <models>/huggingface/<owner>--<name>/revisions.json  branch or tag → commit
    <models>/.leases/                                    who uses what

A commit's folder holds what was wanted of it so far. A file in it is complete: it gets its name
last.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from xplatform.core.errors import Conflict, NotFound
from xplatform.files.keeping import keep
from xplatform.files.leases import Leases
from xplatform.files.listing import RemoteFile, Snapshot, is_inside
from xplatform.files.source import Source, shown

_OWN = ".xplatform"


class Revision(msgspec.Struct):
    commit: str
    #: Unix time at which the hub said so
    seen: float


class CachedInfo(msgspec.Struct, frozen=True):
    """One commit of one source on this machine."""

    id: str
    hub: str
    #: repository or URI
    name: str
    commit: str
    #: branches and tags that point here
    revisions: list[str]
    path: str
    #: bytes of complete files, and of those that are on their way
    size: int
    partial: int
    #: bytes of ``size`` that are other programs' files too: removing them here frees nothing
    linked: int
    files: list[str]
    #: Unix times
    last_used: float
    created: float
    #: who uses it now; it is not removed
    used_by: list[str]

    @property
    def own(self) -> int:
        """Bytes that a removal frees."""
        return self.size + self.partial - self.linked


class Entry:
    """The folder of one commit."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._own = path / _OWN

    @property
    def id(self) -> str:
        parts = "/".join(self.path.parts[-3:])
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def snapshot(self) -> Snapshot | None:
        try:
            return msgspec.json.decode((self._own / "snapshot.json").read_bytes(), type=Snapshot)
        except (OSError, msgspec.DecodeError):
            return None

    def write_snapshot(self, snapshot: Snapshot) -> None:
        self._own.mkdir(parents=True, exist_ok=True)
        keep(self._own / "snapshot.json", msgspec.json.encode(snapshot))
        self.touch()

    def file(self, path: str) -> Path:
        if not is_inside(path):
            raise ValueError(path)
        return self.path / path

    def partial(self, path: str) -> Path:
        return self._own / "partial" / hashlib.sha256(path.encode()).hexdigest()[:32]

    def has(self, file: RemoteFile) -> bool:
        """Also false for a link to a file that went away."""
        try:
            size = self.file(file.path).stat().st_size
        except OSError:
            return False
        return file.size is None or size == file.size

    def touch(self) -> None:
        with contextlib.suppress(OSError):
            (self._own / "used").touch()

    def created(self) -> float:
        return (self._own / "snapshot.json").stat().st_mtime

    def last_used(self) -> float:
        try:
            return (self._own / "used").stat().st_mtime
        except OSError:
            return 0.0

    def partial_size(self) -> int:
        size = 0
        for path in (self._own / "partial").glob("*"):
            if not path.suffix:  # the others are journals and locks
                with contextlib.suppress(FileNotFoundError):  # it has just been completed
                    size += path.stat().st_size
        return size

    def drop_partial(self) -> None:
        shutil.rmtree(self._own / "partial", ignore_errors=True)

    def complete(self) -> list[tuple[str, int]]:
        """Paths and sizes."""
        snapshot = self.snapshot()
        found = []
        for file in snapshot.files if snapshot else ():
            if self.has(file):
                found.append((file.path, self.file(file.path).stat().st_size))
        return found

    def linked(self, paths: Iterable[str]) -> int:
        size = 0
        for path in paths:
            status = self.file(path).lstat()
            if stat.S_ISLNK(status.st_mode):
                size += self.file(path).stat().st_size
            elif status.st_nlink > 1:
                size += status.st_size
        return size


class Cache:
    """All folders. Between processes one lock keeps a removal and a new user apart."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.leases = Leases(root / ".leases")

    def entry(self, snapshot: Snapshot) -> Entry:
        return Entry(self._repository(snapshot.hub, snapshot.id) / _safe(snapshot.commit))

    def entries(self) -> Iterator[Entry]:
        for path in sorted(self.root.glob("*/*/*")):
            if path.is_dir() and not path.parts[-3].startswith("."):
                yield Entry(path)

    def revision(self, source: Source) -> Revision | None:
        return self._revisions(source.hub, source.id).get(source.revision)

    def remember(self, source: Source, commit: str) -> None:
        with self.lock():
            known = self._revisions(source.hub, source.id)
            known[source.revision] = Revision(commit, time.time())
            folder = self._repository(source.hub, source.id)
            folder.mkdir(parents=True, exist_ok=True)
            keep(folder / "revisions.json", msgspec.json.encode(known))

    def distrust(self, source: Source) -> None:
        """Ask the hub the next time: what it said does not hold (any more)."""
        with self.lock():
            known = self._revisions(source.hub, source.id)
            if source.revision in known:
                known[source.revision].seen = 0.0
                folder = self._repository(source.hub, source.id)
                keep(folder / "revisions.json", msgspec.json.encode(known))

    def known(self, source: Source) -> Snapshot | None:
        """What the hub said of this source the last time, if anything."""
        repository = self._repository(source.hub, source.id)
        revision = self.revision(source)
        commit = revision.commit if revision else source.revision
        return Entry(repository / _safe(commit)).snapshot() if commit else None

    def listing(self) -> list[CachedInfo]:
        users = self.leases.users()
        found = []
        for entry in self.entries():
            with contextlib.suppress(FileNotFoundError):  # it is being removed
                if (info := self._info(entry, users.get(entry.id, set()))) is not None:
                    found.append(info)
        return found

    def _info(self, entry: Entry, users: set[str]) -> CachedInfo | None:
        if (snapshot := entry.snapshot()) is None:
            return None
        if users:
            entry.touch()  # what is in use is used now
        files = entry.complete()
        known = self._revisions(snapshot.hub, snapshot.id)
        return CachedInfo(
            id=entry.id,
            hub=snapshot.hub,
            name=shown(snapshot.id) if snapshot.hub == "uri" else snapshot.id,
            commit=snapshot.commit,
            revisions=sorted(r for r, at in known.items() if at.commit == snapshot.commit),
            path=str(entry.path),
            size=sum(size for _, size in files),
            partial=entry.partial_size(),
            linked=entry.linked(path for path, _ in files),
            files=[path for path, _ in files],
            last_used=entry.last_used(),
            created=entry.created(),
            used_by=sorted(users),
        )

    def size(self) -> int:
        return sum(info.own for info in self.listing())

    def remove(self, id: str) -> CachedInfo:
        """Raises NotFound, and Conflict while somebody uses it."""
        with self.lock():
            info = next((i for i in self.listing() if i.id == id), None)
            if info is None:
                raise NotFound(f"There are no cached files with the id '{id}'.", param="id")
            if info.used_by:
                raise Conflict(
                    f"The files of '{info.name}' are in use by {', '.join(info.used_by)}.",
                    param="id",
                    data={"used_by": info.used_by},
                )
            self._delete(Path(info.path))
        return info

    def make_room(self, wanted: int, limit: int, but: str) -> int:
        """Remove what was not used for the longest time until ``wanted`` more bytes stay under the
        limit; what is used, and the entry ``but``, stays. Bytes that are still too many."""
        with self.lock():
            found = self.listing()
            over = sum(i.own for i in found) + wanted - limit
            for info in sorted(found, key=lambda i: i.last_used):
                if over <= 0:
                    break
                if not info.used_by and info.id != but and info.own:
                    self._delete(Path(info.path))
                    over -= info.own
        return max(over, 0)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held for moments: by removals, and by those who begin to use something."""
        self.root.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _delete(self, path: Path) -> None:
        # Out of the way first: what a killed removal leaves is not taken for files.
        bin_ = self.root / ".removed" / f"{os.getpid()}-{time.monotonic_ns()}"
        bin_.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, bin_)
        shutil.rmtree(bin_, ignore_errors=True)
        self._tidy_repository(path.parent)

    def tidy(self) -> None:
        """What killed processes left."""
        shutil.rmtree(self.root / ".removed", ignore_errors=True)
        self.leases.prune()

    def _tidy_repository(self, folder: Path) -> None:
        if not any(path.is_dir() for path in folder.iterdir()):
            shutil.rmtree(folder, ignore_errors=True)

    def _repository(self, hub: str, id: str) -> Path:
        return self.root / _safe(hub) / _safe_id(hub, id)

    def _revisions(self, hub: str, id: str) -> dict[str, Revision]:
        path = self._repository(hub, id) / "revisions.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=dict[str, Revision])
        except (OSError, msgspec.DecodeError):
            return {}


def _safe_id(hub: str, id: str) -> str:
    if hub != "uri":
        return _safe(id.replace("/", "--"))
    # The address without signatures, so that another signature is not another file.
    plain = shown(id)
    digest = hashlib.sha256(plain.encode()).hexdigest()[:12]
    return f"{_safe(plain.partition('://')[2].rstrip('/'))[-80:].lstrip('.-')}--{digest}"


def _safe(text: str) -> str:
    """One name of a folder."""
    name = re.sub(r"[^A-Za-z0-9._@+-]", "-", text)
    return "-" + name if name.startswith(".") or not name else name
