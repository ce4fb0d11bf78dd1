"""Codes are a promise: unique, documented, and rendered the same way everywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from xplatform.core import errors
from xplatform.core.errors import (
    BY_CODE,
    PlatformError,
    envelope,
    from_fault,
    headers,
    markdown_table,
    to_fault,
)
from xplatform.engines.protocol import Fault

DOCS = Path(__file__).parents[2] / "docs" / "errors.md"
OWN = [cls for cls in BY_CODE.values() if errors.is_own(cls)]


def test_every_error_with_a_status_has_a_code_and_is_in_the_documentation():
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, PlatformError)
    ]
    groups = {"PlatformError", "CallerError", "CapacityError", "EngineError", "OwnError"}
    assert {cls.__name__ for cls in classes if "code" not in vars(cls)} == groups
    assert markdown_table() in DOCS.read_text("utf-8"), (
        "docs/errors.md is old: put the output of xplatform.core.errors.markdown_table() into it"
    )


def test_a_code_cannot_be_taken_twice():
    with pytest.raises(TypeError, match="model_not_found"):
        type("Again", (PlatformError,), {"code": "model_not_found"})


@pytest.mark.parametrize("cls", OWN, ids=lambda cls: cls.code)
def test_each_class_is_complete(cls):
    assert re.fullmatch(r"[a-z][a-z0-9_]+", cls.code)
    assert cls.who in ("caller", "capacity", "engine", "platform")
    assert (cls.who == "caller") == (cls.status < 500 and cls.status != 429)
    assert cls.__doc__ and cls.cure
    assert not (cls.who == "caller" and cls.retryable)
    error = cls.said("it broke", param="x")
    body = json.loads(envelope(error))
    assert body["detail"] == body["error"]["message"] == "it broke"
    assert set(body["error"]) - {"retry_after"} == {"message", "type", "param", "code"}


def test_the_envelope_byte_by_byte():
    assert envelope(errors.ModelNotFound("qwen", ["qwen3", "qwen2"])) == (
        b'{"error":{"message":"The model \'qwen\' does not exist or you do not have access to it.'
        b' Did you mean \'qwen3\' or \'qwen2\'?","type":"invalid_request_error",'
        b'"param":"model","code":"model_not_found","reason":{"code":"no_such_model_but",'
        b'"params":{"name":"qwen","close":["qwen3","qwen2"]}}},'
        b'"detail":"The model \'qwen\' does not exist or you do not have access to it.'
        b" Did you mean 'qwen3' or 'qwen2'?\"}"
    )
    full = json.loads(envelope(errors.QueueFull(retry_after=2.5)))
    assert full["error"]["retry_after"] == 2.5
    assert full["error"]["type"] == "rate_limit_error"


def test_a_missing_permission_is_named_for_people_and_for_programs():
    plain = errors.Forbidden.lacking("keys.read")
    assert (plain.message, plain.data) == (
        "This needs the permission keys.read.",
        {"permission": "keys.read"},
    )
    assert errors.Forbidden.lacking("keys.read", "as an owner").message == (
        "This needs the permission keys.read as an owner."
    )


def test_headers_tell_clients_whether_and_when_to_try_again():
    assert headers(errors.QueueFull(retry_after=2.1)) == {
        "x-should-retry": "true",
        "Retry-After": "3",
    }
    assert headers(errors.Conflict("taken")) == {"x-should-retry": "false"}
    challenge = headers(errors.NotAuthenticated('"x" is – unknown…'))["WWW-Authenticate"]
    assert challenge == (
        'Bearer realm="xplatform", error="invalid_token",'
        " error_description=\"'x' is ' unknown...\""
    )
    assert headers(errors.MethodNotAllowed("PUT", ["GET", "POST"]))["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("fault", "code", "status", "says"),
    [
        (Fault("invalid", "no image", "messages"), "invalid_request", 400, "no image"),
        (
            Fault("too_long", "x", None, {"tokens": 9000, "limit": 4096}),
            "context_length_exceeded",
            400,
            "4096 tokens, but the request needs 9000",
        ),
        (Fault("too_long", "way too long"), "context_length_exceeded", 400, "way too long"),
        (
            Fault("unsupported", "No grammar.", "response_format"),
            "unsupported_parameter",
            400,
            "'response_format' is not supported by engine 'llama.cpp'. No grammar.",
        ),
        (Fault("overloaded", "full"), "queue_full", 429, "full"),
        (Fault("engine", "CUDA error"), "engine_error", 500, "CUDA error"),
        (Fault("engine", "try again", retryable=True), "engine_error", 503, "try again"),
        (Fault("engine_died", "killed by signal 9"), "engine_died", 503, "signal 9"),
        (Fault("never heard of", ""), "engine_error", 500, "'llama.cpp' failed without a reason"),
    ],
)
def test_faults_of_the_engine_become_errors(fault, code, status, says):
    error = from_fault(fault, "llama.cpp")
    assert (error.code, error.status) == (code, status)
    assert says in error.message
    if fault.param:
        assert error.param == fault.param


def test_a_stack_trace_never_reaches_a_caller():
    trace = (
        "Traceback (most recent call last):\n"
        '  File "engine.py", line 3, in step\n    raise ValueError\n'
        "ValueError: bad weights\n"
    )
    assert from_fault(Fault("engine", trace), "e").message == "ValueError: bad weights"
    assert "File" not in errors.EngineStartFailed(trace).message
    assert len(from_fault(Fault("engine", "x" * 10_000), "e").message) == 2000


@pytest.mark.parametrize("cls", OWN, ids=lambda cls: cls.code)
def test_an_error_survives_the_way_through_a_fault(cls):
    error = cls.said("it broke", param="x")
    back = from_fault(to_fault(error), "e")
    assert (back.code, back.message, back.param, back.status) == (
        error.code,
        error.message,
        error.param,
        503 if error.retryable and cls is errors.EngineFailed else error.status,
    )
