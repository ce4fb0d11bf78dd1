"""The part of the OpenAPI document that DRF cannot see: routes without serializers.

Everything in it comes from the Structs and from the table of errors, so it cannot drift from
what the server does. ``paths_and_components`` is for a postprocessing hook of drf-spectacular,
which writes OpenAPI 3.0.3 unless ``OAS_VERSION`` says 3.1; both forms are made here.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from xplatform.core.errors import BY_CODE
from xplatform.structs import as_30

from . import answers, schema

#: component names begin so, that no serializer of another app can be called the same
PREFIX: Final = "OpenAI"
SECURITY: Final = "bearer"

_REQUESTS: Final[dict[str, type]] = {
    "ChatRequest": schema.ChatRequest,
    "CompletionRequest": schema.CompletionRequest,
    "EmbeddingRequest": schema.EmbeddingRequest,
    "TokenizeRequest": schema.TokenizeRequest,
    "DetokenizeRequest": schema.DetokenizeRequest,
    "AbortOrder": answers.AbortOrder,
}
_ANSWERS: Final[dict[str, type]] = {
    "ChatCompletion": answers.ChatCompletion,
    "ChatCompletionChunk": answers.ChatCompletionChunk,
    "Completion": answers.Completion,
    "EmbeddingList": answers.EmbeddingList,
    "Tokens": answers.Tokens,
    "Detokenized": answers.Detokenized,
    "Model": answers.Model,
    "ModelList": answers.ModelList,
    "ErrorBody": answers.ErrorBody,
    "RequestProgress": answers.RequestProgress,
    "Aborted": answers.Aborted,
    "Status": answers.Status,
}
_STREAM: Final = (
    "With `stream: true` the answer is `text/event-stream`: each event is `data: ` and one JSON"
    " object as below, lines that begin with `:` are comments to keep the connection open, and"
    " `data: [DONE]` ends the stream. An error after the first event comes as an event with an"
    " `error` object, and no `[DONE]` follows."
)


def paths_and_components(version: str = "3.0.3") -> tuple[dict[str, Any], dict[str, Any]]:
    """Path items by path, and components by kind (``schemas``, ``securitySchemes``)."""
    _, found = msgspec.json.schema_components(
        [*_REQUESTS.values(), *_ANSWERS.values()],
        ref_template=f"#/components/schemas/{PREFIX}{{name}}",
    )
    components: dict[str, Any] = {
        "schemas": {PREFIX + name: shape for name, shape in sorted(found.items())},
        "securitySchemes": {SECURITY: {"type": "http", "scheme": "bearer"}},
    }
    paths = _paths()
    if version.startswith("3.0"):
        return as_30(paths), as_30(components)
    return paths, components


def _paths() -> dict[str, Any]:
    return {
        "/v1/chat/completions": _post(
            "createChatCompletion",
            "chat",
            "Answer a conversation",
            "ChatRequest",
            "ChatCompletion",
            events="ChatCompletionChunk",
        ),
        "/v1/completions": _post(
            "createCompletion",
            "completions",
            "Go on behind a text",
            "CompletionRequest",
            "Completion",
            events="Completion",
        ),
        "/v1/embeddings": _post(
            "createEmbedding",
            "embeddings",
            "Turn texts into vectors",
            "EmbeddingRequest",
            "EmbeddingList",
        ),
        "/v1/tokenize": _post(
            "tokenize",
            "tokens",
            "Split a text, or a rendered chat, into tokens",
            "TokenizeRequest",
            "Tokens",
        ),
        "/v1/detokenize": _post(
            "detokenize",
            "tokens",
            "Turn token ids back into text",
            "DetokenizeRequest",
            "Detokenized",
        ),
        "/v1/models": _get(
            "listModels", "models", "List the models that can be called", "ModelList", [401]
        ),
        "/v1/models/{model}": _get(
            "retrieveModel",
            "models",
            "Tell about one model",
            "Model",
            [401, 404],
            parameters=[_in_path("model")],
        ),
        "/v1/requests/{rid}/progress": _get(
            "getRequestProgress",
            "requests",
            "How far a running request of yours is",
            "RequestProgress",
            [401, 404],
            parameters=[_in_path("rid")],
        ),
        "/v1/models/{model}/requests/{rid}/abort": _abort(),
        "/healthz": _probe("healthz", "Is the process alive?"),
        "/readyz": _probe("readyz", "Can it take requests?"),
        "/status": _status(),
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "tags": ["operation"],
                "summary": "Metrics in Prometheus' text format",
                "responses": {
                    "200": {
                        "description": "Metrics",
                        "content": {"text/plain": {"schema": {"type": "string"}}},
                    },
                    **_errors([401, 403, 429]),
                },
                "security": [{}, {SECURITY: []}],
            }
        },
    }


def _post(
    operation: str,
    tag: str,
    summary: str,
    body: str,
    answer: str,
    *,
    events: str | None = None,
) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(answer)}}
    if events is not None:
        content["text/event-stream"] = {"schema": _ref(events)}
    post: dict[str, Any] = {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(body)}},
        },
        "responses": {
            "200": {"description": "The answer", "content": content},
            **_errors([400, 401, 403, 404, 413, 415, 429, 500, 503, 504]),
        },
        "security": [{SECURITY: []}],
    }
    if events is not None:
        post["description"] = _STREAM
    refused = getattr(_REQUESTS[body], "REFUSED", {})
    if refused:
        names = ", ".join(f"`{name}`" for name in refused)
        text = f"Documented by OpenAI, but refused here when they ask for something: {names}."
        post["description"] = f"{post.get('description', '')}\n\n{text}".strip()
    return {"post": post}


def _abort() -> dict[str, Any]:
    post = _post(
        "abortRequest", "requests", "End a running request of yours", "AbortOrder", "Aborted"
    )["post"]
    post["requestBody"]["required"] = False
    post["responses"] = {"200": post["responses"]["200"], **_errors([400, 401, 404])}
    post["parameters"] = [_in_path("model"), _in_path("rid")]
    return {"post": post}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _get(
    operation: str,
    tag: str,
    summary: str,
    answer: str,
    errors: list[int],
    *,
    parameters: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    get: dict[str, Any] = {
        "operationId": operation,
        "tags": [tag],
        "summary": summary,
        "responses": {
            "200": {
                "description": "The answer",
                "content": {"application/json": {"schema": _ref(answer)}},
            },
            **_errors(errors),
        },
        "security": [{SECURITY: []}],
    }
    if parameters:
        get["parameters"] = parameters
    return {"get": get}


def _probe(name: str, summary: str) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref("Status")}}
    return {
        "get": {
            "operationId": name,
            "tags": ["operation"],
            "summary": summary,
            "responses": {
                "200": {"description": "Yes", "content": content},
                "503": {"description": "No, and why", "content": content},
            },
            "security": [],
        }
    }


def _status() -> dict[str, Any]:
    """In short for all; whoever shows a key is told more, or why not."""
    item = _probe("status", "What runs, in short")
    item["get"]["responses"] |= _errors([401, 403, 429])
    item["get"]["security"] = [{}, {SECURITY: []}]
    return item


def _errors(statuses: list[int]) -> dict[str, Any]:
    """One entry a status, with the codes that come with it."""
    out: dict[str, Any] = {}
    for status in statuses:
        codes = [f"`{code}`" for code, error in BY_CODE.items() if error.status == status]
        entry: dict[str, Any] = {
            "description": f"Error codes: {', '.join(codes)}",
            "content": {"application/json": {"schema": _ref("ErrorBody")}},
        }
        if status in (429, 503, 504):
            entry["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait before a retry",
                    "schema": {"type": "integer"},
                }
            }
        out[str(status)] = entry
    return out


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{PREFIX}{name}"}
