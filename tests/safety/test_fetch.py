"""The guarded fetcher, against real servers on this machine that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.safety import certificates
from tests.safety.pictures import PNG
from xplatform.core import fetch
from xplatform.core.config import Settings
from xplatform.core.errors import Offline, UrlRefused, UrlUnreadable

HERE = "127.0.0.1"


def settings(**values: Any) -> Settings:
    return Settings(**{"fetch_allow": HERE, "fetch_timeout": 20.0, **values})


class Site:
    """A web server whose pages are functions of the handler."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[Any], None]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.release = threading.Event()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                with contextlib.suppress(OSError):
                    site.pages[self.path.partition("?")[0]](self)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args: Any) -> None:
                pass

        self.server = Server((HERE, 0), Handler)
        self.port = self.server.server_address[1]
        self.base = f"http://{HERE}:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def page(self, path: str, body: bytes = b"", status: int = 200, **headers: str) -> str:
        def answer(handler: Any) -> None:
            handler.send_response(status)
            given = {"content-length": str(len(body))} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            for name, value in given.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        self.pages[path] = answer
        return self.base + path

    def drip(self, path: str, first: bytes, piece: bytes) -> str:
        def answer(handler: Any) -> None:
            handler.wfile.write(first)
            while not self.release.wait(0.01):
                handler.wfile.write(piece)
                handler.wfile.flush()

        self.pages[path] = answer
        return self.base + path

    def stop(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.stop()


def test_fetches_and_says_little_of_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    url = site.page("/a.png", PNG)
    assert fetch.fetch(url + "?x=1#part", settings()) == PNG
    path, headers = site.seen[0]
    assert path == "/a.png?x=1"
    assert headers["host"] == f"{HERE}:{site.port}"
    assert headers.keys() <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_from_a_coroutine(site: Site) -> None:
    url = site.page("/a.png", PNG)
    assert asyncio.run(fetch.fetch_async(url, settings())) == PNG


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/",
        "http://2130706433:{port}/", "http://0x7f.1:{port}/", "http://127.1:{port}/",
        "http://0:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::]:{port}/",
        "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://224.0.0.1/",
        "http://localhost.:{port}/",
    ],
)  # fmt: skip
def test_private_addresses_are_refused_however_written(site: Site, url: str) -> None:
    site.page("/", b"secret")
    with pytest.raises((UrlRefused, UrlUnreadable)) as caught:
        fetch.fetch(url.format(port=site.port), Settings())
    assert not site.seen
    # What cannot even be resolved here (some forms of numbers) was not reached either.
    if isinstance(caught.value, UrlRefused):
        assert "fetch_allow" in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.com/a", "gopher://example.com/", "//example.com/a",
        "example.com", "http://", "http:///a", "http://user:pw@example.com/", "http://a b/",
        "http://example.com:22/", "http://example.com:99999/", "http://exa\nmple.com/",
        "http://example.com/" + "a" * 9000, "http://exämple.com/", "http://[::1/",
    ],
)  # fmt: skip
def test_addresses_that_are_not_followed_at_all(url: str) -> None:
    with pytest.raises(UrlRefused) as caught:
        fetch.fetch(url, settings())
    assert "pw" not in caught.value.message
    assert len(caught.value.message) < 300


def test_redirects_are_followed_and_counted(site: Site) -> None:
    end = site.page("/end", PNG)
    site.page("/2", status=302, location="/end")
    assert fetch.fetch(site.page("/1", status=307, location=site.base + "/2"), settings()) == PNG
    site.page("/round", status=301, location="/round")
    with pytest.raises(UrlUnreadable, match="more than 4 times"):
        fetch.fetch(site.base + "/round", settings())
    assert end


@pytest.mark.parametrize(
    "location",
    ["http://[::1]:1/", "http://169.254.169.254/", "file:///etc/passwd", "http://u:p@x/"],
)
def test_each_redirect_is_checked(site: Site, location: str) -> None:
    with pytest.raises(UrlRefused):
        fetch.fetch(site.page("/", status=302, location=location), settings())


