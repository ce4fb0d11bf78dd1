"""Where facts are read from: a folder, or a hub's repository of which only small parts are fetched.

``Repository`` is all that readers need. Nothing that comes through it is trusted: names are only
compared, sizes are checked, and JSON that is none counts as not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

#: no configuration is larger; vocabularies are not read
MAX_JSON = 16 << 20


class Repository(Protocol):
    #: what people call it: ``Qwen/Qwen3-8B``, or the folder's name
    name: str

    def list(self) -> Mapping[str, int]:
        """All files by their path within, with their sizes in bytes."""

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        """A part of a file; fewer bytes at its end. Raises ``FileNotFoundError``."""


class LocalFolder:
    """A folder on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def list(self) -> dict[str, int]:
        files = (entry for entry in sorted(self.path.rglob("*")) if entry.is_file())
        return {
            entry.relative_to(self.path).as_posix(): entry.stat().st_size
            for entry in files
            if ".git" not in entry.relative_to(self.path).parts[:1]
        }

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        with (self.path / path).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)


class LocalFile(LocalFolder):
    """One file as if it were alone, with the parts that belong to it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.parent)
        self.name = path.name
        self.file = path

    def list(self) -> dict[str, int]:
        # No descent: a single file may lie in a home folder with a million others.
        suffix = self.file.suffix
        return {
            entry.name: entry.stat().st_size
            for entry in sorted(self.path.iterdir())
            if entry.is_file() and (entry == self.file or entry.suffix == suffix)
        }


class Files:
    """A repository with its list fetched once, and JSON read leniently."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.name = repository.name
        self.sizes = dict(repository.list())

    def __contains__(self, path: str) -> bool:
        return path in self.sizes

    def named(self, suffix: str) -> list[str]:
        return sorted(path for path in self.sizes if path.endswith(suffix))

    def text(self, path: str) -> str:
        """Empty where there is no such file."""
        if path not in self.sizes or self.sizes[path] > MAX_JSON:
            return ""
        try:
            return self.repository.read(path).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def json(self, path: str) -> Any:
        """None where there is no such file, or no JSON in it."""
        text = self.text(path)
        if not text:
            return None
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return None

    def object(self, path: str) -> dict[str, Any]:
        value = self.json(path)
        return value if isinstance(value, dict) else {}
