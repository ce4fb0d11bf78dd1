"""Requests that wait and run, over two web processes, as different people see and end them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.server import Answer, Server, wait_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

Tokens = dict[str, str]


@pytest.fixture(scope="module")
def busy(server: Server, tokens: Tokens) -> str:
    """A model of the project's that runs one request at a time, slowly."""
    body = {
        "uid": "busy", "engine": "fake", "model_path": "/dev/null", "slots": 1,
        "options": {"step_ms": 50}, "shared": True,
    }  # fmt: skip
    answer = server.request("POST", "/api/launches", body, headers={"X-Project": "ours"})
    assert answer.status == 201, answer.body
    wait_for(lambda: server.state("busy") == "ready", "the model", 30)
    return "busy"


@contextmanager
def asking(server: Server, key: str, name: str) -> Iterator[Callable[[], Answer]]:
    """A long request; what it was answered in the end."""
    answers: list[Answer] = []
    body = {
        "model": "busy", "messages": [{"role": "user", "content": "x"}], "max_tokens": 5000,
        "request_id": name,
    }  # fmt: skip

    def ask() -> None:
        headers = {"X-Request-Id": name}
        answers.append(
            server.request("POST", "/v1/chat/completions", body, key=key, headers=headers)
        )

    thread = threading.Thread(target=ask)
    thread.start()

    def answer() -> Answer:
        thread.join(60)
        return answers[0]

    try:
        yield answer
    finally:
        server.request("POST", f"/v1/models/busy/requests/{name}/abort", {}, key=key)
        thread.join(60)


def listed(server: Server, key: str) -> list[Any]:
    answer = server.get("/api/launches/busy/requests", key=key)
    assert answer.status == 200, answer.body
    return list(answer.json())


def cancel(server: Server, key: str, rid: str) -> Answer:
    return server.request("DELETE", f"/api/launches/busy/requests/{rid}", key=key)


def test_seen_and_ended_by_whom_they_concern(server: Server, tokens: Tokens, busy: str) -> None:
    developer, admin = tokens["developer-of-ours"], tokens["admin-of-ours"]
    viewer, stranger = tokens["viewer-of-ours"], tokens["developer-of-theirs"]
    with asking(server, developer, "first") as first:
        wait_for(
            lambda: [r for r in listed(server, admin) if r["tokens"]], "the first one's tokens"
        )
        with asking(server, stranger, "second") as second:
            wait_for(lambda: len(listed(server, admin)) == 2, "the second one")

            running, waiting = listed(server, admin)
            assert (running["state"], waiting["state"]) == ("running", "waiting")
            assert running["kind"] == "chat" and not running["stream"]
            assert (running["user"], running["project"]) == ("developer-of-ours", "ours")
            assert running["request_id"] == "first" and not running["own"]
            # Whose name another project's people have is none of this one's business.
            assert (waiting["user"], waiting["key"], waiting["request_id"]) == ("", "", "")

            seen = listed(server, viewer)
            assert [(r["state"], r["user"], r["may_cancel"]) for r in seen] == [
                ("running", "", False), ("waiting", "", False)
            ]  # fmt: skip
            (own,) = listed(server, stranger)
            assert own["own"] and own["user"] == "developer-of-theirs"
            assert [r["own"] for r in listed(server, developer)] == [True, False]

            assert cancel(server, viewer, running["id"]).status == 403
            # Of a model of another project only one's own are there.
            assert cancel(server, stranger, running["id"]).status == 404
            assert cancel(server, developer, "nothing").status == 404
            assert cancel(server, stranger, waiting["id"]).status == 204
            assert second().status == 409
            assert second().json()["error"]["code"] == "request_aborted"

            assert cancel(server, admin, running["id"]).status == 204
            assert "somebody who manages the model" in first().json()["error"]["message"]
            assert cancel(server, admin, running["id"]).status == 404
    assert listed(server, admin) == []
    answer = server.get("/api/audit?action=request.cancel")
    entries = answer.json()["entries"]
    assert {entry["who"] for entry in entries} == {"admin-of-ours", "developer-of-theirs"}


def test_a_key_that_may_only_call_ends_its_own(server: Server, tokens: Tokens, busy: str) -> None:
    made = server.request(
        "POST", "/api/keys", {"name": "calls", "actions": ["models.use"]},
        key=tokens["owner-of-ours"],
    )  # fmt: skip
    narrow = made.json()["key"]
    with asking(server, tokens["developer-of-ours"], "others"):
        others = wait_for(lambda: listed(server, tokens["admin-of-ours"]), "the other one")[0]
        with asking(server, narrow, "mine") as mine:
            wait_for(lambda: len(listed(server, tokens["admin-of-ours"])) == 2, "its own")
            own = listed(server, tokens["admin-of-ours"])[1]
            assert server.get("/api/launches/busy/requests", key=narrow).status == 403
            refused = cancel(server, narrow, others["id"])
            assert refused.status == 403 and "launches.write" in refused.json()["error"]["message"]
            assert cancel(server, narrow, own["id"]).status == 204
            assert mine().status == 409
