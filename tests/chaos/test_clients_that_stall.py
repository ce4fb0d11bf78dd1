"""A client that stops reading, or stops sending: bounded memory, and a slot for the next one."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.chaos.clients import CHAT, chat_body, stream, whole
from tests.support.server import API_KEY, Server, serving, wait_for

STALL = 2.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_CLIENT_STALL_TIMEOUT=str(STALL)) as made:
        made.launch("fast", options={"step_ms": 0.2}, slots=4)
        yield made


def raw(server: Server, body: bytes, length: int | None = None) -> socket.socket:
    """A client whose kernel takes very little before it must read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(30)
    sock.connect(("127.0.0.1", server.port))
    head = (
        f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {API_KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length or len(body)}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
    return sock


def long_answer(server: Server, tokens: int = 1_000_000) -> socket.socket:
    return raw(server, json.dumps(chat_body("fast", stream=True, max_tokens=tokens)).encode())


def in_flight(server: Server) -> int:
    return int(server.get("/status").json()["in_flight"])


def test_a_client_that_stops_reading_loses_its_request_and_frees_its_slot(server: Server) -> None:
    sockets = [long_answer(server) for _ in range(4)]
    wait_for(lambda: in_flight(server) == 4, "all to run")
    before = server.memory_mb("web")
    began = time.monotonic()
    # All slots are theirs; the next one gets a slot when they are given up.
    whole(server, "fast", 3).counted(3, timeout=60)
    assert time.monotonic() - began < STALL * 3 + 15
    wait_for(lambda: in_flight(server) == 0, "all to be given up", 30)
    assert server.memory_mb("web") - before < 50
    for sock in sockets:
        # What lay in the buffers can be read, but it does not look like an end.
        assert not everything(sock).endswith((b"[DONE]\n\n", b"0\r\n\r\n"))


def everything(sock: socket.socket) -> bytes:
    data = b""
    with contextlib.closing(sock), contextlib.suppress(ConnectionError):
        while part := sock.recv(1 << 20):
            data = data[-100:] + part
    return data


def test_its_connection_is_given_back(server: Server) -> None:
    web = psutil.Process(server.pid("web"))
    before = web.num_fds()
    sockets = [long_answer(server) for _ in range(4)]
    wait_for(lambda: in_flight(server) == 4, "all to run")
    wait_for(lambda: in_flight(server) == 0, "all to be given up", 30)
    wait_for(lambda: web.num_fds() <= before + 2, "the connections to be closed", 10)
    for sock in sockets:
        sock.close()


def test_a_slow_client_gets_everything_in_order(server: Server) -> None:
    """It reads a little now and then, always within the time: what it has not taken is merged."""
    tokens = 20_000
    sock = long_answer(server, tokens)
    data = b""
    with contextlib.closing(sock):
        while b"[DONE]" not in data:
            part = sock.recv(32768)
            assert part, data[-500:]
            data += part
            time.sleep(0.002)
    events = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: {")]
    text = "".join(
        choice["delta"].get("content") or ""
        for event in events
        for choice in json.loads(event)["choices"]
    )
    assert [int(word) for word in text.split()] == list(range(tokens))
    assert len(events) < tokens, "nothing was merged, so something was queued"


def test_a_body_that_never_ends_is_refused_after_a_while(server: Server) -> None:
    body = json.dumps(chat_body("fast")).encode()
    sock = raw(server, body[:20], len(body))
    with contextlib.closing(sock):
        answer = b""
        while part := sock.recv(65536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert b"invalid_request_error" in answer
        assert b"connection: close" in answer.lower()


def test_headers_that_never_end_hold_nobody_up(server: Server) -> None:
    sockets = []
    for _ in range(50):
        sock = socket.create_connection(("127.0.0.1", server.port))
        sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        sockets.append(sock)
    stream(server, "fast", 10).counted(10)
    for sock in sockets:
        sock.close()
