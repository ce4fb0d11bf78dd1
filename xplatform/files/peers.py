"""Copying from other nodes that have the files: their end is ``peer_server``.

A peer is asked once per download which files of the commit it has. It is only a quicker way to
the same bytes: size and checksum come from the hub, and what a peer does not deliver is read
there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import msgspec

from xplatform.core.errors import PlatformError
from xplatform.files.listing import HubReader, Place, Refusal, RemoteFile, Snapshot
from xplatform.files.source import Source
from xplatform.files.transfer import TryAgain

log = logging.getLogger(__name__)

_TIMEOUT = (2.0, 5.0)
#: attempts a peer gets for a file before the hub is asked
_TRIES = 2


class Offer(msgspec.Struct):
    """What a node has of a source."""

    snapshot: Snapshot
    #: paths of complete files
    files: list[str]
    #: id of its cached entry
    entry: str


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that has some files of a commit."""

    url: str
    entry: str
    files: frozenset[str]
    token: str

    def place(self, file: RemoteFile) -> Place:
        url = f"{self.url}/files/{self.entry}/{quote(file.path)}"
        return Place(url, authorization(self.token), direct=True)


class PeersThenHub:
    """Where the attempts at one file go: peers first, then the hub."""

    def __init__(
        self, reader: HubReader, snapshot: Snapshot, file: RemoteFile, peers: Sequence[Peer]
    ) -> None:
        self._reader, self._snapshot, self._file = reader, snapshot, file
        self._peers = [peer for peer in peers for _ in range(_TRIES)]
        self._now: Peer | None = None

    def next(self) -> Place:
        self._now = self._peers.pop(0) if self._peers else None
        if self._now is not None:
            return self._now.place(self._file)
        return self._reader.place(self._snapshot, self._file)

    def refusal(self, answer: Refusal) -> PlatformError:
        """Raises TryAgain when it was only a peer that refused."""
        if (peer := self._now) is not None:
            self._peers = [other for other in self._peers if other != peer]
            raise TryAgain(f"the node at {peer.url} answered {answer.status}")
        return self._reader.refusal(self._snapshot, self._file, answer)

    def damaged(self) -> None:
        self._peers.clear()


def authorization(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def offers(urls: Sequence[str], token: str, source: Source) -> Iterator[tuple[str, Offer]]:
    """What each node has of a source, asked one after the other. Nodes that do not answer have
    nothing."""
    import requests

    query = urlencode({"hub": source.hub, "id": source.id, "revision": source.revision})
    for url in urls:
        base = url.rstrip("/")
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy lies between nodes
                answer = session.get(
                    f"{base}/offer?{query}", headers=dict(authorization(token)), timeout=_TIMEOUT
                )
            if answer.status_code == 200:
                yield base, msgspec.json.decode(answer.content, type=Offer)
            elif answer.status_code != 404:
                log.warning("the node at %s answered %d", base, answer.status_code)
        except (requests.RequestException, msgspec.DecodeError) as error:
            log.warning("no files from the node at %s (%s)", base, type(error).__name__)
