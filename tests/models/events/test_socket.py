"""``/ws/events`` and the waiting ``/api/events`` against whole servers."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import http.cookiejar
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.server import API_KEY, Server, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

HEADERS = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Two web processes behind one port."""
    with serving("--web-processes", "2") as running:
        yield running


def open_socket(server: Server, query: str = "", **values: Any) -> ClientConnection:
    values = {"additional_headers": HEADERS, **values}
    return connect(f"ws://127.0.0.1:{server.port}/ws/events{query}", **values)


def read_until(socket: ClientConnection, kind: str = "caught_up") -> tuple[list[Any], int]:
    """(events, id) up to a message of this kind."""
    events = []
    while True:
        message = json.loads(socket.recv(timeout=30))
        if message["type"] == kind:
            return events, message["last_id"]
        assert message["type"] == "event", message
        events.append(message["event"])


def read_events(socket: ClientConnection, last: str, uid: str = "") -> list[Any]:
    """Events up to one (of a model) whose ``after`` is this."""
    events: list[Any] = []
    while not events or events[-1]["after"] != last or uid not in ("", events[-1]["uid"]):
        message = json.loads(socket.recv(timeout=30))
        if message["type"] == "event":
            events.append(message["event"])
    return events


def history(server: Server, query: str = "") -> list[Any]:
    answer = server.get(f"/api/events?after=0&limit=1000{query}")
    assert answer.status == 200, answer.body
    return list(answer.json()["events"])


def test_replay_then_live_is_the_history(server: Server) -> None:
    server.launch("replayed")
    with open_socket(server, "?after=0") as socket:
        events, last_id = read_until(socket)
        assert events[-1]["id"] == last_id
        server.launch("live")
        events += read_events(socket, "ready", "live")
    mine = [event["id"] for event in events]
    assert mine == sorted(set(mine))
    assert mine == [event["id"] for event in history(server) if event["id"] <= mine[-1]]
    assert events[-1]["uid"] == "live"


def test_pushed_without_waiting_for_the_poll(server: Server) -> None:
    """Every web process hears of it: the hint, not the poll, brings it."""
    with open_socket(server) as one, open_socket(server) as two:
        for socket in (one, two):
            read_until(socket)
        server.launch("pushed")
        for socket in (one, two):
            seen = read_events(socket, "ready")
            assert {event["uid"] for event in seen} == {"pushed"}


def test_only_what_was_asked_for(server: Server) -> None:
    server.launch("wanted")
    server.launch("unwanted")
    known = history(server, "&model=unwanted")[-1]["id"]
    with open_socket(server, "?after=0&model=wanted") as socket:
        events, last_id = read_until(socket)
        assert {event["uid"] for event in events} == {"wanted"}
        # It has been told how far it has come, so it need not see the others again.
        assert last_id >= known
        server.request("DELETE", "/api/launches/unwanted")
        server.request("DELETE", "/api/launches/wanted")
        assert {event["uid"] for event in read_events(socket, "stopped")} == {"wanted"}


def test_browsers_show_their_key_as_a_subprotocol(server: Server) -> None:
    with open_socket(server, additional_headers={}, subprotocols=["bearer", API_KEY]) as socket:
        assert socket.subprotocol == "bearer"
        read_until(socket)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer xp-wrong"}])
