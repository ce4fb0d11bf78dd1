"""How the server gives the console out."""

from __future__ import annotations

import gzip
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.support.server import Server
from xplatform import console


def fetch(server: Server, path: str, **headers: str) -> tuple[Any, bytes]:
    request = urllib.request.Request(server.base + path, headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers, answer.read()


def test_page(server: Server) -> None:
    headers, body = fetch(server, "/")  # the address alone leads here
    page = body.decode()
    policy = headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]+)'", policy)
    assert nonce is not None
    assert "unsafe" not in policy
    assert "__CSP_NONCE__" not in page
    assert set(re.findall(r'nonce="([^"]*)"', page)) == {nonce[1]}
    assert headers["cache-control"] == "no-cache"
    assert headers["x-frame-options"] == "DENY"
    again, _ = fetch(server, "/ui/running/some-model")
    assert nonce[1] not in again["content-security-policy"]


def test_files_are_kept_for_ever_and_come_compressed(server: Server) -> None:
    _, page = fetch(server, "/ui/")
    # The smallest ones are not worth it.
    scripts = {
        path: fetch(server, path) for path in re.findall(r'"(/ui/assets/[^"]+\.js)"', page.decode())
    }
    largest = max(scripts, key=lambda path: len(scripts[path][1]))
    plain_headers, plain = scripts[largest]
    headers, body = fetch(server, largest, **{"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 2
    for one in (headers, plain_headers):
        assert "immutable" in one["cache-control"]
        assert one["content-type"].startswith("text/javascript")
        assert "Accept-Encoding" in one["vary"]


@pytest.mark.parametrize("path", ["running/qwen2.5", "models/llm/glm-5.1", "nodes/gpu-1.rack.lan"])
def test_a_name_with_a_dot_is_a_page(server: Server, path: str) -> None:
    answer = server.get(f"/ui/{path}", key=None)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_a_file_that_is_not_there_is_no_page(server: Server) -> None:
    answer = server.get("/ui/assets/index-old.js", key=None)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/plain")


def test_without_a_built_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "INDEX", tmp_path / "index.html")
    client = Client()
    assert client.get("/").headers["location"] == "/docs"
    answer = client.get("/ui/models")
    assert answer.status_code == 404
    assert "make console" in answer.content.decode()
    assert "unsafe" not in answer.headers["content-security-policy"]
