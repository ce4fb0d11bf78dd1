"""Requests that are answered, for operations that schemathesis would have to be very lucky with:
so that their answers, too, are held against the document. It asks them before all others."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.world import World

_CHAT: Final = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}
_MODEL: Final = "ours-model"
_UID: Final = {"uid": _MODEL}
_FACE: Final = {"model_uid": _MODEL}
_LLM: Final = {"kind": "llm", "name": "ours-family"}
_FACE_LLM: Final = {"model_type": "LLM", "model_name": "ours-family"}
_CATALOGUE: Final = {"kind": "llm", "name": "DeepSeek-V3.2"}
_SECRET: Final = {"name": "hf_token"}
_PROVIDER: Final = {"name": "a-provider"}
_FAMILY: Final = {
    "name": "an-example",
    "kind": "llm",
    "abilities": ["chat"],
    "specs": [
        {
            "format": "pytorch",
            "size": "1",
            "repositories": [{"hub": "huggingface", "id": "a/b"}],
        }
    ],
}

#: operation → (parameters, body)
_EXAMPLES: Final[dict[str, tuple[dict[str, Any], Any]]] = {
    # --- models
    "POST /api/launches": (
        {},
        {"uid": "an-example", "engine": "fake", "model_path": "/dev/null", "min_replicas": 0},
    ),
    "GET /api/launches/{uid}": (_UID, None),
    "PUT /api/launches/{uid}/adapters": (_UID, {"adapters": []}),
    "PUT /api/launches/{uid}/replicas": (_UID, {"min_replicas": 1, "max_replicas": 2}),
    "POST /api/launches/{uid}/replicas": (_UID, {"count": 1}),
    "GET /api/launches/{uid}/requests": (_UID, None),
    "PUT /api/launches/{uid}/keeping": (_UID, {"pinned": False}),
    "POST /api/registrations": ({}, {"family": _FAMILY}),
    "GET /api/registrations/{kind}/{name}": (_LLM, None),
    "GET /api/catalogue": ({"search": "deepseek"}, None),
    "GET /api/catalogue/{kind}/{name}": (_CATALOGUE, None),
    "GET /api/catalogue/{kind}/{name}/ways": (_CATALOGUE, None),
    "GET /api/engine-options": ({"engine": "llama.cpp", "kind": "llm"}, None),
    "GET /api/estimate": ({"name": "DeepSeek-V3.2", "kind": "llm"}, None),
    "GET /api/logs": ({"model": _MODEL}, None),
    "GET /api/nodes/{name}": ({"name": "local"}, None),
    "GET /api/nodes/{name}/logs": ({"name": "local"}, None),
    "PATCH /api/nodes/{name}": ({"name": "local"}, {"labels": {"a": "b"}}),
    "POST /api/nodes/{name}/uncordon": ({"name": "local"}, None),
    # --- people
    "PUT /api/users/{username}/password": (
        {"username": "ours-person"},
        {"password": "another long enough one"},
    ),
    "PUT /api/projects/{slug}/members/{kind}/{name}": (
        {"slug": "ours", "kind": "users", "name": "ours-person"},
        {"role": "developer"},
    ),
    "PUT /api/groups/{name}/members/{username}": (
        {"name": "a-group", "username": "ours-person"},
        None,
    ),
    "POST /token": (
        {},
        {"username": "viewer-of-ours", "password": "the password of viewer-of-ours"},
    ),
    # --- the platform
    "POST /api/limits": (
        {},
        {"kind": "tokens_per_day", "amount": 1e9, "scope": "project", "subject": "ours"},
    ),
    "PATCH /api/prices/{price_id}": ({"price_id": 1}, {"input": "2.5"}),
    "PUT /api/settings/secrets/{name}": (_SECRET, {"value": "hf_something"}),
    "POST /api/sso/providers": (
        {},
        {"name": "a-provider", "issuer": "https://login.example.com", "client_id": "x"},
    ),
    "GET /api/sso/providers/{name}": (_PROVIDER, None),
    "POST /api/sso/providers/{name}/check": (_PROVIDER, None),
    # --- OAuth
    "POST /oauth/token": (
        {},
        {
            "grant_type": "client_credentials",
            "client_id": "{client_id}",
            "client_secret": "{client_secret}",
        },
    ),
    **dict.fromkeys(
        ("POST /oauth/introspect", "POST /oauth/revoke"),
        ({}, {"token": "x", "client_id": "{client_id}", "client_secret": "{client_secret}"}),
    ),
    # --- inference
    "POST /v1/chat/completions": ({}, {"model": _MODEL, **_CHAT}),
    "POST /v1/completions": ({}, {"model": _MODEL, "prompt": "Hello", "max_tokens": 3}),
    "POST /v1/tokenize": ({}, {"model": _MODEL, "prompt": "Hello"}),
    "POST /v1/detokenize": ({}, {"model": _MODEL, "tokens": [1, 2]}),
    "GET /v1/models/{model}": ({"model": _MODEL}, None),
    "POST /v1/models/{model}/requests/{rid}/abort": ({"model": _MODEL, "rid": "none"}, {}),
    # --- Xinference's faces
    "GET /v1/models/{model_uid}/events": (_FACE, None),
    "GET /v1/models/{model_uid}/progress": (_FACE, None),
    "GET /v1/models/{model_uid}/replicas": (_FACE, None),
    "GET /v1/models/{model_uid}/reload/config": (_FACE, None),
    "GET /v1/engines/{model_name}": ({"model_name": "DeepSeek-V3.2"}, None),
    "GET /v1/engines/{model_type}/{model_name}": (
        {"model_type": "LLM", "model_name": "DeepSeek-V3.2"},
        None,
    ),
    "GET /v1/model_registrations/{model_type}": ({"model_type": "LLM"}, None),
    "GET /v1/model_registrations/{model_type}/{model_name}": (_FACE_LLM, None),
    "GET /v1/models/{model_type}/{model_name}/versions": (_FACE_LLM, None),
    "POST /v1/models/recommend": (
        {},
        {"model_name": "DeepSeek-V3.2", "model_type": "LLM", "constraints": {}},
    ),
    "GET /v1/virtualenvs/packages": ({"model_engine": "llama.cpp"}, None),
    "PUT /v1/model_favorites": ({}, {"model_name": "ours-family"}),
    "POST /v1/launch_history": ({}, {"model_name": "ours-family", "data": {}}),
    "DELETE /v1/launch_history/{model_name}": ({"model_name": "ours-family"}, None),
    "POST /v1/admin/users": (
        {},
        {"username": "an-example", "password": "a long enough password", "permissions": []},
    ),
}


def add_examples(document: dict[str, Any], world: World) -> None:
    for operation, (parameters, body) in _EXAMPLES.items():
        method, path = operation.split()
        described = document["paths"][path][method.lower()]
        for parameter in described.get("parameters", ()):
            if parameter["name"] in parameters:
                parameter["example"] = _filled(parameters[parameter["name"]], world)
        if body is not None:
            for content in described["requestBody"]["content"].values():
                content["example"] = _filled(body, world)


def _filled(value: Any, world: World) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, world) for name, inner in value.items()}
    if isinstance(value, str):
        for name in ("client_id", "client_secret"):
            value = value.replace(f"{{{name}}}", getattr(world, name))
    return value
