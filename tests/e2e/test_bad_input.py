"""Whatever comes in, the answer is a 4xx in the caller's protocol, and nothing falls over."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.clients import CHAT, count
from tests.e2e.raw import head, talk
from tests.support.server import API_KEY, Answer, Server, serving

MODEL = "tiny-model"
GOOD: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        made.launch(MODEL, options={"step_ms": 1})
        yield made


@pytest.fixture(autouse=True)
def nothing_broke(server: Server) -> Iterator[None]:
    web = server.pid("web")
    yield
    assert server.pid("web") == web, "the web process died"
    log = "\n".join(
        path.read_text(errors="replace") for path in server.home.glob("logs/web_*/*.log")
    )
    assert "Traceback" not in log, log[-4000:]


def refused(answer: Answer, status: int, code: str | None = None) -> str:
    """An error of the right form; its message."""
    assert answer.status == status, (answer.status, answer.body[:500])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert b"Traceback" not in answer.body
    body = answer.json()
    error = body["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert body["detail"] == error["message"]
    assert len(answer.body) < 5000
    if code is not None:
        assert error["code"] == code, error
    return str(error["message"])


def chat(server: Server, **values: Any) -> Answer:
    return server.post(CHAT, {**GOOD, **values})


# --- JSON ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b'{"model": "tiny-model", }',
        b"{'model': 'tiny-model'}",
        b'{"model": "tiny-model"} trailing',
        b"[]",
        b"null",
        b'"text"',
        b"12",
        b"NaN",
        b'{"model": NaN}',
        b'{"model": "\xff\xfe"}',
        b'{"model": "\xed\xa0\x80"}',
        b'{"model": "\\ud800"}',
        b'\xef\xbb\xbf{"model": "tiny-model"}',
        '{"model": "tiny-model"}'.encode("utf-16"),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        b"\x00" * 1000,
        b'{"model": "tiny-model", "model": "tiny-model", "messages": []}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"model": "tiny-model", "messages": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"a=b&c=d",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_no_proper_json_is_refused(server: Server, body: bytes) -> None:
    for path in (CHAT, "/v1/completions", "/v1/embeddings", "/v1/tokenize", "/v1/detokenize"):
        refused(server.post(path, body), 400)


def test_the_place_in_malformed_json_is_told(server: Server) -> None:
    message = refused(server.post(CHAT, b'{"model": "x", oops}'), 400, "invalid_json")
    assert "byte 15" in message


@pytest.mark.parametrize(
    "number",
    ["1" * 10, "1" * 400, "9" * 5000, "-1", "1e400", "-1e400", "0.5", "1e2", "true", "null", '"5"'],
    ids=lambda n: n[:12],
)
def test_strange_numbers_never_break_anything(server: Server, number: str) -> None:
    # As many tokens as somebody wants may be wanted.
    fields = ["max_tokens"] if number != "1" * 10 else []
    for field in (*fields, "temperature", "seed", "top_k", "n", "presence_penalty"):
        body = json.dumps(GOOD)[:-1] + f', "{field}": {number}}}'
        answer = server.post(CHAT, body.encode())
        if answer.status != 200:
            message = refused(answer, 400)
            assert field in message


# --- fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"model": 7}, "model"),
        ({"model": ""}, "model"),
        ({"messages": "hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "clown", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "smell", "text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -5}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"stop": [""]}, "stop[0]"),
        ({"stop": 7}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
    ],
    ids=str,
)
def test_a_wrong_value_names_its_field(server: Server, values: dict[str, Any], param: str) -> None:
    answer = chat(server, **values)
    message = refused(answer, 400)
    assert answer.json()["error"]["param"] == param, message
    assert param.split("[", maxsplit=1)[0] in message


def test_value_and_what_is_allowed_are_told(server: Server) -> None:
    message = refused(chat(server, temperature=17.5), 400, "invalid_value")
    assert "17.5" in message
    assert "between 0 and 2" in message


def test_a_long_value_is_shown_short(server: Server) -> None:
    message = refused(chat(server, temperature="very hot " * 1000), 400)
    assert len(message) < 300
    message = refused(chat(server, **{"x" * 10_000: 1}), 400, "unknown_field")
    assert len(message) < 1500
    message = refused(chat(server, model="y" * 500), 404, "model_not_found")
    assert len(message) < 300


def test_an_unknown_field_is_told_with_close_names(server: Server) -> None:
    answer = chat(server, temprature=1)
    message = refused(answer, 400, "unknown_field")
    assert "temprature" in message
    assert "'temperature'" in message
    assert answer.json()["error"]["param"] == "temprature"


def test_a_missing_field_is_named(server: Server) -> None:
    answer = server.post(CHAT, {"model": MODEL})
    refused(answer, 400, "missing_required_parameter")
    assert answer.json()["error"]["param"] == "messages"
    answer = server.post(CHAT, {"messages": GOOD["messages"]})
    refused(answer, 400, "missing_required_parameter")
    assert answer.json()["error"]["param"] == "model"


def test_an_unknown_model_is_told_with_close_names(server: Server) -> None:
    message = refused(chat(server, model="tiny-modle"), 404, "model_not_found")
    assert f"'{MODEL}'" in message
    assert "Did you mean" in message
    message = refused(server.get("/v1/models/tiny-modle"), 404, "model_not_found")
    assert f"'{MODEL}'" in message


def test_a_parameter_that_the_engine_cannot_do_is_named_with_the_engine(server: Server) -> None:
    for field, value in {"min_p": 0.5, "logit_bias": {"5": 1}, "frequency_penalty": 1}.items():
        answer = chat(server, **{field: value})
        message = refused(answer, 400, "unsupported_parameter")
        assert f"'{field}'" in message
        assert "'fake'" in message
        assert answer.json()["error"]["param"] == field
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert "'tools'" in refused(chat(server, tools=tools), 400, "unsupported_parameter")
    embed = server.post("/v1/embeddings", {"model": MODEL, "input": "x"})
    assert "embedding" in refused(embed, 400, "unsupported_parameter")


def test_a_prompt_that_is_too_long_is_told_with_both_numbers(server: Server) -> None:
    for stream in (False, True):
        answer = chat(server, messages=[{"role": "user", "content": "w " * 8200}], stream=stream)
        message = refused(answer, 400, "context_length_exceeded")
        assert "8192" in message
        assert "8200" in message


# --- keys, paths, methods --------------------------------------------------------------------


def test_without_a_valid_key_nothing_is_told(server: Server) -> None:
    for path, method in (
        (CHAT, "POST"),
        ("/v1/completions", "POST"),
        ("/v1/embeddings", "POST"),
        ("/v1/tokenize", "POST"),
        ("/v1/models", "GET"),
        (f"/v1/models/{MODEL}", "GET"),
    ):
        body = GOOD if method == "POST" else None
        answer = server.request(method, path, body, key=None)
        assert "No API key" in refused(answer, 401, "invalid_api_key")
        # Who sent nothing is not told of an error (RFC 6750, section 3.1).
        assert answer.headers["www-authenticate"] == 'Bearer realm="xplatform"'
        answer = server.request(method, path, body, key="xp-" + "wrong" * 10)
        message = refused(answer, 401, "invalid_api_key")
        assert "wrong" not in message
        assert 'error="invalid_token", error_description="' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        # No credential of ours at all.
        ("", 401, "invalid_api_key"),
        ("Basic abc", 401, "invalid_api_key"),
        (API_KEY, 401, "invalid_api_key"),
        # One of the right form, which is not known.
        (f"bearer  {API_KEY}x", 401, "invalid_api_key"),
        # A header that is none.
        ("Bearer", 400, "invalid_request"),
        ("Bearer ", 400, "invalid_request"),
        ("Bearer a b", 400, "invalid_request"),
        ("Bearer schlüssel", 400, "invalid_request"),
        ("Bearer " + "x" * 5000, 400, "invalid_request"),
    ],
)
def test_strange_authorization_is_refused(
    server: Server, value: str, status: int, code: str
) -> None:
    answer = server.post(CHAT, GOOD, key=None, headers={"Authorization": value})
    refused(answer, status, code)


def test_another_method_is_refused_with_those_that_are_allowed(server: Server) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = server.request(method, CHAT)
        assert "POST" in refused(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/v1/chat", "/v1/chat/completions/", "/v1/../etc/passwd", "/v1/models/a/b",
     "/v1/models/%00", "/v1/models/%ff%fe", "/v1//models"],
)  # fmt: skip
def test_unknown_paths_are_not_found(server: Server, path: str) -> None:
    refused(server.get(path), 404)


# --- headers ---------------------------------------------------------------------------------


def test_the_request_id_comes_back_if_it_is_harmless(server: Server) -> None:
    for given, same in (
        ("mine", True),
        ("a/b:c-d_e", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("with space", False),
        ("", False),
    ):
        answer = server.get("/v1/models", headers={"X-Request-Id": given})
        told = answer.headers["x-request-id"]
        assert (told == given) is same, (given, told)
        assert same or told.startswith("req-")
    wrong = server.post(CHAT, b"{", headers={"X-Request-Id": "of-an-error"})
    assert wrong.headers["x-request-id"] == "of-an-error"


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"NONSENSE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\nhello!",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"zz\r\nhello\r\n0\r\n\r\n",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_garbage_instead_of_http_is_refused_or_cut(server: Server, data: bytes) -> None:
    said = talk(server, data, wait=2)
    assert b"Traceback" not in said
    status = said.split(b" ")[1] if said.startswith(b"HTTP/") else b""
    assert status[:1] in (b"", b"4"), said[:300]
    assert server.get("/healthz").status == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(server: Server) -> None:
    for part in (b"", b'{"model"', b"x" * 100_000):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(head(CHAT, "Content-Length: 1000000") + part)
    assert chat(server, max_tokens=3).json()["choices"][0]["message"]["content"] == count(3)


def test_a_connection_goes_on_after_an_error(server: Server) -> None:
    """Errors of a request are not errors of the connection."""
    bad = head(CHAT, "Content-Length: 1") + b"{"
    good = json.dumps({**GOOD, "max_tokens": 2}).encode()
    last = head(CHAT, f"Content-Length: {len(good)}", "Connection: close") + good
    said = talk(server, bad + bad + last)
    assert said.count(b"HTTP/1.1 400 ") == 2
    assert said.count(b"HTTP/1.1 200 ") == 1
    assert count(2).encode() in said


def test_an_unread_body_does_not_disturb_the_next_request(server: Server) -> None:
    """Refused by its key before the body was read."""
    stranger = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    said = talk(server, stranger + b"x" * 200_000 + last)
    assert said.count(b"HTTP/1.1 401 ") == 1
    assert said.count(b"HTTP/1.1 200 ") == 1