def test_a_name_that_changes_its_meaning_gains_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is public, every later one is this machine."""
    asked: list[str] = []
    there = socket.getaddrinfo

    def resolve(host: str, *args: Any, **more: Any) -> Any:
        asked.append(host)
        return there("203.0.114.1" if len(asked) == 1 else HERE, *args, **more)

    connected: list[Any] = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            connected.append(address)
            raise ConnectionRefusedError

    site.page("/", b"secret")
    monkeypatch.setattr(fetch.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(fetch.socket, "socket", Watched)
    with pytest.raises(UrlUnreadable):
        fetch.fetch(f"http://rebind.test:{site.port}/", Settings())
    assert asked == ["rebind.test"]
    assert connected == [("203.0.114.1", site.port)]


def test_a_name_with_a_public_and_a_private_address_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = socket.getaddrinfo

    def resolve(host: str, *args: Any, **more: Any) -> Any:
        return [*there("8.8.8.8", *args, **more), *there("10.0.0.1", *args, **more)]

    monkeypatch.setattr(fetch.socket, "getaddrinfo", resolve)
    with pytest.raises(UrlRefused):
        fetch.fetch("http://both.test/", Settings())


def test_a_host_that_the_operator_allows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    there = socket.getaddrinfo
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda host, *a, **m: there(HERE, *a, **m))
    site.page("/", PNG)
    url = f"http://files.corp.test:{site.port}/"
    assert fetch.fetch(url, Settings(fetch_allow="*.corp.test")) == PNG
    with pytest.raises(UrlRefused):
        fetch.fetch(url, Settings(fetch_allow="other.test"))
    assert site.seen[0][1]["host"] == f"files.corp.test:{site.port}"


def test_size(site: Site) -> None:
    big = bytes((1 << 20) + 1)
    announced = site.page("/announced", big)
    with pytest.raises(UrlUnreadable, match="larger than 1 MB"):
        fetch.fetch(announced, settings(fetch_max_mb=1))
    endless = site.drip("/endless", b"HTTP/1.1 200 OK\r\n\r\n", bytes(200_000))
    with pytest.raises(UrlUnreadable, match="larger than 1 MB"):
        fetch.fetch(endless, settings(fetch_max_mb=1))


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_bytes_that_drip_end_with_the_time(site: Site, first: bytes) -> None:
    """In the status line, in a header, in the body: each byte comes quickly, all of them never."""
    url = site.drip("/", first, b"a")
    with pytest.raises(UrlUnreadable, match="within 0.3 seconds"):
        fetch.fetch(url, settings(fetch_timeout=0.3))


def test_one_that_is_cancelled_lets_go(site: Site) -> None:
    gone = threading.Event()
    begun = threading.Event()

    def answer(handler: Any) -> None:
        begun.set()
        handler.connection.settimeout(20)
        if handler.connection.recv(1) == b"":
            gone.set()

    site.pages["/"] = answer

    async def give_up() -> None:
        task = asyncio.create_task(fetch.fetch_async(site.base + "/", settings()))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert gone.wait(20)


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"content_encoding": "gzip"}, 200, "compressed"),
        ({}, 404, "answered 404"),
        ({"content_length": "9999"}, 200, "within|broke off|cannot be read"),
    ],
)
def test_other_answers(site: Site, headers: dict[str, str], status: int, said: str) -> None:
    url = site.page("/", b"text", status, connection="close", **headers)
    with pytest.raises(UrlUnreadable, match=said):
        fetch.fetch(url, settings(fetch_timeout=2.0))


def test_nothing_is_fetched_offline(site: Site) -> None:
    with pytest.raises(Offline):
        fetch.fetch(site.page("/", PNG), settings(offline=True))
    assert not site.seen


def test_tls_is_checked_by_name(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    site.page("/", PNG)
    there = socket.getaddrinfo
    monkeypatch.setattr(fetch.socket, "getaddrinfo", lambda host, *a, **m: there(HERE, *a, **m))
    url = f"https://pictures.test:{site.port}/"
    with pytest.raises(UrlUnreadable, match="certificate"):
        fetch.fetch(url, settings())
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(fetch, "_tls", lambda: trusting)
    assert fetch.fetch(url, settings()) == PNG
    assert site.seen[-1][1]["host"] == f"pictures.test:{site.port}"
    with pytest.raises(UrlUnreadable, match="certificate"):
        fetch.fetch(f"https://wrong.test:{site.port}/", settings())
    site.page("/down", status=302, location=f"http://pictures.test:{site.port}/")
    with pytest.raises(UrlRefused, match="away from https"):
        fetch.fetch(url + "down", settings())


def test_a_request_of_our_own_has_any_status_and_its_headers(site: Site) -> None:
    url = site.page("/", b'{"a":1}', 401, content_type="application/json")
    answer = fetch.request(url, settings(), headers={"Authorization": "Bearer x"})
    assert (answer.status, answer.body) == (401, b'{"a":1}')
    assert answer.headers["content-type"] == "application/json"
    assert site.seen[0][1]["authorization"] == "Bearer x"
