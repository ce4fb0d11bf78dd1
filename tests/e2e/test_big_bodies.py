"""A body that is too large, in all ways to send one: 413 that the client gets to see."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.chaos.clients import CHAT, chat_body, whole
from tests.e2e.raw import head, talk
from tests.support.server import Server, serving, wait_for

MODEL = "tiny-model"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch(MODEL, options={"step_ms": 1})
        yield made


SIZE = 50 << 20


def big_body() -> Iterator[bytes]:
    start = json.dumps(chat_body(MODEL))[:-1].encode() + b', "user": "'
    yield start
    chunk = b"x" * (1 << 20)
    for _ in range(SIZE >> 20):
        yield chunk
    yield b'"}'


def send_big(server: Server, *, chunked: bool) -> bytes:
    """As most clients do it: send all, then read."""
    length = sum(map(len, big_body()))
    kind = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
    said = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sock:
        sock.sendall(head(CHAT, kind))
        for part in big_body():
            sock.sendall(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            sock.sendall(b"0\r\n\r\n")
        while part := sock.recv(65536):
            said += part
    return said


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_body_of_fifty_megabytes_is_refused(server: Server, chunked: bool) -> None:
    before = server.memory_mb("web")
    said = send_big(server, chunked=chunked)
    assert said.startswith(b"HTTP/1.1 413 "), said[:300]
    assert b"body_too_large" in said
    assert b"33554432" in said
    assert b"connection: close" in said.lower()
    assert server.memory_mb("web") - before < 60


def test_an_announced_size_is_refused_before_anything_is_sent(server: Server) -> None:
    expect = head(CHAT, f"Content-Length: {SIZE}", "Expect: 100-continue")
    said = talk(server, expect)
    assert said.startswith(b"HTTP/1.1 413 "), said[:300]
    assert b"100 Continue" not in said
    absurd = talk(server, head(CHAT, "Content-Length: " + "9" * 18, "Expect: 100-continue"))
    assert absurd.startswith(b"HTTP/1.1 4"), absurd[:300]


def test_many_big_bodies_at_once_leave_memory_bounded(server: Server) -> None:
    before = server.memory_mb("web")
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: answers.append(send_big(server, chunked=True)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4
    assert all(said.startswith(b"HTTP/1.1 413 ") for said in answers)
    wait_for(lambda: server.memory_mb("web") - before < 150, "the memory to be given back")
    whole(server, MODEL, 3).counted(3)
