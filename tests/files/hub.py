"""A hub on loopback that speaks like Hugging Face and like ModelScope, and can misbehave.

Large files are redirected to another host name (``localhost`` for ``127.0.0.1``), as real hubs do.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    method: str
    host: str
    path: str
    query: dict[str, str]
    range: str
    authorization: str


@dataclass
class Behaviour:
    """Of one file; each list is used up entry by entry, one an answer."""

    #: bytes after which the connection is cut
    cuts: list[int] = field(default_factory=list)
    #: statuses answered instead, with headers
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    #: answers whose first byte is wrong
    wrong: int = 0
    #: bytes a second; 0: as fast as it goes
    rate: int = 0
    #: answers that stop in the middle and stay silent
    silent: int = 0
    ranges: bool = True
    #: what happens when a connection is cut
    after_cut: Callable[[], None] = lambda: None


class Hub:
    """``repos``: repository → path → content. Everything may be changed while it runs."""

    def __init__(self, repos: dict[str, dict[str, bytes]], *, lfs_from: int = 1 << 16) -> None:
        self.repos = repos
        self.lfs_from = lfs_from
        self.gated: set[str] = set()
        self.requests: list[Request] = []
        self.behaviour: dict[str, Behaviour] = defaultdict(Behaviour)
        #: of listings
        self.listing = Behaviour()
        #: bytes of content that were sent, by file
        self.sent: Counter[str] = Counter()
        #: most answers with content at one time
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        #: silent answers end
        self.closing = threading.Event()
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def commit(self, repo: str) -> str:
        digest = hashlib.sha1(repo.encode())
        for path, content in sorted(self.repos[repo].items()):
            digest.update(path.encode() + hashlib.sha1(content).digest())
        return digest.hexdigest()

    def paths(self, method: str = "GET") -> list[str]:
        return [r.path for r in self.requests if r.method == method]

    def enter(self) -> None:
        with self._lock:
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)

    def leave(self) -> None:
        with self._lock:
            self._busy -= 1

    def count(self, file: str, size: int) -> None:
        with self._lock:
            self.sent[file] += size


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that cut the connection are part of the tests


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        path, query = urllib.parse.unquote(url.path), dict(urllib.parse.parse_qsl(url.query))
        self.hub.requests.append(
            Request(
                self.command,
                self.headers.get("Host", "").partition(":")[0],
                path,
                query,
                self.headers.get("Range", ""),
                self.headers.get("Authorization", ""),
            )
        )
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self.model_info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self.resolve(found[1], found[2], found[3])
        elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", path):
            self.content(self.hub.repos[found[1]][found[2]], found[2], {})
        elif found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo/files", path):
            self.modelscope_files(found[1], query["Revision"])
        elif found := re.fullmatch(r"/api/v1/models/([^/]+/[^/]+)/repo", path):
            self.modelscope_file(found[1], query["FilePath"])
        elif found := re.fullmatch(r"/web/([^/]+/[^/]+)/(.+)", path):
            self.web(found[1], found[2])
        else:
            self.json(404, {"error": f"no route {path}"})

    do_HEAD = do_GET

    # --- Hugging Face ------------------------------------------------------------------------

    def model_info(self, repo: str, revision: str) -> None:
        hub = self.hub
        if self.misbehaves(hub.listing):
            return
        if repo not in hub.repos:
            self.refuse(401, "RepoNotFound", "Repository not found")
            return
        commit = hub.commit(repo)
        if revision not in ("main", commit):
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = []
        for path, content in hub.repos[repo].items():
            one: dict[str, Any] = {
                "rfilename": path, "size": len(content), "blobId": git_blob(content),
            }  # fmt: skip
            if len(content) >= hub.lfs_from:
                sha256 = hashlib.sha256(content).hexdigest()
                one["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
            siblings.append(one)
        self.json(
            200,
            {
                "_id": "1", "id": repo, "modelId": repo, "sha": commit, "private": False,
                "gated": "manual" if repo in hub.gated else False, "disabled": False,
                "downloads": 1, "likes": 0, "tags": [], "siblings": siblings,
                "createdAt": "2026-01-01T00:00:00.000Z",
                "lastModified": "2026-01-01T00:00:00.000Z",
            },
        )  # fmt: skip

    def resolve(self, repo: str, revision: str, path: str) -> None:
        hub = self.hub
        if repo in hub.gated and self.headers.get("Authorization") != "Bearer hf_good":
            status = 403 if self.headers.get("Authorization") else 401
            self.refuse(status, "GatedRepo", "Access to model is restricted")
            return
        if path not in hub.repos.get(repo, {}):
            self.refuse(404, "EntryNotFound", "Entry not found")
            return
        content = hub.repos[repo][path]
        headers = {"X-Repo-Commit": hub.commit(repo)}
        if len(content) < hub.lfs_from:
            self.content(content, path, {**headers, "ETag": f'"{git_blob(content)}"'})
            return
        self.send_response(302)
        place = f"http://localhost:{hub.port}/cdn/{repo}/{urllib.parse.quote(path)}?signature=1"
        for name, value in {**headers, "Location": place, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    # --- ModelScope --------------------------------------------------------------------------

    def modelscope_files(self, repo: str, revision: str) -> None:
        if self.misbehaves(self.hub.listing):
            return
        if repo not in self.hub.repos or revision not in ("master", "v1"):
            self.json(404, {"Code": 404, "Success": False, "Message": "not found", "Data": None})
            return
        if repo in self.hub.gated and self.headers.get("Authorization") != "Bearer ms_good":
            self.json(403, {"Code": 403, "Success": False, "Message": "forbidden", "Data": None})
            return
        files = [
            {
                "Name": path.rpartition("/")[2], "Path": path, "Type": "blob",
                "Size": len(content), "Sha256": hashlib.sha256(content).hexdigest(),
                "Revision": "abc", "CommittedDate": 1,
            }
            for path, content in self.hub.repos[repo].items()
        ]  # fmt: skip
        files.append({"Name": "folder", "Path": "folder", "Type": "tree", "Size": 0})
        self.json(200, {"Code": 200, "Success": True, "Data": {"Files": files}})

    def modelscope_file(self, repo: str, path: str) -> None:
        if path not in self.hub.repos.get(repo, {}):
            self.json(404, {"Code": 404, "Message": "not found"})
            return
        self.content(self.hub.repos[repo][path], path, {})

    # --- a plain web server ------------------------------------------------------------------

    def web(self, repo: str, path: str) -> None:
        if repo in self.hub.gated:
            import base64

            pair = base64.b64encode(b"ann:pa:ssw0rd").decode()
            if self.headers.get("Authorization") != f"Basic {pair}":
                self.json(401, {})
                return
        if path not in self.hub.repos.get(repo, {}):
            self.json(404, {})
            return
        content = self.hub.repos[repo][path]
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if self.headers.get("If-Range", etag) != etag:
            del self.headers["Range"]
        self.content(content, path, {"ETag": etag})

    # --- answers -----------------------------------------------------------------------------

    def misbehaves(self, behaviour: Behaviour) -> bool:
        if behaviour.statuses:
            status, headers = behaviour.statuses.pop(0)
            self.json(status, {"error": "as the test wants it"}, headers)
            return True
        return False

    def content(self, content: bytes, name: str, headers: dict[str, str]) -> None:
        hub, behaviour = self.hub, self.hub.behaviour[name]
        if self.misbehaves(behaviour):
            return
        total, start = len(content), 0
        given = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if given and behaviour.ranges:
            start = int(given[1])
            if start >= total:
                self.json(416, {}, {"Content-Range": f"bytes */{total}"})
                return
            end = min(int(given[2]), total - 1) if given[2] else total - 1
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end}/{total}")
            body = content[start : end + 1]
        else:
            self.send_response(200)
            body = content
        if behaviour.wrong and body:
            behaviour.wrong -= 1
            body = bytes([body[0] ^ 255]) + body[1:]
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        hub.enter()
        self.busy = True
        try:
            self.stream(body, name, behaviour)
        finally:
            self.leave()

    def leave(self) -> None:
        if self.busy:
            self.busy = False
            self.hub.leave()

    def stream(self, body: bytes, name: str, behaviour: Behaviour) -> None:
        cut = behaviour.cuts.pop(0) if behaviour.cuts else None
        silent = behaviour.silent > 0
        if silent:
            behaviour.silent -= 1
        sent = 0
        while sent < len(body):
            step = max(1, behaviour.rate // 20) if behaviour.rate else 1 << 16
            piece = body[sent : sent + step]
            if cut is not None:
                piece = piece[: cut - sent]
            if piece:
                if sent + len(piece) >= len(body):
                    self.leave()  # before the client can know that it has all
                self.wfile.write(piece)
                sent += len(piece)
                self.hub.count(name, len(piece))
            if cut is not None and sent >= cut:
                self.close_connection = True
                behaviour.after_cut()
                return
            if silent and sent >= len(body) // 2:
                self.hub.closing.wait(60)
                self.close_connection = True
                return
            if behaviour.rate:
                time.sleep(0.05)

    def refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self.json(status, {"error": message}, headers)

    def json(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
