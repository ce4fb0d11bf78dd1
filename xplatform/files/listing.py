"""What a hub says of a source: its files at one commit, and where their bytes are read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

import msgspec

from xplatform.core.errors import PlatformError
from xplatform.files.source import Source


class RemoteFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file as it should be when it is here."""

    #: relative to the snapshot's folder, with slashes
    path: str
    #: None: the hub does not say
    size: int | None = None
    sha256: str = ""
    #: git's object id (a SHA-1), which small files of Hugging Face have instead
    blob: str = ""
    #: strong validator for resuming what has no checksum
    etag: str = ""


class Snapshot(msgspec.Struct, frozen=True, omit_defaults=True):
    """All files of a source at one commit, whether they are wanted or not."""

    hub: str
    #: the repository or URI
    id: str
    commit: str
    files: tuple[RemoteFile, ...]
    #: the source names one file: the files' folder is of no interest to anybody
    single: bool = False
    #: revision to read at, where the commit is made by us
    read_at: str = ""
    #: False: made up without the hub, from what another cache has of it
    listed: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where one attempt reads a file's bytes. Asked for anew by each: addresses expire."""

    url: str
    #: sent to ``url`` itself, never to where it redirects
    headers: Mapping[str, str] = field(default_factory=dict)
    #: another node: no proxy lies in between
    direct: bool = False


class HubReader(Protocol):
    """One kind of hub. Calls block, some of them for a few timeouts' length."""

    #: for messages
    name: str

    def snapshot(self, source: Source) -> Snapshot:
        """Raises PlatformError; a retryable one is tried again."""
        ...

    def place(self, snapshot: Snapshot, file: RemoteFile) -> Place: ...

    def refusal(self, snapshot: Snapshot, file: RemoteFile, answer: Refusal) -> PlatformError:
        """The error for a final answer (4xx) to reading a file."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    headers: Mapping[str, str]


def is_inside(path: str) -> bool:
    """Whether a listed path stays in its folder: a hub is not trusted with the file system."""
    pure = PurePosixPath(path)
    return bool(path) and not pure.is_absolute() and ".." not in pure.parts and "\\" not in path


def snapshot_digest(files: tuple[RemoteFile, ...], *more: str) -> str:
    """A commit for hubs that have none: another content is another commit."""
    lines = sorted(f"{f.path}\0{f.size}\0{f.sha256 or f.blob or f.etag}" for f in files)
    return hashlib.sha256("\n".join([*more, *lines]).encode()).hexdigest()[:40]
