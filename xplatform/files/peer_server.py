"""Letting other nodes copy from this one: complete cached files, by ranges, to whoever shows the
token. Read-only; runs only where ``peer_port`` is set."""

from __future__ import annotations

import hmac
import logging
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from xplatform.core.config import ConfigError, Settings
from xplatform.files.cache import Cache, Entry
from xplatform.files.peers import Offer
from xplatform.files.source import Source

log = logging.getLogger(__name__)


class PeerServer:
    """On threads of its own, until the process ends or ``close``."""

    def __init__(
        self, settings: Settings, *, host: str = "0.0.0.0", port: int | None = None
    ) -> None:
        """On all addresses, since it is for other machines, whatever ``host`` the web listens on.
        ``port`` 0 takes a free one. Raises ConfigError and OSError."""
        if not settings.peer_token:
            raise ConfigError(
                "peer_port is set, but not peer_token: without a token every machine that reaches"
                " this one could read its models."
            )
        wanted = settings.peer_port if port is None else port

        class Handler(_Handler):
            cache = Cache(settings.models_path)
            token = settings.peer_token.encode()

        self._server = _Server((host, wanted), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="peers", daemon=True).start()
        log.info("other nodes may copy model files from port %d", self.port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("a node ended its copy", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: a node that neither reads nor asks for so long is gone
    timeout = 60
    cache: Cache
    token: bytes

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "").partition(" ")[2]
        if not hmac.compare_digest(given.encode(), self.token):
            self._answer(401)
            return
        url = urlsplit(self.path)
        if url.path == "/offer":
            self._offer(dict(parse_qsl(url.query)))
        elif found := re.fullmatch(r"/files/([0-9a-f]{16})/(.+)", url.path):
            self._file(found[1], unquote(found[2]))
        else:
            self._answer(404)

    do_HEAD = do_GET

    def _offer(self, query: dict[str, str]) -> None:
        try:
            source = msgspec.convert(query, Source)
        except msgspec.ValidationError:
            self._answer(400)
            return
        snapshot = self.cache.known(source)
        if snapshot is None:
            self._answer(404)
            return
        entry = self.cache.entry(snapshot)
        # An address may hold this node's own password: the asker has its own.
        plain = msgspec.structs.replace(snapshot, id=source.id)
        offer = Offer(plain, [path for path, _ in entry.complete()], entry.id)
        self._answer(200, msgspec.json.encode(offer))

    def _file(self, id: str, path: str) -> None:
        entry = next((entry for entry in self.cache.entries() if entry.id == id), None)
        found = _complete(entry, path) if entry else None
        if found is None:
            self._answer(404)
            return
        with found.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start, end = 0, size
            if given := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start = int(given[1])
                end = min(int(given[2]) + 1, size) if given[2] else size
                if start >= size or end <= start:
                    self._answer(416, headers={"Content-Range": f"bytes */{size}"})
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if self.command == "GET" and end > start:
                self.wfile.flush()
                self.connection.sendfile(file, start, end - start)

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _complete(entry: Entry, path: str) -> Path | None:
    """Only what the hub listed and is whole here: no path leads anywhere else."""
    snapshot = entry.snapshot()
    for file in snapshot.files if snapshot else ():
        if file.path == path and entry.has(file):
            return entry.file(path)
    return None
