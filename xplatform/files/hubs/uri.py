"""One file at an address: http:// and https://. ``#sha256=…`` at its end is verified."""

from __future__ import annotations

import base64
import re
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit

from xplatform.core.errors import (
    HubUnavailable,
    InvalidValue,
    PlatformError,
    SourceForbidden,
    SourceNotFound,
)
from xplatform.files.listing import Place, Refusal, RemoteFile, Snapshot, snapshot_digest
from xplatform.files.source import Source, shown
from xplatform.files.transfer import reason

_TIMEOUT = (10.0, 20.0)
_SHA256 = re.compile(r"sha256=([0-9a-fA-F]{64})")


class Uri:
    name = "the web"

    def snapshot(self, source: Source) -> Snapshot:
        import requests

        url, fragment = urldefrag(source.id)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidValue(
                f"'{shown(source.id)}' is no address that can be fetched: use http://, https://,"
                " s3:// or file://.",
                param="source",
            )
        name = PurePosixPath(unquote(parts.path)).name
        if not name or name in (".", "..") or "\\" in name:
            raise InvalidValue(
                f"'{shown(source.id)}' names no file: the address has to end in one's name.",
                param="source",
            )
        try:
            # Not HEAD, which signed addresses refuse: one byte, and the headers tell.
            with requests.get(
                url,
                headers={"Range": "bytes=0-0", "Accept-Encoding": "identity"},
                stream=True,
                timeout=_TIMEOUT,
            ) as answer:
                status, headers = answer.status_code, dict(answer.headers)
                size = _size(status, answer.headers)
                etag = answer.headers.get("ETag", "")
                modified = answer.headers.get("Last-Modified", "")
        except requests.RequestException as error:
            raise HubUnavailable(f"{parts.hostname} cannot be reached: {reason(error)}.") from None
        sha256 = _SHA256.search(fragment)
        file = RemoteFile(
            path=name,
            size=size,
            sha256=sha256[1].lower() if sha256 else "",
            etag="" if etag.startswith("W/") else etag,
        )
        # The address without what follows "?": that may be a signature, another one each time.
        commit = snapshot_digest((file,), shown(url), "" if file.etag else modified)
        snapshot = Snapshot("uri", source.id, commit, (file,), single=True)
        if status not in (200, 206, 416):
            raise self.refusal(snapshot, file, Refusal(status, headers))
        return snapshot

    def place(self, snapshot: Snapshot, file: RemoteFile) -> Place:
        parts = urlsplit(urldefrag(snapshot.id)[0])
        if parts.username is None:
            return Place(parts.geturl())
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return Place(url, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"})

    def refusal(self, snapshot: Snapshot, file: RemoteFile, answer: Refusal) -> PlatformError:
        return refusal(snapshot.id, answer)


def refusal(uri: str, answer: Refusal) -> PlatformError:
    said = f"{shown(uri)} cannot be read: its server answered {answer.status}."
    if answer.status in (401, 403):
        return SourceForbidden(
            f"{said} Put a signed address or the name and password (https://name:password@…) into"
            " the source.",
            param="source",
        )
    if answer.status in (408, 425, 429) or answer.status >= 500:
        return HubUnavailable(said)
    return SourceNotFound(said, param="source")


def _size(status: int, headers: object) -> int | None:
    get = headers.get  # type: ignore[attr-defined]
    if status == 206 or status == 416:
        total = str(get("Content-Range", "")).rpartition("/")[2]
        return int(total) if total.isdigit() else None
    length = str(get("Content-Length", ""))
    return int(length) if length.isdigit() and not get("Content-Encoding") else None
