"""Requests are found and aborted by their callers' names, through any web process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.clients import Call, chat_body
from tests.support.server import Server, serving, wait_for


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(XPLATFORM_WEB_PROCESSES="2") as made:
        made.launch("m", options={"step_ms": 20}, slots=1)
        yield made


def call(server: Server, name: str, tokens: int = 3000, *, stream: bool = True) -> Call:
    body = chat_body("m", stream=stream, max_tokens=tokens)
    return Call(server, body, headers={"X-Request-Id": name})


def abort(server: Server, name: str, **body: float) -> str:
    answer = server.post(f"/v1/models/m/requests/{name}/abort", body)
    assert answer.status == 200, answer.body
    return str(answer.json()["msg"])


def progress(server: Server, name: str) -> dict[str, object]:
    answer = server.get(f"/v1/requests/{name}/progress")
    return dict(answer.json()) if answer.status == 200 else {}


def test_a_stream_is_ended_and_its_slot_is_free(server: Server) -> None:
    # Several times, as either web process may have the stream, and either may be asked.
    for number in range(6):
        running = call(server, f"run-{number}").at(3)
        assert progress(server, f"run-{number}")["state"] == "running"
        assert abort(server, f"run-{number}", block_duration=0) == "DONE"
        running.result(30)
        assert running.error is not None
        assert running.error["code"] == "request_aborted"
        assert not running.complete
    wait_for(lambda: server.busy("m") == 0, "the slot to be free")
    call(server, "last", 3).counted(3)


def test_an_answer_in_one_piece_is_a_409(server: Server) -> None:
    running = call(server, "whole", stream=False)
    wait_for(lambda: progress(server, "whole").get("state") == "running", "it to run")
    assert abort(server, "whole") == "DONE"
    assert running.result(30).status == 409


def test_who_waits_has_a_place_and_can_be_aborted(server: Server) -> None:
    first = call(server, "first").at(3)
    second = call(server, "second")
    found = wait_for(lambda: progress(server, "second"), "the second to be known")
    assert (found["state"], found["model"]) == ("queued", "m")
    assert int(str(found["position"])) >= 1
    assert abort(server, "second") == "DONE"
    assert second.result(30).status == 409
    assert abort(server, "first") == "DONE"
    first.result(30)


def test_what_is_not_there_is_not_found(server: Server) -> None:
    assert abort(server, "nobody") == "NOT_FOUND"
    assert server.get("/v1/requests/nobody-2/progress").status == 404
    assert server.post("/v1/models/none/requests/x/abort", {}).status == 404
    answer = server.post("/v1/models/m/requests/x/abort", {"block_duration": -1})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "block_duration")
    assert isinstance(answer.json()["detail"], str)


def test_one_that_comes_after_its_abort_is_refused(server: Server) -> None:
    assert abort(server, "early", block_duration=60) == "NOT_FOUND"
    for _ in range(4):
        refused = call(server, "early", 3).result(30)
        assert refused.status == 409
        assert refused.error is not None
        assert refused.error["code"] == "request_aborted"


def test_other_keys_do_not_find_it(server: Server) -> None:
    other = server.request("POST", "/api/keys", {"name": "other"}).json()["key"]
    running = call(server, "mine").at(3)
    assert server.get("/v1/requests/mine/progress", key=other).status == 404
    answer = server.post("/v1/models/m/requests/mine/abort", {"block_duration": 60}, key=other)
    assert answer.json() == {"msg": "NOT_FOUND"}
    assert progress(server, "mine")["state"] == "running"
    assert abort(server, "mine") == "DONE"
    running.result(30)


def test_the_body_can_name_it_too(server: Server) -> None:
    running = Call(server, chat_body("m", stream=True, max_tokens=3000, request_id="inside")).at(3)
    assert abort(server, "inside") == "DONE"
    running.result(30)