def test_strangers_are_refused(server: Server, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, open_socket(server, additional_headers=headers):
        pass
    answer = refused.value.response
    assert answer.status_code == 401
    assert json.loads(answer.body)["error"]["code"] == "invalid_api_key"


def test_browsers_of_strangers_are_told_by_the_close_code(server: Server) -> None:
    with open_socket(
        server, additional_headers={}, subprotocols=["bearer", "xp-wrong"]
    ) as socket, pytest.raises(ConnectionClosed) as closed:  # fmt: skip
        socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_signed_in_people_on_our_own_pages_only(server: Server) -> None:
    cookie = sign_in(server)
    own, foreign = server.base, "http://evil.example"
    with open_socket(server, additional_headers={"Cookie": cookie}, origin=own) as socket:
        read_until(socket)
    for origin in (foreign, None):
        values = {"additional_headers": {"Cookie": cookie}, "origin": origin}
        with pytest.raises(InvalidStatus), open_socket(server, **values):
            pass


def sign_in(server: Server) -> str:
    """The cookie of the administrator, through the admin's own form."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    browser.open(server.base + "/admin/login/", timeout=30).read()
    cookies = {cookie.name: str(cookie.value) for cookie in jar}
    form = {
        "username": "admin",
        "password": "test-admin-password-1",
        "csrfmiddlewaretoken": cookies["xplatform_csrf"],
    }
    browser.open(
        server.base + "/admin/login/?next=/healthz", urllib.parse.urlencode(form).encode(), 30
    ).read()
    cookies = {cookie.name: str(cookie.value) for cookie in jar}
    return "xplatform_session=" + cookies["xplatform_session"]


def test_a_revoked_key_ends_the_socket(server: Server) -> None:
    made = server.post("/api/keys", {"name": "short-lived"}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    with open_socket(server, additional_headers=headers) as socket:
        read_until(socket)
        server.request("DELETE", f"/api/keys/{made['id']}")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("query", ["?after=x", "?replica=1", "?model=%00"])
def test_bad_queries(server: Server, query: str) -> None:
    with pytest.raises(InvalidStatus) as refused, open_socket(server, query):
        pass
    assert refused.value.response.status_code == 400


def test_no_other_socket(server: Server) -> None:
    other = f"ws://127.0.0.1:{server.port}/ws/other"
    with pytest.raises(InvalidStatus) as refused, connect(other, additional_headers=HEADERS):
        pass
    assert refused.value.response.status_code == 404


def test_an_id_from_the_future_is_told(server: Server) -> None:
    with open_socket(server, "?after=1000000000") as socket:
        message = json.loads(socket.recv(timeout=30))
        assert message["type"] == "reset"
        assert message["last_id"] >= history(server)[-1]["id"]


def test_what_a_client_says_is_of_no_interest(server: Server) -> None:
    with open_socket(server) as socket:
        read_until(socket)
        for text in ("x" * 1000, "{}", b"\0\1"):
            socket.send(text)
        server.launch("after-talk")
        assert read_events(socket, "ready")


def test_many_sockets_at_once(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(open_socket(server, "?after=0&model=together")) for _ in range(40)
        ]
        server.launch("together")
        wanted = [event["id"] for event in history(server, "&model=together")]
        for socket in sockets:
            got: list[int] = []
            while len(got) < len(wanted):
                message = json.loads(socket.recv(timeout=30))
                if message["type"] == "event":
                    got.append(message["event"]["id"])
            assert got == wanted


class TestWaiting:
    def test_answers_when_something_comes(self, server: Server) -> None:
        last = history(server)[-1]["id"]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            path = f"/api/events?after={last}&wait=45&model=waited-for"
            asked = pool.submit(server.get, path)
            server.launch("waited-for", wait=False)
            events = asked.result(timeout=40).json()["events"]
        assert events[0]["uid"] == "waited-for"

    def test_answers_in_the_end(self, server: Server) -> None:
        known = history(server)[-1]["id"]
        began = time.monotonic()
        answer = server.get("/api/events?after=0&wait=1&model=nobody").json()
        assert time.monotonic() - began > 0.9
        assert answer["events"] == []
        assert answer["last_id"] >= known

    def test_strangers_do_not_wait(self, server: Server) -> None:
        began = time.monotonic()
        assert server.get("/api/events?after=0&wait=50&model=nobody", key=None).status == 401
        assert time.monotonic() - began < 30


class TestStop:
    """Of its own server each, since it ends."""

    @pytest.mark.parametrize("kind", ["uvicorn", "daphne"])
    def test_restart_is_said_and_resumed_over(self, kind: str) -> None:
        with serving("--server", kind) as server:
            server.launch("m")
            with open_socket(server, "?after=0") as socket:
                events, last_id = read_until(socket)
                with contextlib.closing(
                    http.client.HTTPConnection("127.0.0.1", server.port)
                ) as client:
                    client.timeout = 30
                    path = f"/api/events?after={last_id}&wait=50&model=nobody"
                    client.request("GET", path, headers=HEADERS)
                    # What was sent before this has arrived.
                    assert server.get("/healthz").status == 200
                    began = time.monotonic()
                    server.process.terminate()  # type: ignore[union-attr]
                    with pytest.raises(ConnectionClosed) as closed:
                        while True:
                            message = json.loads(socket.recv(timeout=30))
                            if message["type"] == "event":
                                events.append(message["event"])
                    assert closed.value.rcvd is not None
                    assert closed.value.rcvd.code == 1012
                    # The one that waits gets its answer, and does not hold up the stop.
                    assert client.getresponse().status == 200
                server.process.wait(30)  # type: ignore[union-attr]
                assert time.monotonic() - began < 30
            last = events[-1]["id"]
            server.start()
            server.launch("n")
            with open_socket(server, f"?after={last}") as socket:
                events += read_until(socket)[0]
            wanted = [e["id"] for e in history(server) if e["id"] <= events[-1]["id"]]
            assert [event["id"] for event in events] == wanted
