"""Every kind of answer of a real server, under both ASGI servers and over TLS: its headers, who
may read it from another site, and which names it answers to."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.safety import certificates
from tests.support.server import API_KEY, Server, serving, wait_for

pytestmark = pytest.mark.server

APP = "https://app.example.com"


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = certificates.make(folder)
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(certificate)
    try:
        with serving(
            "--server", request.param, "--tls-cert", str(certificate), "--tls-key", str(key),
            "--cors-origins", APP, "--allowed-hosts", "models.example.com,*.corp.example",
            tls=True,
        ) as made:  # fmt: skip
            made.launch("fake")
            yield made
    finally:
        os.environ.pop("SSL_CERT_FILE")
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before


def ask(
    server: Server, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Without any help of a library's, which would follow redirects."""
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=context)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content
    finally:
        connection.close()


KEY = {"Authorization": f"Bearer {API_KEY}"}
CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}

#: kind of answer → (method, path, body, headers, status)
ANSWERS: dict[str, tuple[str, str, Any, dict[str, str], int]] = {
    "json": ("GET", "/v1/models", None, KEY, 200),
    "json of Django": ("GET", "/api/keys", None, KEY, 200),
    "stream": ("POST", "/v1/chat/completions", {**CHAT, "stream": True}, KEY, 200),
    "whole": ("POST", "/v1/chat/completions", CHAT, KEY, 200),
    "error": ("POST", "/v1/chat/completions", {"model": "nobody"}, KEY, 400),
    "no key": ("GET", "/v1/models", None, {}, 401),
    "no key for Django": ("GET", "/api/keys", None, {}, 401),
    "wrong method": ("DELETE", "/v1/chat/completions", None, KEY, 405),
    "404": ("GET", "/nowhere", None, {}, 404),
    "404 of the API": ("GET", "/api/nowhere", None, {}, 404),
    "redirect": ("GET", "/admin/", None, {}, 302),
    "admin": ("GET", "/admin/login/", None, {}, 200),
    "docs": ("GET", "/docs", None, {}, 200),
    "document": ("GET", "/docs/openapi.json", None, {}, 200),
    "static": ("GET", "/static/admin/css/base.css", None, {}, 200),
    "probe": ("GET", "/healthz", None, {}, 200),
    "wrong host": ("GET", "/v1/models", None, {"Host": "evil.example"}, 400),
    "preflight": (
        "OPTIONS", "/v1/chat/completions", None,
        {"Origin": APP, "Access-Control-Request-Method": "POST",
         "Access-Control-Request-Headers": "authorization, x-stainless-os"}, 204,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_has_its_headers(server: Server, kind: str) -> None:
    method, path, body, headers, status = ANSWERS[kind]
    data = None if body is None else json.dumps(body)
    got, found, content = ask(
        server, method, path, data, **headers, Content_Type="application/json"
    )
    assert got == status, content
    assert found["x-content-type-options"] == "nosniff"
    assert found["x-frame-options"] == "DENY"
    assert found["referrer-policy"] == "same-origin"
    assert found["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in found["permissions-policy"]
    assert found["strict-transport-security"] == "max-age=31536000"
    csp = found["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "frame-ancestors 'none'" in csp
    assert "unsafe" not in csp
    assert "*" not in csp
    # Nothing that tells an attacker what runs here.
    assert "x-powered-by" not in found
    assert not found.get("server")
    for cookie in (found[name] for name in found if name == "set-cookie"):
        assert "Secure" in cookie
        assert "SameSite=Lax" in cookie


class Page(HTMLParser):
    """What a policy without 'unsafe-inline' forbids."""

    def __init__(self, text: str, csp: str) -> None:
        super().__init__()
        self.csp, self.bad, self.tags = csp, [], 0
        self.feed(text)

    bad: list[str]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags += 1
        if tag in ("script", "style") and "src" not in given:
            nonce = given.get("nonce")
            if not nonce or f"'nonce-{nonce}'" not in self.csp:
                self.bad.append(self.get_starttag_text() or tag)
        self.bad += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            if (there := given.get(name) or "").startswith(("http:", "//", "javascript:", "data:")):
                self.bad.append(there)


@pytest.mark.parametrize("path", ["/admin/login/", "/docs", "/nowhere"])
def test_pages_keep_their_own_policy(server: Server, path: str) -> None:
    _, headers, content = ask(server, "GET", path)
    page = Page(content.decode(), headers["content-security-policy"])
    assert page.tags
    assert page.bad == []


def test_the_pages_of_the_admin_keep_it_too(server: Server) -> None:
    _, headers, content = ask(server, "GET", "/admin/login/")
    cookie = headers["set-cookie"].partition(";")[0]
    token = content.decode().partition('csrfmiddlewaretoken" value="')[2].partition('"')[0]
    form = f"username=admin&password=test-admin-password-1&csrfmiddlewaretoken={token}&next=/admin/"
    status, headers, content = ask(
        server, "POST", "/admin/login/", form, Cookie=cookie,
        Content_Type="application/x-www-form-urlencoded",
        Referer=f"https://127.0.0.1:{server.port}/admin/login/",
    )  # fmt: skip
    assert status == 302, content
    session = headers["set-cookie"].partition(";")[0]
    assert session.startswith("xplatform_session=")
    _, headers, content = ask(server, "GET", "/admin/", Cookie=session)
    links = {
        part.partition('"')[0] for part in content.decode().split('href="') if part[:7] == "/admin/"
    }
    listed = sorted(link for link in links if link.count("/") == 4 and "password" not in link)
    assert len(listed) > 5
    for link in ["/admin/", *listed, *(link + "add/" for link in listed)]:
        status, headers, content = ask(server, "GET", link, Cookie=session)
        if status == 200:
            page = Page(content.decode(), headers["content-security-policy"])
            assert (link, page.bad) == (link, [])


def test_cookies_are_secure(server: Server) -> None:
    _, headers, _ = ask(server, "GET", "/admin/login/")
    assert "Secure" in headers["set-cookie"]


# --- other sites -----------------------------------------------------------------------------


def test_a_page_of_an_origin_that_is_named_may_read(server: Server) -> None:
    for path in ("/v1/models", "/api/keys", "/v1/models/nobody"):
        _, headers, _ = ask(server, "GET", path, Origin=APP, **KEY)
        assert headers["access-control-allow-origin"] == APP
        assert "retry-after" in headers["access-control-expose-headers"]
        assert "Origin" in headers["vary"]
        assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://app.example.com", "https://app.example.com.evil.example",
     "https://xapp.example.com", "https://app.example.com:8443"],
)  # fmt: skip
def test_other_pages_may_not(server: Server, origin: str) -> None:
    for method in ("GET", "OPTIONS"):
        _, headers, _ = ask(
            server, method, "/v1/models", Origin=origin, Access_Control_Request_Method="POST", **KEY
        )
        assert not [name for name in headers if name.startswith("access-control")]


def test_a_preflight(server: Server) -> None:
    method, path, _, given, _ = ANSWERS["preflight"]
    status, headers, content = ask(server, method, path, **given)
    assert (status, content) == (204, b"")
    assert headers["access-control-allow-origin"] == APP
    assert "POST" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "authorization, x-stainless-os"


def test_the_admin_is_for_no_other_site(server: Server) -> None:
    _, headers, _ = ask(server, "GET", "/admin/login/", Origin=APP)
    assert "access-control-allow-origin" not in headers


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("models.example.com", 200), ("MODELS.example.com:9997", 200), ("a.b.corp.example", 200),
        ("corp.example", 400), ("evil.example", 400), ("models.example.com.evil.example", 400),
        ("localhost", 200), ("127.0.0.1:1", 200), ("", 400),
    ],
)  # fmt: skip
def test_names_it_answers_to(server: Server, host: str, status: int) -> None:
    for path in ("/v1/models", "/api/keys"):
        got, _, content = ask(server, "GET", path, Host=host, **KEY)
        assert got == status
        if status == 400:
            assert b"allowed_hosts" in content
    assert ask(server, "GET", "/healthz", Host=host)[0] == 200


