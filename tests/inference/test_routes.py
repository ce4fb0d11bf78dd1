"""Which requests are answered by the gateway, and which reach Django."""

from __future__ import annotations

import asyncio

import pytest

from apps.inference.gateway.http import Exchange, Message
from apps.inference.gateway.routes import Routes, parts
from xplatform.core.errors import MethodNotAllowed


async def _chat(exchange: Exchange) -> None: ...


async def _models(exchange: Exchange) -> None: ...


async def _model(exchange: Exchange) -> None: ...


async def _abort(exchange: Exchange) -> None: ...


ROUTES = Routes(
    own={"/v1/chat/completions": {"POST": _chat}},
    shared={
        ("GET", "/v1/models"): _models,
        ("GET", "/v1/models/{id}"): _model,
        ("POST", "/v1/models/{uid}/requests/{rid}/abort"): _abort,
    },
)


@pytest.mark.parametrize(
    ("method", "path", "handler", "name"),
    [
        ("POST", "/v1/chat/completions", _chat, "/v1/chat/completions"),
        ("GET", "/v1/models", _models, "/v1/models"),
        ("GET", "/v1/models/a.b:c", _model, "/v1/models/{id}"),
        ("POST", "/v1/models/m/requests/r/abort", _abort, "/v1/models/{uid}/requests/{rid}/abort"),
    ],
)
def test_what_is_ours(method: str, path: str, handler: object, name: str) -> None:
    assert ROUTES.find(method, path) == (handler, name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/models"),
        ("DELETE", "/v1/models/m"),
        ("GET", "/v1/models/m/progress"),
        ("GET", "/v1/models/instances"),
        ("GET", "/v1/models/vllm-supported"),
        ("GET", "/v1/models/"),
        ("GET", "/v1/models/m/requests/r/abort"),
        ("POST", "/v1/models/m/requests/r/abort/x"),
        ("GET", "/v1/engines/m"),
        ("GET", "/v1/cluster/auth"),
        ("POST", "/token"),
        ("GET", "/admin/"),
        ("GET", "/v1/chat/completions/"),
    ],
)
def test_what_is_djangos(method: str, path: str) -> None:
    assert ROUTES.find(method, path) is None


def test_a_wrong_method_on_a_route_of_ours_names_the_right_ones() -> None:
    found = ROUTES.find("GET", "/v1/chat/completions")
    assert found is not None

    async def nothing(*_: Message) -> Message:
        return {}

    async def call() -> None:
        scope = {"method": "GET", "path": "/v1/chat/completions", "headers": []}
        await found[0](Exchange(scope, nothing, nothing, 60.0))

    with pytest.raises(MethodNotAllowed) as refused:
        asyncio.run(call())
    assert refused.value.data == {"allowed": ["POST"]}


def test_the_segments_of_a_path() -> None:
    assert parts("/v1/models/a:b") == ["a:b"]
    assert parts("/v1/models/m/requests/r/abort") == ["m", "requests", "r", "abort"]
