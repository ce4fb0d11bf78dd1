"""Facts of any source, wherever it lies: a hub's repository by its list and its small files, an
address, or a path on this machine. The hubs' clients are those that downloads use, so endpoints,
tokens and refusals are the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from apps.models.facts.facts import Facts
from apps.models.facts.reading import read_facts, read_hub
from xplatform.core.config import Settings
from xplatform.core.errors import HubUnavailable, PlatformError
from xplatform.files.hubs import reader
from xplatform.files.hubs.path import is_local, local_path
from xplatform.files.listing import Refusal, RemoteFile, Snapshot
from xplatform.files.source import Source
from xplatform.files.transfer import OwnHeaders

if TYPE_CHECKING:
    import requests

_CONNECT, _SILENCE = 10.0, 30.0
_TRIES: Final = 3
#: between two tries; small files come quickly or not at all
_PAUSE: Final = 0.5
_PIECE: Final = 1 << 16


def read_source(source: Source, settings: Settings, *, quantization: str = "") -> Facts:
    """Raises as ``read_facts``, and what the hub refuses (not found, gated, not reachable)."""
    if is_local(source):
        path = local_path(source)
        return read_facts(path, quantization=quantization)
    repository = HubRepository(source, settings)
    entry = source.entry
    if not entry and len(repository.files) == 1:
        (only,) = repository.files
        entry = only if only.endswith(".gguf") else ""
    return read_hub(repository, quantization=quantization, entry=entry)


class HubRepository:
    """A ``Repository`` on one of the hubs that downloads know. Blocks while it reads."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self._reader = reader(source.hub, settings, source.id)
        self._snapshot = self._list(source)
        self.name = source.id
        self.files: dict[str, RemoteFile] = {file.path: file for file in self._snapshot.files}

    def _list(self, source: Source) -> Snapshot:
        for left in reversed(range(_TRIES)):
            try:
                return self._reader.snapshot(source)
            except PlatformError as error:
                if not error.retryable or not left:
                    raise
            time.sleep(_PAUSE)
        raise AssertionError

    def list(self) -> dict[str, int]:
        return {path: file.size or 0 for path, file in self.files.items()}

    def read(self, path: str, start: int = 0, length: int | None = None) -> bytes:
        file = self.files.get(path)
        if file is None:
            raise FileNotFoundError(path)
        if length == 0:
            return b""
        for left in reversed(range(_TRIES)):
            try:
                return self._read(file, start, length)
            except PlatformError as error:
                if not error.retryable or not left:
                    raise
            time.sleep(_PAUSE)
        raise AssertionError

    def _read(self, file: RemoteFile, start: int, length: int | None) -> bytes:
        import requests
        import urllib3

        place = self._reader.place(self._snapshot, file)
        end = "" if length is None else str(start + length - 1)
        headers = {"Accept-Encoding": "identity", "Range": f"bytes={start}-{end}"}
        try:
            with requests.get(
                place.url, headers=headers, auth=OwnHeaders(place.headers), stream=True,
                timeout=(_CONNECT, _SILENCE),
            ) as answer:  # fmt: skip
                if answer.status_code == 416:
                    return b""
                if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
                    raise HubUnavailable(f"{self._reader.name} answers {answer.status_code}.")
                if answer.status_code >= 400:
                    refusal = Refusal(answer.status_code, dict(answer.headers))
                    raise self._reader.refusal(self._snapshot, file, refusal)
                # A server without ranges sends the whole; what lies before is passed over.
                skip = start if answer.status_code == 200 else 0
                return _take(answer, skip, length)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise HubUnavailable(
                f"Reading {file.path} of {self.name} from {self._reader.name} failed"
                f" ({type(error).__name__})."
            ) from None


def _take(answer: requests.Response, skip: int, length: int | None) -> bytes:
    taken = bytearray()
    for piece in answer.iter_content(_PIECE):
        if skip >= len(piece):
            skip -= len(piece)
            continue
        taken += piece[skip:]
        skip = 0
        if length is not None and len(taken) >= length:
            break
    return bytes(taken if length is None else taken[:length])