def test_a_socket_of_a_wrong_name(server: Server) -> None:
    with (
        socket.create_connection(("127.0.0.1", server.port), 20) as plain,
        pytest.raises(InvalidStatus) as caught,
    ):
        connect(
            f"wss://evil.example:{server.port}/ws/events",
            additional_headers=KEY,
            sock=plain,
            ssl=ssl.create_default_context(),
            server_hostname="127.0.0.1",
        )
    assert caught.value.response.status_code == 403


def test_two_names_at_once(server: Server) -> None:
    context = ssl.create_default_context()
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=30, context=context)
    connection.putrequest("GET", "/v1/models", skip_host=True)
    for name in ("models.example.com", "evil.example"):
        connection.putheader("Host", name)
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_a_socket(server: Server) -> None:
    with connect(
        f"wss://127.0.0.1:{server.port}/ws/events",
        additional_headers=KEY,
        ssl=ssl.create_default_context(),
    ) as events:
        assert json.loads(events.recv(20))["type"] == "caught_up"


# --- TLS -------------------------------------------------------------------------------------


def test_the_command_line_reaches_its_own_server(server: Server) -> None:
    from xplatform.cli.connection import Connection
    from xplatform.core.config import Settings

    # Not by the variable that the other tests trust.
    trusted = os.environ.pop("SSL_CERT_FILE")
    try:
        connection = Connection(None, None, Settings(home=str(server.home)), local=True)
        assert connection.endpoint == f"https://127.0.0.1:{server.port}"
        assert connection.call("GET", "/v1/models")["data"]
    finally:
        os.environ["SSL_CERT_FILE"] = trusted


def test_old_protocols_are_refused(server: Server) -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(server, context) == "first"
    # OpenSSL's own policy may refuse to even offer it, which is an error as well.
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(server, old)


def test_a_renewed_certificate_is_taken_up(server: Server) -> None:
    """The last of this module: it changes the server's certificate."""
    certificate, key = (Path(server.flags[place]) for place in (3, 5))
    new_certificate, new_key = certificates.make(certificate.parent, "second")
    key.write_bytes(new_key.read_bytes())
    certificate.write_bytes(new_certificate.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for pid in server.pids("web"):
        os.kill(pid, 1)
    trusting = ssl.create_default_context(cafile=str(certificate))
    assert wait_for(lambda: name_of(server, trusting) == "second", "the new certificate")
    assert server.process is not None
    assert server.process.poll() is None


def name_of(server: Server, context: ssl.SSLContext) -> str:
    try:
        return handshake(server, context)
    except ssl.SSLError:
        return ""


def handshake(server: Server, context: ssl.SSLContext) -> str:
    """The common name of the server's certificate."""
    with (
        socket.create_connection(("127.0.0.1", server.port), 20) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        found: Any = secure.getpeercert()
        return str(dict(part[0] for part in found["subject"])["commonName"])
