"""Keys that are revoked, expire or are used from elsewhere, over two web processes: no new request
gets in anywhere, and what runs ends, though the hint or the database is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests

from tests.chaos.clients import CHAT, Call, chat_body, count
from tests.chaos.intruder import broker, serialize
from tests.chaos.test_database_away import rubbish_instead
from tests.support.server import API_KEY, Answer, Server, serving, wait_for
from xplatform.core.channels import BODY, WEBS

FOREVER = 100_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--web-processes", "2", XPLATFORM_TRUSTED_PROXIES="127.0.0.1") as made:
        made.launch("m", options={"step_ms": 10}, slots=8)
        yield made


def key(server: Server, **values: Any) -> tuple[str, str]:
    """(id, the key)"""
    answer = server.post("/api/keys", {"name": "one to lose", **values})
    assert answer.status == 201, answer.body
    return answer.json()["id"], answer.json()["key"]


def stream(server: Server, token: str, tokens: int = FOREVER, **headers: str) -> Call:
    given = {"Authorization": f"Bearer {token}", **headers}
    body = chat_body("m", stream=True, max_tokens=tokens, ignore_eos=True)
    return Call(server, body, headers=given)


def streams_everywhere(server: Server, token: str) -> list[Call]:
    """So many that each of the web processes has some of them."""
    calls = [stream(server, token) for _ in range(6)]
    for call in calls:
        call.at(3)
    return calls


def revoke(server: Server, key_id: str) -> None:
    assert server.request("DELETE", f"/api/keys/{key_id}").status == 200


def status(server: Server, token: str, **headers: str) -> int:
    return server.get("/v1/models", key=token, headers=headers).status


def refusal(server: Server, token: str) -> Answer:
    """By every process: the kernel spreads new connections over them."""

    def look() -> Answer | None:
        answers = [server.get("/v1/models", key=token) for _ in range(12)]
        return answers[-1] if {answer.status for answer in answers} == {401} else None

    answer = wait_for(look, "the key to be refused")
    assert answer is not None
    return answer


def ended(call: Call, code: str) -> None:
    call.result(20)
    assert call.status == 200
    assert call.error is not None, call
    assert call.error["code"] == code, call
    assert not call.complete
    assert call.text == count(call.tokens), call


def test_what_runs_on_a_revoked_key_ends(server: Server) -> None:
    key_id, token = key(server)
    _, other = key(server)
    calls, kept = streams_everywhere(server, token), stream(server, other, 300).at(3)
    revoke(server, key_id)
    for call in calls:
        ended(call, "key_revoked")
    said = refusal(server, token)
    unknown = server.get("/v1/models", key="xp-" + "x" * 43)
    # Nobody learns that there ever was such a key.
    assert (said.status, said.body) == (401, unknown.body)
    assert said.headers["www-authenticate"] == unknown.headers["www-authenticate"]
    kept.counted(300)
    wait_for(lambda: server.busy("m") == 0, "the slots to be free")


def test_a_whole_answer_ends_with_its_status(server: Server) -> None:
    key_id, token = key(server)
    headers = {"Authorization": f"Bearer {token}"}
    call = Call(server, chat_body("m", max_tokens=FOREVER, ignore_eos=True), headers=headers)
    wait_for(lambda: server.busy("m") == 1, "the request to run")
    revoke(server, key_id)
    call.result(20)
    assert call.status == 401
    assert call.error is not None
    assert call.error["code"] == "key_revoked"


def test_the_hint_is_lost(server: Server) -> None:
    """The broker is down while the key is revoked: the number of changes is looked at."""
    key_id, token = key(server)
    calls = streams_everywhere(server, token)
    pid = server.pid("broker")
    os.kill(pid, signal.SIGSTOP)
    try:
        revoke(server, key_id)
        refusal(server, token)
        for call in calls:
            call.result(20)
            assert call.error is not None
            assert call.error["code"] == "key_revoked"
    finally:
        with contextlib.suppress(ProcessLookupError):  # it may have been replaced
            os.kill(pid, signal.SIGCONT)
    stream(server, API_KEY, 5).counted(5)


def test_the_database_is_gone_right_after(server: Server) -> None:
    """What was revoked, and who was disabled, can be read by nobody: the word of the hint is
    enough, and all others go on."""
    key_id, token = key(server)
    ann = server.post("/api/users", {"username": "ann"}).json()["id"]
    member = server.request("PUT", "/api/projects/default/members/users/ann", {"role": "developer"})
    assert member.status == 200, member.body
    _, hers = key(server, owner="ann", project="default")
    wait_for(lambda: status(server, hers) == 200, "her key to be known")
    calls = [*streams_everywhere(server, token), stream(server, hers).at(3)]
    with rubbish_instead(server.home), broker(server) as client:
        told = {"kind": "keys", "revoked": [key_id], "lowered": [[ann, None]]}
        hint = serialize({"type": "hint", BODY: msgspec.msgpack.encode(told)})
        assert client.publish(f"xp__group__{WEBS}", hint) == 2
        for call in calls:
            ended(call, "key_revoked")
        refusal(server, token)
        refusal(server, hers)
        stream(server, API_KEY, 5).counted(5)
    # It was nobody but us who said so.
    wait_for(lambda: status(server, token) == 200, "the database to be believed again", 30)
    wait_for(lambda: status(server, hers) == 200, "the database to be believed again", 30)


def test_a_key_that_expires_while_it_is_used(server: Server) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=10)
    _, token = key(server, expires=soon.isoformat())
    call = stream(server, token).at(3)
    ended(call, "key_expired")
    refused = server.get("/v1/models", key=token)
    assert (refused.status, refused.json()["error"]["code"]) == (401, "key_expired")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    # Only whoever has all of it is told so.
    wrong = server.get("/v1/models", key=token + "x")
    assert wrong.json()["error"]["code"] == "invalid_api_key"


def test_networks_count_from_where_the_last_trusted_proxy_was_called(server: Server) -> None:
    _, token = key(server, networks=["10.1.0.0/16", "2001:db8::/32"])
    for forwarded, expected in {
        "10.1.2.3": 200,
        "2001:db8::7": 200,
        "10.2.0.1": 403,
        # What a client says of itself stands on the left.
        "10.1.2.3, 192.0.2.1": 403,
        "192.0.2.1, 10.1.2.3": 200,
        "10.1.2.3, 127.0.0.1": 200,
        "no address": 403,
    }.items():
        answer = server.get("/v1/models", key=token, headers={"X-Forwarded-For": forwarded})
        assert answer.status == expected, forwarded
    refused = server.get("/v1/models", key=token)
    assert (refused.status, refused.json()["error"]["code"]) == (403, "address_not_allowed")
    assert "127.0.0.1" in refused.json()["detail"]


def test_scopes_and_globs(server: Server) -> None:
    _, reader = key(server, actions=["models.read"])
    assert status(server, reader) == 200
    answer = server.post(CHAT, chat_body("m"), key=reader)
    assert (answer.status, answer.json()["error"]["code"]) == (403, "insufficient_permissions")
    assert "models.use" in answer.json()["detail"]

    _, narrow = key(server, models=["other-*"])
    hidden = server.post(CHAT, chat_body("m"), key=narrow)
    absent = server.post(CHAT, chat_body("z"), key=narrow)
    assert (hidden.status, absent.status) == (404, 404)
    # But for the name that was asked for, in the message and in its reason.
    said = hidden.body.replace(b"'m'", b"'z'").replace(b'"m"', b'"z"')
    assert said == absent.body
    assert server.get("/v1/models/m", key=narrow).status == 404
    assert server.get("/v1/models", key=narrow).json()["data"] == []
    shown = server.get("/status", key=narrow).json()
    assert shown["models"] == shown["replicas"] == []
    near = server.post(CHAT, chat_body("mm"), key=narrow)
    assert "Did you mean" not in near.json()["detail"]


def test_metrics_are_for_this_machine_or_for_a_key(server: Server) -> None:
    elsewhere = {"X-Forwarded-For": "192.0.2.9"}
    assert server.get("/metrics", key=None).status == 200
    assert server.get("/metrics", key=None, headers=elsewhere).status == 401
    _, developer = key(server, actions=["models.use"])
    assert server.get("/metrics", key=developer, headers=elsewhere).status == 403
    _, scraper = key(server, actions=["logs.read"])
    assert server.get("/metrics", key=scraper, headers=elsewhere).status == 200


def test_a_login_ends_as_a_key_does(server: Server) -> None:
    given = {"username": "admin", "password": server.environ["XPLATFORM_ADMIN_PASSWORD"]}
    token = server.post("/token", given, key=None).json()["access_token"]
    call = stream(server, token, **{"X-Request-Id": "named"}).at(3)
    renewed = server.post("/token", given, key=None).json()["access_token"]
    # Another token of the same person finds the request.
    found = server.get("/v1/requests/named/progress", key=renewed)
    assert (found.status, found.json()["state"]) == (200, "running")
    assert server.get("/v1/requests/named/progress").status == 404
    assert server.post("/v1/auth/logout", {}, key=token).status == 200
    ended(call, "key_revoked")
    refusal(server, token)
    assert status(server, renewed) == 200


def test_a_page_token_ends_with_its_session(server: Server) -> None:
    with requests.Session() as browser:

        def ask(method: str, path: str, **body: str) -> dict[str, Any]:
            browser.headers["X-CSRFToken"] = browser.get(f"{server.base}/api/session").json()[
                "csrf_token"
            ]
            answer = browser.request(method, server.base + path, json=body)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        password = server.environ["XPLATFORM_ADMIN_PASSWORD"]
        ask("POST", "/api/session", username="admin", password=password)
        # The cookie alone opens nothing here.
        assert browser.get(f"{server.base}/v1/models").status_code == 401
        token = ask("POST", "/api/session/token")["access_token"]
        call = stream(server, token).at(3)
        [card] = server.get("/v1/models", key=token).json()["data"][:1]
        assert {"temperature", "tools"} <= set(card["parameters"]), card
        ask("DELETE", "/api/session")
        ended(call, "key_revoked")
        refusal(server, token)


def test_what_runs_may_finish_if_the_operator_says_so() -> None:
    with serving(XPLATFORM_ON_REVOKE="finish") as server:
        server.launch("m", options={"step_ms": 10}, slots=2)
        key_id, token = key(server)
        call = stream(server, token, 800).at(3)
        revoke(server, key_id)
        refusal(server, token)
        call.counted(800)
