"""Fetching one file: by ranges, resumable after anything, no byte twice.

Only what cannot be helped is fetched twice: a server that ignores ranges, a file that changed at
its source, a checksum that is wrong.
"""

from __future__ import annotations

import contextlib
import errno
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from xplatform.core.errors import FilesDamaged, HubUnavailable, PlatformError
from xplatform.files.listing import Place, Refusal
from xplatform.files.partial import Partial
from xplatform.files.stop import Stop

if TYPE_CHECKING:
    import requests

#: most bytes taken by one read; a read returns with what is there
_PIECE = 1 << 20
#: seconds that a server may ask to wait
_LONGEST_WISH = 300.0


@dataclass(frozen=True, slots=True)
class Patience:
    """When to try again and when to give up."""

    #: the first wait and the longest one, doubling in between; each is shortened by chance
    first: float = 0.5
    most: float = 30.0
    #: attempts in a row that bring nothing before the file is given up
    tries: int = 16
    connect: float = 10.0
    #: a connection that brings nothing for so long, or hardly anything, is made anew
    stall: float = 30.0
    #: bytes a second below which it counts as stalled
    trickle: int = 1024

    def wait(self, failures: int) -> float:
        longest = min(self.most, self.first * 2.0 ** min(failures - 1, 20))
        return longest * random.uniform(0.5, 1.0)


class Places(Protocol):
    """Where a file's bytes are read."""

    def next(self) -> Place:
        """For one attempt."""
        ...

    def refusal(self, answer: Refusal) -> PlatformError:
        """The error for a final answer (4xx) of the last place. Raises TryAgain when there are
        others."""
        ...

    def damaged(self) -> None:
        """What came was wrong."""
        ...


class TryAgain(Exception):
    """The attempt failed in a way that time may heal."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        #: seconds the server asked for
        self.after = after


class Transfer:
    """One file. Runs on the calling thread."""

    def __init__(
        self,
        partial: Partial,
        places: Places,
        *,
        stop: Stop,
        patience: Patience,
        waiting: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``waiting`` is told why nothing comes ("" when it does again)."""
        self._partial, self._places = partial, places
        self._file = partial.file
        self._stop, self._patience, self._waiting = stop, patience, waiting
        self._session: requests.Session | None = None

    def run(self) -> None:
        """Raises PlatformError, Stopped and OSError (no room, no permission)."""
        partial = self._partial
        with partial.alone(self._stop):
            try:
                if partial.is_needless():
                    return
                partial.take_up(self._stop)
                for attempt in (1, 2):
                    self._fetch()
                    if partial.is_right():
                        break
                    partial.drop()
                    self._places.damaged()
                    if attempt == 2:
                        raise self._damaged()
                partial.finish()
            finally:
                if self._session is not None:
                    self._session.close()

    def _damaged(self) -> FilesDamaged:
        wanted = self._file.sha256 or self._file.blob or f"{self._file.size} bytes"
        return FilesDamaged(
            f"'{self._file.path}' was fetched twice, and both times it was not what the hub lists"
            f" ({wanted}). A mirror or proxy in between may hold a damaged copy.",
            data={"file": self._file.path},
        )

    def _fetch(self) -> None:
        failures = 0
        while not self._partial.is_full:
            self._stop.check()
            before = self._partial.have
            try:
                if self._attempt():
                    return
                raise TryAgain("the connection ended early")
            except TryAgain as error:
                self._stop.check()
                failures = 1 if self._partial.have > before else failures + 1
                if failures >= self._patience.tries:
                    raise self._given_up(str(error)) from None
                wait = self._patience.wait(failures)
                if error.after is not None:
                    wait = max(wait, min(error.after, _LONGEST_WISH))
                self._waiting(f"{error}; next attempt in {wait:.0f} s" if wait >= 1 else "")
                self._stop.sleep(wait)
                self._waiting("")

    def _given_up(self, why: str) -> HubUnavailable:
        return HubUnavailable(
            f"'{self._file.path}' could not be fetched: {why}, {self._patience.tries} times in a"
            " row. What has arrived is kept, and a new attempt goes on from there.",
            data={"file": self._file.path},
        )

    def _attempt(self) -> bool:
        """Whether the body came to its end."""
        import requests
        import urllib3

        if self._session is None:
            self._session = requests.Session()
        place = self._places.next()
        self._session.trust_env = not place.direct
        headers = {"Accept-Encoding": "identity", "User-Agent": "xplatform"}
        if self._partial.have:
            headers["Range"] = f"bytes={self._partial.have}-"
            if self._partial.etag:
                headers["If-Range"] = self._partial.etag
        try:
            with (
                self._session.get(
                    place.url,
                    headers=headers,
                    auth=OwnHeaders(place.headers),
                    stream=True,
                    timeout=(self._patience.connect, self._patience.stall),
                ) as answer,
                self._stop.waking(lambda: _end(answer)),
            ):
                self._check(answer)
                return self._read(answer)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            if _is_of_disk(error):
                raise
            raise TryAgain(reason(error)) from None

    def _check(self, answer: requests.Response) -> None:
        """Raises TryAgain and the error for a refusal."""
        status, partial = answer.status_code, self._partial
        if status == 206:
            start, total = content_range(answer.headers.get("Content-Range", ""))
            if start != partial.have:
                raise TryAgain("the server sent another range than was asked for")
            self._check_size(total)
        elif status == 200:
            length = answer.headers.get("Content-Length", "")
            self._check_size(int(length) if length.isdigit() else None)
            if partial.have:  # it changed, or the server knows no ranges
                partial.drop()
            etag = answer.headers.get("ETag", "")
            # Where there is a checksum it will tell, and a commit's files never change.
            if etag and not etag.startswith("W/") and not self._file.sha256 and not self._file.blob:
                partial.etag = etag
        elif status == 416 and partial.have:
            if self._file.size is not None or not self._ends_here(answer):
                partial.drop()
                raise TryAgain("the file became shorter at its source")
        elif status in (408, 425, 429) or status >= 500:
            raise TryAgain(f"the server answered {status}", retry_after(answer.headers))
        elif answer.history and status in (401, 403, 404, 410):
            # The address it redirected to has expired; the next attempt gets a new one.
            raise TryAgain(f"the server's storage answered {status}")
        else:
            raise self._places.refusal(Refusal(status, dict(answer.headers)))

    def _check_size(self, size: int | None) -> None:
        if size is not None and self._file.size is not None and size != self._file.size:
            self._partial.drop()
            raise TryAgain(f"the server has {size} bytes instead of {self._file.size}")

    def _ends_here(self, answer: requests.Response) -> bool:
        return answer.headers.get("Content-Range", "") == f"bytes */{self._partial.have}"

    def _read(self, answer: requests.Response) -> bool:
        """Whether the body came to its end."""
        if answer.status_code == 416:
            return True
        partial, stalled = self._partial, Stalled(self._patience)
        length = answer.headers.get("Content-Length", "")
        left = int(length) if length.isdigit() else 0
        with partial.growing() as add:
            while piece := answer.raw.read1(_PIECE, decode_content=False):
                if self._file.size is not None and partial.have + len(piece) > self._file.size:
                    raise TryAgain("the server sent more than the file's size")
                add(piece)
                left -= len(piece)
                self._stop.check()
                if stalled.with_another(len(piece)):
                    raise TryAgain("the connection has nearly come to a halt")
        self._stop.check()  # an end asked for looks like the body's end
        return partial.is_full if self._file.size is not None else left <= 0


