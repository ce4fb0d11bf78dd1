"""A server that speaks as much of S3 as reading needs, and checks signatures (by botocore's own
reckoning)."""

from __future__ import annotations

import hashlib
import re
import threading
import urllib.parse
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from xml.sax.saxutils import escape


class S3Server:
    key, secret = "AKIATEST", "s3-secret"

    def __init__(self, objects: dict[str, bytes], page: int = 1000) -> None:
        """``objects``: ``bucket/key`` → content; ``page``: keys a listing has at most."""
        self.objects, self.page = objects, page
        #: bytes after which an answer ends
        self.cuts: list[int] = []
        self.sent: Counter[str] = Counter()
        server = self

        class Handler(_Handler):
            s3 = server

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3Server

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        name = urllib.parse.unquote(url.path).lstrip("/")
        query = dict(urllib.parse.parse_qsl(url.query))
        if not self.is_signed(url, query):
            self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        elif query.get("list-type") == "2":
            self.list(name.rstrip("/"), query)
        elif name in self.s3.objects:
            self.object(name)
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    do_HEAD = do_GET

    def is_signed(self, url: urllib.parse.SplitResult, query: dict[str, str]) -> bool:
        """Sign the same request again and compare."""
        from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        credentials = Credentials(self.s3.key, self.s3.secret)
        given = query.get("X-Amz-Signature", "")
        if given:
            when, auth = query["X-Amz-Date"], S3SigV4QueryAuth(credentials, "s3", "us-east-1", 3600)
            plain = {k: v for k, v in query.items() if not k.startswith("X-Amz-")}
            headers = {"host": self.headers["Host"]}
        else:
            found = re.search(
                r"SignedHeaders=([^,]+), ?Signature=(\w+)", self.headers.get("Authorization", "")
            )
            if found is None:
                return False
            given, when = found[2], self.headers["X-Amz-Date"]
            auth = S3SigV4Auth(credentials, "s3", "us-east-1")
            plain = query
            headers = {n: self.headers[n] for n in found[1].split(";") if self.headers[n]}
        request: Any = AWSRequest(
            method=self.command,
            url=f"{self.s3.url}{url.path}",
            params=plain,
            headers=headers,
        )
        request.context["timestamp"] = when
        canonical = auth.canonical_request(request)
        if query.get("X-Amz-Signature"):
            signed = {k: v for k, v in query.items() if k != "X-Amz-Signature"}
            request.params = signed
            canonical = auth.canonical_request(request)
            lines = canonical.split("\n")
            canonical = "\n".join([*lines[:-1], "UNSIGNED-PAYLOAD"])
        text = auth.string_to_sign(request, canonical)
        return bool(auth.signature(text, request) == given)

    def list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, start = query.get("prefix", ""), int(query.get("continuation-token", "0"))
        keys = sorted(
            name.partition("/")[2]
            for name in self.s3.objects
            if name.startswith(f"{bucket}/{prefix}")
        )
        page = keys[start : start + self.s3.page]
        more = start + self.s3.page < len(keys)
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key>"
            f"<Size>{len(self.s3.objects[f'{bucket}/{key}'])}</Size>"
            f"<ETag>&quot;{etag(self.s3.objects[f'{bucket}/{key}'])}&quot;</ETag></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{start + self.s3.page}</NextContinuationToken>"
        self.answer(
            200,
            (
                f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
                f"{token if more else ''}{entries}</ListBucketResult>"
            ).encode(),
        )

    def object(self, name: str) -> None:
        whole = self.s3.objects[name]
        headers = {"ETag": f'"{etag(whole)}"'}
        given = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(given[1]) if given else 0
        if given:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        body = whole[start:]
        if self.command == "GET" and self.s3.cuts and len(body) > self.s3.cuts[0]:
            cut = body[: self.s3.cuts.pop(0)]
            self.close_connection = True
        else:
            cut = body
        self.send_response(206 if given else 200)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(cut)
            self.s3.sent[name] += len(cut)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def etag(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
