"""Model files of this node: what is here and on its way, fetching ahead, removing."""

from __future__ import annotations

from typing import Any

import msgspec

from apps.models.node.questions import Here, question
from xplatform import files
from xplatform.core.errors import InvalidValue
from xplatform.files.peer_address import peer_url


@question("files.list")
def list_files(here: Here) -> dict[str, Any]:
    """{"downloads": [DownloadInfo…], "cached": [CachedInfo…], "disk": {path, used, free, total,
    limit}}"""
    return _files(here).picture()


@question("files.fetch")
def fetch(here: Here, source: dict[str, Any]) -> dict[str, Any]:
    """Begins, and answers at once: {"download": DownloadInfo}. ``source`` may have ``peers``."""
    try:
        wanted, peers = files.read_source(source)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"`source` does not fit: {error}.", param="source") from None
    return {"download": msgspec.to_builtins(_files(here).fetch(wanted, peers))}


@question("files.show")
def show(here: Here, id: str) -> dict[str, Any]:
    return _download(here, id)


@question("files.pause")
def pause(here: Here, id: str) -> dict[str, Any]:
    _files(here).pause(id)
    return _download(here, id)


@question("files.resume")
def resume(here: Here, id: str) -> dict[str, Any]:
    _files(here).resume(id)
    return _download(here, id)


@question("files.cancel")
def cancel(here: Here, id: str) -> dict[str, Any]:
    _files(here).cancel(id)
    return _download(here, id)


@question("files.forget")
def forget(here: Here, id: str) -> dict[str, Any]:
    """Take a download that has ended from the list."""
    _files(here).forget(id)
    return {}


@question("files.remove")
def remove(here: Here, id: str) -> dict[str, Any]:
    """``id`` of cached files: {"removed": CachedInfo}"""
    return {"removed": msgspec.to_builtins(_files(here).remove(id))}


@question("files.peers")
def peers(here: Here) -> dict[str, Any]:
    """{"url"}: where other nodes copy from this one; None when they cannot."""
    return {"url": peer_url(here.settings) or None}


def _files(here: Here) -> files.Files:
    return files.files_of(here.settings)


def _download(here: Here, id: str) -> dict[str, Any]:
    return {"download": msgspec.to_builtins(_files(here).download(id))}