class Stalled:
    """Whether a connection brings so little that a new one would be better."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since, self._bytes = time.monotonic(), 0

    def with_another(self, count: int) -> bool:
        self._bytes += count
        now = time.monotonic()
        if now - self._since <= self._patience.stall:
            return False
        little = self._bytes < self._patience.trickle * self._patience.stall
        self._since, self._bytes = now, 0
        return little


def _is_of_disk(error: Exception) -> bool:
    """Ours and not the connection's: opening the file, or no room for it."""
    import requests

    if not isinstance(error, OSError) or isinstance(error, requests.RequestException):
        return False
    of_disk = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
    return error.filename is not None or error.errno in of_disk


class OwnHeaders:
    """As requests' ``auth``: keeps its own look into ~/.netrc from replacing what we send, and is
    not applied to redirects."""

    def __init__(self, headers: Any) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


def _end(answer: requests.Response) -> None:
    with contextlib.suppress(Exception):
        answer.raw.shutdown()


def content_range(text: str) -> tuple[int, int | None]:
    """Start and total of ``bytes 5-9/10``; -1 when it makes no sense."""
    unit, _, rest = text.partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit.lower() != "bytes" or not start.isdigit():
        return -1, None
    return int(start), int(total) if total.isdigit() else None


def retry_after(headers: Any) -> float | None:
    """Seconds, which is the only form that hubs use."""
    text = str(headers.get("Retry-After", "")).strip()
    return float(text) if text.replace(".", "", 1).isdigit() else None


def reason(error: Exception) -> str:
    """Of a library's nested exception the part that says what happened, without addresses (which
    may be signed)."""
    import requests

    text = str(error).lower()
    if isinstance(error, requests.exceptions.SSLError) or "certificate" in text:
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refuses"
    for word, said in _REASONS:
        if word in text:
            return said
    return "the connection failed"


_REASONS = (
    ("name resolution", "the host's name is not known"),
    ("name or service not known", "the host's name is not known"),
    ("failed to resolve", "the host's name is not known"),
    ("refused", "the connection was refused"),
    ("timed out", "no answer in time"),
    ("timeout", "no answer in time"),
    ("reset", "the connection was cut"),
    ("incompleteread", "the connection was cut"),
    ("broken", "the connection was cut"),
    ("aborted", "the connection was cut"),
    ("unreachable", "the network is unreachable"),
)
